package dev.gantry.netns.cni;

import java.io.IOException;

/** A plugin refused, failed or did not answer; or a configuration cannot be used. */
public final class CniException extends IOException {
    /** The plugin knows nothing of the container, and nothing needs to be cleaned up. */
    public static final int UNKNOWN_CONTAINER = 3;
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
}
