package dev.gantry.images.http;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A request.
 *
 * @param target path and query, as they go over the wire
 * @param body empty for none
 */
public record HttpRequest(Endpoint endpoint, String method, String target, Map<String, String> headers, String body) {
    public HttpRequest {
        headers = Map.copyOf(headers);
        if (!target.startsWith("/") || hasControl(target)) {
            throw new IllegalArgumentException("request target is no path");
        }
        headers.forEach((name, value) -> {
            if (hasControl(value)) {
                throw new IllegalArgumentException("header " + name + " has a control character");
            }
        });
    }

    /** A GET without headers. */
    public static HttpRequest get(Endpoint endpoint, String target) {
        return new HttpRequest(endpoint, "GET", target, Map.of(), "");
    }

    public HttpRequest with(String name, String value) {
        Map<String, String> all = new LinkedHashMap<>(headers);
        all.put(name, value);
        return new HttpRequest(endpoint, method, target, all, body);
    }

    public HttpRequest method(String other) {
        return new HttpRequest(endpoint, other, target, headers, body);
    }

    private static boolean hasControl(String text) {
        return text.chars().anyMatch(c -> c < ' ' || c == 0x7f);
    }

    /** {@code GET https://host/path}, without query and headers: they may hold secrets. */
    @Override
    public String toString() {
        int query = target.indexOf('?');
        return method + " " + endpoint + (query < 0 ? target : target.substring(0, query));
    }
}
