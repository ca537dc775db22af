package dev.gantry.images;

import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An image operation that failed: the message says operation, object, answer and remedy, the code what a caller may decide on. */
public final class ImageException extends IOException {
    /** What a caller may decide on. */
    public enum Code {
        /** The name is outside the grammar. */
        INVALID_NAME,
        /** The registry knows no such repository, tag or digest, or the store no such image. */
        NOT_FOUND,
        /** The registry refuses these credentials, or wants some. */
        UNAUTHORIZED,
        /** The registry cannot be reached or does not answer in time. */
        UNAVAILABLE,
        /** The registry answered with an error of its own, or nonsense. */
        REGISTRY_ERROR,
        /** The registry asks to slow down. */
        TOO_MANY_REQUESTS,
        /** The bytes are not what their digest or size says. */
        DIGEST_MISMATCH,
        /** The image breaks a rule or a limit of its format. */
        INVALID_IMAGE,
        /** The image is well formed, but not for this machine. */
        UNSUPPORTED,
        /** No space or no inodes left. */
        NO_SPACE,
        /** The last waiter has gone, or the store was closed. */
        CANCELLED,
        /** Another process uses this store. */
        LOCKED,
        /** The store's own files cannot be read or written. */
        STORE
    }

    private final Code code;

    public ImageException(Code code, String message) {
        this(code, message, null);
    }

    public ImageException(Code code, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    public Code code() {
        return code;
    }

    /** Whether the same call may succeed later, unchanged. */
    public boolean isTransient() {
        return switch (code) {
            case UNAVAILABLE, REGISTRY_ERROR, TOO_MANY_REQUESTS, DIGEST_MISMATCH, NO_SPACE, CANCELLED, LOCKED -> true;
            case INVALID_NAME, NOT_FOUND, UNAUTHORIZED, INVALID_IMAGE, UNSUPPORTED, STORE -> false;
        };
    }

    /**
     * The error that the kubelet recognises by the start of a CRI message and shows as the waiting reason:
     * {@code RegistryUnavailable}; empty for a plain {@code ErrImagePull}.
     */
    public Optional<String> criReason() {
        return code == Code.UNAVAILABLE ? Optional.of("RegistryUnavailable") : Optional.empty();
    }
}
