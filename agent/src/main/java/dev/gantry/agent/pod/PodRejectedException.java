package dev.gantry.agent.pod;

import java.util.List;

/** A request about a pod that cannot be granted; maps one to one to the API's {@code Status} object. */
public final class PodRejectedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Reason reason;
    private final transient List<Cause> causes;

    public PodRejectedException(Reason reason, String message, List<Cause> causes) {
        super(message);
        this.reason = reason;
        this.causes = List.copyOf(causes);
    }

    public PodRejectedException(Reason reason, String message) {
        this(reason, message, List.of());
    }

    public Reason reason() {
        return reason;
    }

    /** The fields at fault; empty if none is. */
    public List<Cause> causes() {
        return causes;
    }

    /** The API's reasons, with the HTTP status that goes with each. */
    public enum Reason {
        BadRequest(400),
        Forbidden(403),
        NotFound(404),
        AlreadyExists(409),
        Conflict(409),
        Invalid(422),
        InternalError(500);

        private final int code;

        Reason(int code) {
            this.code = code;
        }

        /** The HTTP status code. */
        public int code() {
            return code;
        }
    }

    /**
     * One field at fault, as in {@code status.details.causes}.
     *
     * @param reason {@code FieldValueRequired}, {@code FieldValueInvalid}, …
     * @param field path such as {@code spec.containers[0].image}
     * @param message what is wrong, without the path
     */
    public record Cause(String reason, String field, String message) {}
}
