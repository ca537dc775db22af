package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.SecurityContext;

/** {@code runAsNonRoot}, decided before the container is made. */
final class RunAsUser {
    private RunAsUser() {}

    /** Refuses a container that must not run as root and would, or whose user cannot be known. */
    static void verify(Pod pod, Container container, ImageState.Present image) throws StartFailedException {
        SecurityContext own =
                container.getSecurityContext() == null ? new SecurityContext() : container.getSecurityContext();
        PodSecurityContext podContext = pod.getSpec().getSecurityContext() == null
                ? new PodSecurityContext()
                : pod.getSpec().getSecurityContext();
        Boolean nonRoot = own.getRunAsNonRoot() != null ? own.getRunAsNonRoot() : podContext.getRunAsNonRoot();
        if (!Boolean.TRUE.equals(nonRoot)) {
            return;
        }
        Long user = own.getRunAsUser() != null ? own.getRunAsUser() : podContext.getRunAsUser();
        if (user != null) {
            if (user == 0) {
                throw StartFailedException.config("container's runAsUser breaks non-root policy (container: "
                        + container.getName() + "): set runAsUser to another user than 0");
            }
        } else if (image.uid().isPresent() && image.uid().getAsLong() == 0) {
            throw StartFailedException.config("container has runAsNonRoot and image will run as root (container: "
                    + container.getName() + "): set runAsUser");
        } else if (!image.username().isEmpty()) {
            throw StartFailedException.config("container has runAsNonRoot and image has non-numeric user ("
                    + image.username() + "), cannot verify user is non-root (container: " + container.getName()
                    + "): set runAsUser");
        } else if (image.uid().isEmpty()) {
            throw StartFailedException.config("container has runAsNonRoot and image will run as root (container: "
                    + container.getName() + "): set runAsUser");
        }
    }
}
