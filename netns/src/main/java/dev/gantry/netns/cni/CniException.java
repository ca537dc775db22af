package dev.gantry.netns.cni;

import java.io.IOException;

/** A plugin refused, failed or did not answer; or a configuration cannot be used. */
public final class CniException extends IOException {
    /** The plugin knows nothing of the container, and nothing needs to be cleaned up. */
    public static final int UNKNOWN_CONTAINER = 3;
    /** The specification's "try again later". */
    public static final int TRY_AGAIN_LATER = 11;
    /** STATUS: the plugin cannot serve ADD. */
    public static final int NOT_AVAILABLE = 50;
    /** STATUS: the plugin cannot serve ADD, and running containers may have limited connectivity. */
    public static final int NOT_AVAILABLE_LIMITED = 51;
    /** Codes of the specification begin at 1; this marks failures that no plugin reported. */
    public static final int NO_CODE = 0;

    private static final long serialVersionUID = 1L;

    private final int code;

    CniException(int code, String message) {
        super(message);
        this.code = code;
    }

    CniException(String message, Throwable cause) {
        super(message, cause);
        code = NO_CODE;
    }

    /** The code a plugin reported (SPEC.md, section 5 "Error"), or {@link #NO_CODE}. */
    public int code() {
        return code;
    }

    /** Whether the same call may succeed later, unchanged. */
    public boolean isTransient() {
        return code == TRY_AGAIN_LATER || code == NOT_AVAILABLE || code == NOT_AVAILABLE_LIMITED;
    }
}
