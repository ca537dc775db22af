package dev.gantry.agent.api;

import dev.gantry.agent.pod.PodRejectedException;
import java.util.List;

/** A request that ends in a {@code Status} object instead of what was asked for. */
final class ApiException extends Exception {
    private static final long serialVersionUID = 1;

    private final int code;
    private final String reason;
    private final String kind;
    private final String name;
    private final transient List<PodRejectedException.Cause> causes;

    private ApiException(
            int code,
            String reason,
            String message,
            String kind,
            String name,
            List<PodRejectedException.Cause> causes) {
        super(message);
        this.code = code;
        this.reason = reason;
        this.kind = kind;
        this.name = name;
        this.causes = causes;
    }

    /**
     * A failure by its code and the reason that Kubernetes pairs with it.
     *
     * @param code of HTTP
     */
    static ApiException of(int code, String reason, String message) {
        return new ApiException(code, reason, message, "", "", List.of());
    }

    static ApiException badRequest(String message) {
        return of(400, "BadRequest", message);
    }

    static ApiException notFound(String resource, String name) {
        return new ApiException(404, "NotFound", resource + " \"" + name + "\" not found", resource, name, List.of());
    }

    /** There is nothing at this path. */
    static ApiException noSuchPath() {
        return of(404, "NotFound", "the server could not find the requested resource");
    }

    static ApiException notImplemented(String message) {
        return of(501, "NotImplemented", message);
    }

    static ApiException of(PodRejectedException e, String name) {
        return new ApiException(
                e.reason().code(), e.reason().name(), String.valueOf(e.getMessage()), "pods", name, e.causes());
    }

    int code() {
        return code;
    }

    String reason() {
        return reason;
    }

    /** The resource it is about; may be empty. */
    String kind() {
        return kind;
    }

    /** The object it is about; may be empty. */
    String name() {
        return name;
    }

    List<PodRejectedException.Cause> causes() {
        return causes;
    }
}
