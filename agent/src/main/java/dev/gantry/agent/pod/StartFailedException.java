package dev.gantry.agent.pod;

import org.jspecify.annotations.Nullable;

/** A container could not be started; carries the reason of its waiting state. */
public final class StartFailedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String reason;

    StartFailedException(String reason, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** What the pod asks for cannot be given. */
    static StartFailedException config(String message) {
        return new StartFailedException("CreateContainerConfigError", message, null);
    }

    /** Of the waiting state. */
    public String reason() {
        return reason;
    }
}
