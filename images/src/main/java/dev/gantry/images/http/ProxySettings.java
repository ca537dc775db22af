package dev.gantry.images.http;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The proxy for https, and who is reached without it.
 *
 * @param proxy an {@code http://} URL, perhaps with {@code user:password@}
 * @param exceptions names, {@code .suffixes} and addresses
 */
public record ProxySettings(Optional<URI> proxy, List<String> exceptions) {
    public static final ProxySettings NONE = new ProxySettings(Optional.empty(), List.of());

    public ProxySettings {
        exceptions = List.copyOf(exceptions);
    }

    /** {@code HTTPS_PROXY} and {@code NO_PROXY}, in either case of letters. */
    public static ProxySettings of(Map<String, String> environment) {
        String proxy = first(environment, "HTTPS_PROXY", "https_proxy");
        if (proxy.isEmpty()) {
            return NONE;
        }
        List<String> exceptions = new ArrayList<>();
        for (String each : first(environment, "NO_PROXY", "no_proxy").split(",", -1)) {
            if (!each.isBlank()) {
                exceptions.add(each.strip().toLowerCase(Locale.ROOT));
            }
        }
        String url = proxy.contains("://") ? proxy : "http://" + proxy;
        return new ProxySettings(Optional.of(URI.create(url)), exceptions);
    }

    private static String first(Map<String, String> environment, String upper, String lower) {
        String value = environment.getOrDefault(upper, "");
        return value.isEmpty() ? environment.getOrDefault(lower, "") : value;
    }

    /** The proxy to reach this endpoint by; never for this machine itself, nor for plain HTTP. */
    Optional<URI> forEndpoint(Endpoint endpoint) {
        if (!endpoint.tls() || endpoint.isLoopback()) {
            return Optional.empty();
        }
        for (String exception : exceptions) {
            String suffix = exception.startsWith("*.") ? exception.substring(1) : exception;
            if (suffix.equals("*")
                    || endpoint.host().equals(suffix)
                    || endpoint.hostAndPort().equals(suffix)
                    || endpoint.host().endsWith(suffix.startsWith(".") ? suffix : "." + suffix)) {
                return Optional.empty();
            }
        }
        return proxy;
    }
}
