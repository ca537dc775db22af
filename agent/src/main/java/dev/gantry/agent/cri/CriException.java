package dev.gantry.agent.cri;

import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.CompletionException;

/** A call that the runtime refused, or that did not reach it. */
public final class CriException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Status.Code code;
    private final String reason;

    private CriException(String message, Status.Code code, String reason, Throwable cause) {
        super(message, cause);
        this.code = code;
        this.reason = reason;
    }

    /**
     * Says what was asked of whom and what came back.
     *
     * @param object {@code container 3f2a of default/web}
     */
    static CriException of(String operation, String object, Throwable cause) {
        Status status = statusOf(cause);
        String reason =
                status.getDescription() == null || status.getDescription().isBlank()
                        ? status.getCode().toString()
                        : status.getDescription();
        if (reason.equals("io exception") && status.getCause() != null) {
            // gRPC's word for a connection that failed; the cause names the socket.
            reason = String.valueOf(status.getCause().getMessage());
        }
        return new CriException(
                operation + " of " + object + ": " + status.getCode() + ": " + reason, status.getCode(), reason, cause);
    }

    private static Status statusOf(Throwable cause) {
        if (cause instanceof StatusRuntimeException e) {
            return e.getStatus();
        }
        if (cause instanceof StatusException e) {
            return e.getStatus();
        }
        return Status.fromThrowable(cause);
    }

    /** What made a future fail, without what later stages have put around it. */
    public static Throwable unwrap(Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    /** What made a future fail, in the runtime's own words if it was the runtime. */
    public static String reason(Throwable failure) {
        Throwable cause = unwrap(failure);
        if (cause instanceof CriException e) {
            return e.reason();
        }
        return cause.getMessage() == null ? cause.toString() : cause.getMessage();
    }

    public Status.Code code() {
        return code;
    }

    /** The runtime's own words, without what was asked. */
    public String reason() {
        return reason;
    }

    /** Whether the object is not there (any more). */
    public boolean isNotFound() {
        return code == Status.Code.NOT_FOUND;
    }

    /** Whether it took longer than it may. */
    public boolean isDeadlineExceeded() {
        return code == Status.Code.DEADLINE_EXCEEDED;
    }

    /** Whether the runtime does not know this kind of call; containerd 2.2 knows some only to say so, without gRPC's code for it. */
    public boolean isUnimplemented() {
        return code == Status.Code.UNIMPLEMENTED
                || (code == Status.Code.UNKNOWN && reason.equals("not implemented yet"));
    }

    /** Whether the same call may succeed later, unchanged. */
    public boolean isTransient() {
        return switch (code) {
            case UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED -> true;
            default -> false;
        };
    }
}
