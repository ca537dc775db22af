package dev.gantry.probes;

import java.util.List;
import java.util.Map;

/** What one attempt does. Ports are numbers here: names were resolved against the container's ports. */
public sealed interface ProbeAction {
    /**
     * Runs a command in the container; exit code 0 passes.
     *
     * @param containerId as the runtime knows it
     */
    record Exec(String containerId, List<String> command) implements ProbeAction {
        public Exec {
            command = List.copyOf(command);
            if (command.isEmpty()) {
                throw new IllegalArgumentException("an exec probe needs a command");
            }
        }
    }

    /**
     * Sends GET and passes on 200 to 399.
     *
     * @param host name or address to connect to
     * @param path with its query, beginning with a slash
     * @param headers sent besides, and instead of, the default ones; {@code Host} names the virtual host
     * @param anyStatus whether every answer passes, as for a lifecycle hook
     */
    record HttpGet(
            boolean tls, String host, int port, String path, List<Map.Entry<String, String>> headers, boolean anyStatus)
            implements ProbeAction {
        /** A probe's. */
        public HttpGet(boolean tls, String host, int port, String path, List<Map.Entry<String, String>> headers) {
            this(tls, host, port, path, headers, false);
        }

        public HttpGet {
            requirePort(port);
            headers = List.copyOf(headers);
            if (!path.startsWith("/")) {
                path = "/" + path;
            }
        }

        /** As messages show it: {@code http://10.0.0.2:80/healthz}. */
        public String url() {
            return (tls ? "https://" : "http://") + hostAndPort(host, port) + path;
        }
    }

    /** Connects, and passes when the connection is made. */
    record TcpSocket(String host, int port) implements ProbeAction {
        public TcpSocket {
            requirePort(port);
        }
    }

    /**
     * Asks {@code grpc.health.v1.Health/Check} without TLS, and passes on {@code SERVING}.
     *
     * @param service may be empty, which asks for the server as a whole
     */
    record Grpc(String host, int port, String service) implements ProbeAction {
        public Grpc {
            requirePort(port);
        }
    }

    private static void requirePort(int port) {
        if (port < 1 || port > 65535) {
            throw new IllegalArgumentException("a port is 1 to 65535, not " + port);
        }
    }

    /** {@code host:port}, with brackets around an IPv6 address. */
    static String hostAndPort(String host, int port) {
        return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
    }
}
