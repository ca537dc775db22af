package dev.gantry.staticpods;

import static dev.gantry.staticpods.PodValidation.orEmpty;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Ephemeral containers: containers without what is about staying (KEP-277). */
public final class EphemeralContainers {
    private EphemeralContainers() {}

    /** A container with the fields that an ephemeral one may have. It is never restarted. */
    public static Container container(EphemeralContainer from) {
        Container to = new Container();
        to.setName(from.getName());
        to.setImage(from.getImage());
        to.setImagePullPolicy(from.getImagePullPolicy());
        to.setCommand(from.getCommand());
        to.setArgs(from.getArgs());
        to.setWorkingDir(from.getWorkingDir());
        to.setEnv(from.getEnv());
        to.setEnvFrom(from.getEnvFrom());
        to.setVolumeMounts(from.getVolumeMounts());
        to.setVolumeDevices(from.getVolumeDevices());
        to.setSecurityContext(from.getSecurityContext());
        to.setStdin(from.getStdin());
        to.setStdinOnce(from.getStdinOnce());
        to.setTty(from.getTty());
        to.setTerminationMessagePath(from.getTerminationMessagePath());
        to.setTerminationMessagePolicy(from.getTerminationMessagePolicy());
        to.setRestartPolicy("Never");
        return to;
    }

    /** Sets each field that is not set and has a default. */
    static void defaults(EphemeralContainer container) {
        Container defaulted = container(container);
        PodDefaults.container(defaulted, false);
        container.setImagePullPolicy(defaulted.getImagePullPolicy());
        container.setTerminationMessagePath(defaulted.getTerminationMessagePath());
        container.setTerminationMessagePolicy(defaulted.getTerminationMessagePolicy());
        if (new ResourceRequirements().equals(container.getResources())) {
            // As clients in Go always send it.
            container.setResources(null);
        }
    }

    /** What is wrong with one beside what would be with any container. */
    static void validate(String path, EphemeralContainer container, PodSpec spec, FieldErrors errors) {
        String target = container.getTargetContainerName();
        if (target != null
                && !target.isEmpty()
                && orEmpty(spec.getContainers()).stream().noneMatch(one -> target.equals(one.getName()))) {
            errors.add(FieldError.notFound(path + ".targetContainerName", target));
        }
        forbid(path + ".ports", container.getPorts(), errors);
        forbid(path + ".livenessProbe", container.getLivenessProbe(), errors);
        forbid(path + ".readinessProbe", container.getReadinessProbe(), errors);
        forbid(path + ".startupProbe", container.getStartupProbe(), errors);
        forbid(path + ".lifecycle", container.getLifecycle(), errors);
        forbid(path + ".resources", container.getResources(), errors);
        forbid(path + ".resizePolicy", container.getResizePolicy(), errors);
        forbid(path + ".restartPolicy", container.getRestartPolicy(), errors);
        forbid(path + ".restartPolicyRules", container.getRestartPolicyRules(), errors);
        List<VolumeMount> mounts = orEmpty(container.getVolumeMounts());
        for (int i = 0; i < mounts.size(); i++) {
            String mount = path + ".volumeMounts[" + i + "]";
            forbid(mount + ".subPath", mounts.get(i).getSubPath(), errors);
            forbid(mount + ".subPathExpr", mounts.get(i).getSubPathExpr(), errors);
        }
    }

    private static void forbid(String field, @Nullable Object value, FieldErrors errors) {
        boolean empty = value == null || value.equals("") || (value instanceof Collection<?> list && list.isEmpty());
        if (!empty) {
            errors.add(FieldError.forbidden(field, "cannot be set for an Ephemeral Container"));
        }
    }
}
