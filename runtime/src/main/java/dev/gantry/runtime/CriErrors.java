package dev.gantry.runtime;

import dev.gantry.images.ImageException;
import dev.gantry.runtime.spec.SpecException;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;

/** From our exceptions to gRPC's, whose text the kubelet shows to users. */
@SuppressWarnings("AnnotateFormatMethod") // the annotation would be a dependency of its own
final class CriErrors {
    private CriErrors() {}

    static StatusRuntimeException notFound(String message, Object... operands) {
        return Status.NOT_FOUND.withDescription(message.formatted(operands)).asRuntimeException();
    }

    static StatusRuntimeException invalid(String message, Object... operands) {
        return Status.INVALID_ARGUMENT
                .withDescription(message.formatted(operands))
                .asRuntimeException();
    }

    static StatusRuntimeException wrongState(String message, Object... operands) {
        return Status.FAILED_PRECONDITION
                .withDescription(message.formatted(operands))
                .asRuntimeException();
    }

    static StatusRuntimeException exists(String message, Object... operands) {
        return Status.ALREADY_EXISTS
                .withDescription(message.formatted(operands))
                .asRuntimeException();
    }

    static StatusRuntimeException unimplemented(String message) {
        return Status.UNIMPLEMENTED.withDescription(message).asRuntimeException();
    }

    static StatusRuntimeException exhausted(String message) {
        return Status.RESOURCE_EXHAUSTED.withDescription(message).asRuntimeException();
    }

    static StatusRuntimeException unavailable(String message) {
        return Status.UNAVAILABLE.withDescription(message).asRuntimeException();
    }

    static StatusRuntimeException deadline(String message, Object... operands) {
        return Status.DEADLINE_EXCEEDED
                .withDescription(message.formatted(operands))
                .asRuntimeException();
    }

    /** Never fails itself; an unknown error becomes UNKNOWN with its text. */
    static StatusRuntimeException of(Throwable thrown) {
        Throwable cause = unwrapped(thrown);
        if (cause instanceof StatusRuntimeException status) {
            return status;
        }
        return statusOf(cause)
                .withDescription(String.valueOf(cause.getMessage()))
                .withCause(cause)
                .asRuntimeException();
    }

    private static Status statusOf(Throwable cause) {
        if (cause instanceof SpecException spec) {
            return switch (spec.kind()) {
                case INVALID -> Status.INVALID_ARGUMENT;
                case UNSUPPORTED -> Status.FAILED_PRECONDITION;
            };
        }
        if (cause instanceof ImageException image) {
            return switch (image.code()) {
                case INVALID_NAME -> Status.INVALID_ARGUMENT;
                case NOT_FOUND -> Status.NOT_FOUND;
                case UNAUTHORIZED -> Status.PERMISSION_DENIED;
                case UNAVAILABLE -> Status.UNAVAILABLE;
                case TOO_MANY_REQUESTS, NO_SPACE -> Status.RESOURCE_EXHAUSTED;
                case CANCELLED -> Status.CANCELLED;
                case REGISTRY_ERROR, DIGEST_MISMATCH, INVALID_IMAGE, UNSUPPORTED, LOCKED, STORE -> Status.UNKNOWN;
            };
        }
        if (cause instanceof IllegalArgumentException) {
            return Status.INVALID_ARGUMENT;
        }
        if (cause instanceof TimeoutException) {
            return Status.DEADLINE_EXCEEDED;
        }
        if (cause instanceof InterruptedException) {
            return Status.CANCELLED;
        }
        return Status.UNKNOWN;
    }

    static Throwable unwrapped(Throwable thrown) {
        Throwable cause = thrown;
        while ((cause instanceof CompletionException || cause instanceof ExecutionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }
}
