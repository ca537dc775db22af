package dev.gantry.agent.pod;

import dev.gantry.staticpods.FieldError;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.HTTPGetAction;
import io.fabric8.kubernetes.api.model.LifecycleHandler;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Probe;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Fields that the model has and Kubernetes 1.36, which this agent follows, does not: those that do not work here are
 * refused, not dropped.
 */
final class LaterFields {
    private final List<FieldError> errors = new ArrayList<>();

    private LaterFields() {}

    /** What of them a pod has. */
    static List<FieldError> in(PodSpec spec) {
        LaterFields fields = new LaterFields();
        fields.refuseIf(!orEmpty(spec.getEvictionResponders()).isEmpty(), "spec.evictionResponders");
        fields.refuseIf(spec.getSchedulingGroup() != null, "spec.schedulingGroup");
        if (spec.getResources() != null) {
            fields.refuseIf(!orEmpty(spec.getResources().getClaims()).isEmpty(), "spec.resources.claims");
        }
        fields.each("spec.initContainers", spec.getInitContainers(), fields::container);
        fields.each("spec.containers", spec.getContainers(), fields::container);
        return fields.errors;
    }

    private interface Check<T> {
        void check(String path, T value);
    }

    private <T> void each(String path, @Nullable List<T> values, Check<T> check) {
        List<T> present = orEmpty(values);
        for (int i = 0; i < present.size(); i++) {
            check.check(path + "[" + i + "]", present.get(i));
        }
    }

    private void container(String path, Container container) {
        probe(path + ".livenessProbe", container.getLivenessProbe());
        probe(path + ".readinessProbe", container.getReadinessProbe());
        probe(path + ".startupProbe", container.getStartupProbe());
        if (container.getLifecycle() != null) {
            handler(path + ".lifecycle.postStart", container.getLifecycle().getPostStart());
            handler(path + ".lifecycle.preStop", container.getLifecycle().getPreStop());
        }
    }

    private void probe(String path, @Nullable Probe probe) {
        if (probe != null) {
            get(path, probe.getHttpGet());
            refuseIf(probe.getGrpc() != null && probe.getGrpc().getMode() != null, path + ".grpc.mode");
        }
    }

    private void handler(String path, @Nullable LifecycleHandler handler) {
        if (handler != null) {
            get(path, handler.getHttpGet());
        }
    }

    private void get(String path, @Nullable HTTPGetAction get) {
        refuseIf(get != null && get.getProtocol() != null, path + ".httpGet.protocol");
    }

    private void refuseIf(boolean present, String field) {
        if (present) {
            errors.add(FieldError.forbidden(
                    field, "is of a later Kubernetes than 1.36, which this agent follows; remove it to run the pod"));
        }
    }

    private static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }
}
