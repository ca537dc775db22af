package dev.gantry.agent.volume;

/** A volume cannot be had; the message says which one, why, and what to do. */
public final class VolumeException extends Exception {
    private static final long serialVersionUID = 1L;

    VolumeException(String message) {
        super(message);
    }

    VolumeException(String message, Throwable cause) {
        super(message, cause);
    }
}
