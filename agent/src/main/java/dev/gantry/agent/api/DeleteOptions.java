package dev.gantry.agent.api;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;

/** The {@code meta/v1 DeleteOptions} that kubectl sends as the body of a DELETE. */
final class DeleteOptions {
    private DeleteOptions() {}

    /** At least 0; -1 if not said. */
    static long gracePeriodSeconds(byte[] body) throws ApiException {
        JsonNode grace = read(body).path("gracePeriodSeconds");
        if (grace.isMissingNode() || grace.isNull()) {
            return -1;
        }
        if (!grace.canConvertToLong() || !grace.isIntegralNumber() || grace.longValue() < 0) {
            throw ApiException.badRequest("gracePeriodSeconds takes a whole number of at least 0, not " + grace);
        }
        return grace.longValue();
    }

    /** The uid that the object must have; empty if any. */
    static String preconditionUid(byte[] body) throws ApiException {
        return body.length == 0
                ? ""
                : read(body).path("preconditions").path("uid").asText("");
    }

    /** Whether nothing is to be deleted. */
    static boolean isDryRun(byte[] body) throws ApiException {
        return body.length > 0 && !read(body).path("dryRun").isEmpty();
    }

    private static JsonNode read(byte[] body) throws ApiException {
        try {
            JsonNode options = Json.MAPPER.readTree(body);
            if (options != null && options.isObject()) {
                return options;
            }
        } catch (IOException e) {
            // told below
        }
        throw ApiException.badRequest("the body of a DELETE is DeleteOptions as JSON, or empty");
    }
}
