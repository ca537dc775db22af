package dev.gantry.images.layer;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A layer breaks the rules of its format, or a limit; trying again does not help. */
public final class LayerFormatException extends IOException {
    public LayerFormatException(String message) {
        this(message, null);
    }

    public LayerFormatException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
