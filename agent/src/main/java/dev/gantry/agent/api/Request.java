package dev.gantry.agent.api;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.List;
import java.util.Map;

/**
 * A request, decoded.
 *
 * @param segments the path's parts between slashes, decoded; an empty path has none
 */
record Request(
        HttpMethod method,
        List<String> segments,
        Map<String, List<String>> query,
        HttpHeaders headers,
        BodyStream body) {
    static Request of(HttpRequest request, BodyStream body) throws ApiException {
        try {
            QueryStringDecoder decoder = new QueryStringDecoder(request.uri());
            List<String> segments = new java.util.ArrayList<>();
            for (String segment : decoder.rawPath().split("/", -1)) {
                if (!segment.isEmpty()) {
                    segments.add(QueryStringDecoder.decodeComponent(segment.replace("+", "%2B")));
                }
            }
            return new Request(request.method(), segments, decoder.parameters(), request.headers(), body);
        } catch (IllegalArgumentException e) {
            throw ApiException.badRequest("the request's address is not well formed: " + e.getMessage());
        }
    }

    /** The last value of a query parameter, or empty. */
    String parameter(String name) {
        List<String> values = query.get(name);
        return values == null || values.isEmpty() ? "" : values.get(values.size() - 1);
    }

    /** Whether a query parameter says yes. */
    boolean flag(String name) throws ApiException {
        if (!query.containsKey(name)) {
            return false;
        }
        return switch (parameter(name)) {
            case "", "1", "true", "True", "TRUE", "t", "T" -> true;
            case "0", "false", "False", "FALSE", "f", "F" -> false;
            default ->
                throw ApiException.badRequest(
                        "parameter " + name + " takes true or false, not '" + parameter(name) + "'");
        };
    }

    /** A whole number of at least 0; -1 if the parameter is not there. */
    long number(String name) throws ApiException {
        String value = parameter(name);
        if (value.isEmpty()) {
            return -1;
        }
        try {
            long number = Long.parseLong(value);
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw ApiException.badRequest("parameter " + name + " takes a whole number of at least 0, not '" + value + "'");
    }

    /** Whether the client asks for a server-side table. */
    boolean wantsTable() {
        String accept = headers.get("Accept", "");
        return accept.contains("as=Table") && accept.contains("g=meta.k8s.io");
    }
}
