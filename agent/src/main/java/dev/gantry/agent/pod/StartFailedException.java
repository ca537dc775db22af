package dev.gantry.agent.pod;

import org.jspecify.annotations.Nullable;

/** A container could not be started; carries the reason of its waiting state. */
public final class StartFailedException extends Exception {
    private static final long serialVersionUID = 1L;
    /** The kubelet mounts volumes before it looks at containers, which then have this reason. */
    private static final String MOUNT_FAILED = "ContainerCreating";

    private final String reason;

    StartFailedException(String reason, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** What the pod asks for cannot be given. */
    static StartFailedException config(String message) {
        return new StartFailedException("CreateContainerConfigError", message, null);
    }

    /** Its volumes are not there; events say so already. */
    static StartFailedException mount(Throwable cause) {
        return new StartFailedException(MOUNT_FAILED, String.valueOf(cause.getMessage()), cause);
    }

    /** Whether an event of the pod has said it already. */
    boolean isReported() {
        return reason.equals(MOUNT_FAILED);
    }

    /** Of the waiting state. */
    public String reason() {
        return reason;
    }
}
