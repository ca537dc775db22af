package dev.gantry.agent.volume;

/** Volumes of a pod could not be set up; it is tried again. Events have been recorded. */
public final class MountFailedException extends Exception {
    private static final long serialVersionUID = 1L;

    MountFailedException(String message, Throwable cause) {
        super(message, cause);
    }
}
