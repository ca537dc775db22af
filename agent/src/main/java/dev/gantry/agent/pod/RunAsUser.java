package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ObservedContainer;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.SecurityContext;
import java.util.Optional;

/** {@code runAsNonRoot}, decided before anything of the container's runs. */
final class RunAsUser {
    private RunAsUser() {}

    /** What is known of the user before the container exists. */
    enum Verdict {
        ALLOWED,
        /** The image names its user: which uid that is, only a created container tells. */
        OF_THE_CREATED_CONTAINER
    }

    /** Refuses a container that must not run as root and would. */
    static Verdict verify(Pod pod, Container container, ImageState.Present image) throws StartFailedException {
        SecurityContext own =
                container.getSecurityContext() == null ? new SecurityContext() : container.getSecurityContext();
        PodSecurityContext podContext = pod.getSpec().getSecurityContext() == null
                ? new PodSecurityContext()
                : pod.getSpec().getSecurityContext();
        Boolean nonRoot = own.getRunAsNonRoot() != null ? own.getRunAsNonRoot() : podContext.getRunAsNonRoot();
        if (!Boolean.TRUE.equals(nonRoot)) {
            return Verdict.ALLOWED;
        }
        Long user = own.getRunAsUser() != null ? own.getRunAsUser() : podContext.getRunAsUser();
        if (user != null) {
            if (user == 0) {
                throw StartFailedException.config("container's runAsUser breaks non-root policy (container: "
                        + container.getName() + "): set runAsUser to another user than 0");
            }
            return Verdict.ALLOWED;
        }
        if (image.uid().isPresent()
                ? image.uid().getAsLong() == 0
                : image.username().isEmpty()) {
            throw StartFailedException.config("container has runAsNonRoot and image will run as root (container: "
                    + container.getName() + "): set runAsUser");
        }
        return image.uid().isPresent() ? Verdict.ALLOWED : Verdict.OF_THE_CREATED_CONTAINER;
    }

    /**
     * Refuses a created container whose user is root after all.
     *
     * @param username the image's user
     * @param created what the runtime made of it; empty if it does not tell (containerd before 2.0)
     */
    static void verifyCreated(Container container, String username, Optional<ObservedContainer.User> created)
            throws StartFailedException {
        if (created.isEmpty()) {
            throw StartFailedException.config("container has runAsNonRoot and image has non-numeric user (" + username
                    + "), cannot verify user is non-root (container: " + container.getName() + "): set runAsUser");
        }
        if (created.get().uid() == 0) {
            throw StartFailedException.config("container has runAsNonRoot and image will run as root: its user "
                    + username + " has the uid 0 (container: " + container.getName() + "): set runAsUser");
        }
    }
}
