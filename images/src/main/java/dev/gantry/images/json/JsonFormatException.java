package dev.gantry.images.json;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A text is not JSON, breaks a bound, or has a field of the wrong type; the message names the field. */
public final class JsonFormatException extends IOException {
    public JsonFormatException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    public JsonFormatException(String message) {
        this(message, null);
    }

    /** Never null, unlike its parent's. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
