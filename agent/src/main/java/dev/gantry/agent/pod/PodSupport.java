package dev.gantry.agent.pod;

import dev.gantry.agent.probe.ProbeTimings;
import dev.gantry.staticpods.FieldError;
import dev.gantry.staticpods.VolumeSources;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeProjection;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What of a valid pod this agent cannot honour yet. Such a pod is refused: a field that is silently dropped costs its
 * author more than one that is refused.
 */
public final class PodSupport {
    private static final Set<String> VOLUMES = Set.of(
            "configMap",
            "downwardAPI",
            "emptyDir",
            "hostPath",
            "image",
            "persistentVolumeClaim",
            "projected",
            "secret");

    private final List<FieldError> errors = new ArrayList<>();

    private PodSupport() {}

    /** The fields that stand in the way; empty if the pod can run here. */
    public static List<FieldError> unsupported(Pod pod) {
        PodSupport support = new PodSupport();
        support.errors.addAll(ProbeTimings.check(pod));
        support.spec(pod.getSpec());
        support.errors.addAll(LaterFields.in(pod.getSpec()));
        return support.errors;
    }

    private void spec(PodSpec spec) {
        refuseIf(!orEmpty(spec.getResourceClaims()).isEmpty(), "spec.resourceClaims");
        if (!orEmpty(spec.getSchedulingGates()).isEmpty()) {
            errors.add(FieldError.forbidden(
                    "spec.schedulingGates",
                    "a pod of this node is bound to it and waits for no scheduler; remove them"));
        }
        if (Boolean.TRUE.equals(spec.getAutomountServiceAccountToken())) {
            errors.add(FieldError.forbidden(
                    "spec.automountServiceAccountToken",
                    "there is no API server here that could issue a token; remove it"));
        }
        serviceAccount("spec.serviceAccountName", spec.getServiceAccountName());
        serviceAccount("spec.serviceAccount", spec.getServiceAccount());
        List<Volume> volumes = orEmpty(spec.getVolumes());
        for (int i = 0; i < volumes.size(); i++) {
            volume("spec.volumes[" + i + "]", volumes.get(i));
        }
        List<Container> init = orEmpty(spec.getInitContainers());
        for (int i = 0; i < init.size(); i++) {
            container("spec.initContainers[" + i + "]", init.get(i));
        }
        List<Container> containers = orEmpty(spec.getContainers());
        for (int i = 0; i < containers.size(); i++) {
            container("spec.containers[" + i + "]", containers.get(i));
        }
    }

    private void serviceAccount(String field, @Nullable String name) {
        if (isSet(name) && !"default".equals(name)) {
            errors.add(
                    FieldError.forbidden(field, "there is no API server here that could issue its tokens; remove it"));
        }
    }

    private void volume(String path, Volume volume) {
        for (String source : VolumeSources.of(volume)) {
            if (!VOLUMES.contains(source)) {
                errors.add(
                        FieldError.forbidden(
                                path + "." + source,
                                "volumes of this kind are not mounted here; mount it on the node and use hostPath, or a local PersistentVolume"));
            }
        }
        if (volume.getProjected() != null) {
            List<VolumeProjection> sources = orEmpty(volume.getProjected().getSources());
            for (int i = 0; i < sources.size(); i++) {
                projection(path + ".projected.sources[" + i + "]", sources.get(i));
            }
        }
    }

    private void projection(String path, VolumeProjection source) {
        refuseWithoutApi(source.getServiceAccountToken() != null, path + ".serviceAccountToken");
        refuseWithoutApi(source.getClusterTrustBundle() != null, path + ".clusterTrustBundle");
        refuseWithoutApi(source.getPodCertificate() != null, path + ".podCertificate");
    }

    private void refuseWithoutApi(boolean asked, String field) {
        if (asked) {
            errors.add(FieldError.forbidden(field, "there is no API server here that could issue it; remove it"));
        }
    }

    private void container(String path, Container container) {
        refuseIf(!orEmpty(container.getVolumeDevices()).isEmpty(), path + ".volumeDevices");
        if (container.getResources() != null) {
            refuseIf(!orEmpty(container.getResources().getClaims()).isEmpty(), path + ".resources.claims");
        }
    }

    private void refuseIf(boolean unsupported, String field) {
        if (unsupported) {
            errors.add(
                    FieldError.forbidden(field, "not supported by this version of Gantry; remove it to run the pod"));
        }
    }

    private static boolean isSet(@Nullable String text) {
        return text != null && !text.isEmpty();
    }

    private static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }
}
