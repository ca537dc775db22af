package dev.gantry.images.http;

import java.net.URI;
import java.util.Locale;

/**
 * Where to connect to, and whether by TLS.
 *
 * @param host name or address; an IPv6 address without brackets
 */
public record Endpoint(boolean tls, String host, int port) {
    public Endpoint {
        host = host.toLowerCase(Locale.ROOT);
        if (host.isEmpty() || port < 1 || port > 65535) {
            throw new IllegalArgumentException("endpoint " + host + ":" + port);
        }
    }

    /** Of an authority {@code host[:port]}, {@code [v6]:port}. */
    public static Endpoint of(boolean tls, String authority) {
        int colon = authority.lastIndexOf(':');
        boolean hasPort = colon > authority.lastIndexOf(']') && colon >= 0;
        String host = hasPort ? authority.substring(0, colon) : authority;
        int port = hasPort ? Integer.parseInt(authority.substring(colon + 1)) : tls ? 443 : 80;
        return new Endpoint(tls, host.startsWith("[") ? host.substring(1, host.length() - 1) : host, port);
    }

    /**
     * Of an absolute URL.
     *
     * @throws IllegalArgumentException if its scheme is neither http nor https, or it has no host
     */
    public static Endpoint of(URI uri) {
        String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
        String host = uri.getHost();
        if (host == null || !(scheme.equals("http") || scheme.equals("https"))) {
            throw new IllegalArgumentException("not a URL of http or https with a host");
        }
        boolean tls = scheme.equals("https");
        String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        return new Endpoint(tls, bare, uri.getPort() < 0 ? (tls ? 443 : 80) : uri.getPort());
    }

    /** {@code host}, or {@code host:port} if the port is not the scheme's own. */
    public String authority() {
        String name = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return port == (tls ? 443 : 80) ? name : name + ":" + port;
    }

    /** {@code host:port}, always. */
    public String hostAndPort() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }

    /** Whether it is this machine: {@code localhost}, 127.0.0.0/8 or ::1. Names are not looked up. */
    public boolean isLoopback() {
        return host.equals("localhost")
                || host.endsWith(".localhost")
                || host.equals("::1")
                || host.equals("0:0:0:0:0:0:0:1")
                || host.matches("127\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}");
    }

    @Override
    public String toString() {
        return (tls ? "https://" : "http://") + authority();
    }
}
