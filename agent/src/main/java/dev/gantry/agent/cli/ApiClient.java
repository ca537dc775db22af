package dev.gantry.agent.cli;

import dev.gantry.agent.config.NodePaths;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.URLEncoder;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * HTTP/1.1 over the agent's unix socket, one connection per request. Written on the JDK's channels alone: an HTTP client library, the JDK's included, would
 * cost more time to load than the whole request takes.
 */
final class ApiClient {
    private static final String TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    private static final int CHUNK = 64 * 1024;

    private final NodePaths paths;

    ApiClient(NodePaths paths) {
        this.paths = paths;
    }

    /** Whether an agent answers at the socket. */
    boolean isThere() {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(paths.socket()));
        } catch (IOException e) {
            return false;
        }
    }

    /** Asks for JSON; the caller closes the response. */
    ApiResponse get(String path) throws CliException, IOException {
        return send("GET", path, "application/json", null, null);
    }

    /** Asks for a list as the server's ready-made table. */
    ApiResponse getTable(String path) throws CliException, IOException {
        return send("GET", path, TABLE, null, null);
    }

    ApiResponse delete(String path) throws CliException, IOException {
        return send("DELETE", path, "application/json", null, null);
    }

    ApiResponse post(String path, String contentType, byte[] body) throws CliException, IOException {
        return send("POST", path, "application/json", contentType, out -> out.write(body));
    }

    ApiResponse patch(String path, String contentType, byte[] body) throws CliException, IOException {
        return send("PATCH", path, "application/json", contentType, out -> out.write(body));
    }

    /** Sends what {@code body} writes, in chunks, so that it is never whole in memory. */
    ApiResponse postStream(String path, String contentType, Body body) throws CliException, IOException {
        return send("POST", path, "application/json", contentType, body);
    }

    /** What a request carries. */
    interface Body {
        void writeTo(OutputStream out) throws IOException;
    }

    private ApiResponse send(
            String method, String path, String accept, @Nullable String contentType, @Nullable Body body)
            throws CliException, IOException {
        SocketChannel channel = connect();
        try {
            StringBuilder head = new StringBuilder(256);
            head.append(method).append(' ').append(path).append(" HTTP/1.1\r\nHost: localhost\r\nAccept: ");
            head.append(accept).append("\r\nUser-Agent: gantry\r\nConnection: close\r\n");
            if (body != null) {
                head.append("Content-Type: ").append(contentType).append("\r\nTransfer-Encoding: chunked\r\n");
            }
            write(channel, head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
            if (body != null) {
                writeBody(channel, body);
            }
            ApiResponse response = ApiResponse.read(channel);
            if (response.code() >= 400) {
                throw response.failure();
            }
            return response;
        } catch (CliException | IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static void writeBody(SocketChannel channel, Body body) throws IOException {
        try (ChunkedOutput out = new ChunkedOutput(channel)) {
            body.writeTo(out);
        } catch (IOException e) {
            // A server that refuses a body answers and closes before it has read it all; its answer says why, a broken
            // pipe does not.
            if (!(e.getMessage() != null && e.getMessage().contains("Broken pipe"))) {
                throw e;
            }
        }
    }

    /** Opens a connection that a protocol upgrade may take over. */
    SocketChannel connect() throws CliException, IOException {
        Path socket = paths.socket();
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            return channel;
        } catch (IOException e) {
            channel.close();
            throw noAgent(socket, e);
        }
    }

    private CliException noAgent(Path socket, IOException e) {
        String said = String.valueOf(e.getMessage());
        if (said.contains("Permission denied") || unreadable(socket)) {
            return new CliException("no permission to talk to the agent at " + socket
                    + ": run this as root (sudo), or as the user that runs the agent");
        }
        String start = paths.isSystem() ? "`gantry agent`" : "`gantry agent --root " + paths.root() + "`";
        String root = paths.isSystem() ? ", or name the directory of another one with --root" : "";
        return new CliException("no agent answers at " + socket
                + (Files.exists(socket) ? " (the socket is there, but its agent has gone)" : "") + "\nstart one with "
                + start + " or `systemctl start gantry`" + root);
    }

    private static boolean unreadable(Path socket) {
        Path directory = socket.getParent();
        return directory != null && Files.isDirectory(directory) && !Files.isExecutable(directory);
    }

    static void write(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /** {@code base?name=value&…} with the values encoded; empty values are left out. */
    static String query(String base, Map<String, String> parameters) {
        StringBuilder path = new StringBuilder(base);
        char separator = '?';
        for (Map.Entry<String, String> parameter : parameters.entrySet()) {
            if (!parameter.getValue().isEmpty()) {
                path.append(separator).append(parameter.getKey()).append('=').append(encode(parameter.getValue()));
                separator = '&';
            }
        }
        return path.toString();
    }

    /** Appends {@code &command=…} for each word. */
    static String query(String path, String name, List<String> values) {
        StringBuilder out = new StringBuilder(path);
        char separator = path.indexOf('?') < 0 ? '?' : '&';
        for (String value : values) {
            out.append(separator).append(name).append('=').append(encode(value));
            separator = '&';
        }
        return out.toString();
    }

    static String encode(String value) {
        return URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** Chunked transfer coding. */
    private static final class ChunkedOutput extends OutputStream {
        private final SocketChannel channel;
        private final ByteArrayOutputStream pending = new ByteArrayOutputStream(CHUNK);

        ChunkedOutput(SocketChannel channel) {
            this.channel = channel;
        }

        @Override
        public void write(int b) throws IOException {
            pending.write(b);
            if (pending.size() >= CHUNK) {
                flush();
            }
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            pending.write(bytes, offset, length);
            if (pending.size() >= CHUNK) {
                flush();
            }
        }

        @Override
        public void flush() throws IOException {
            if (pending.size() > 0) {
                String size = Integer.toHexString(pending.size()) + "\r\n";
                ApiClient.write(channel, size.getBytes(StandardCharsets.ISO_8859_1));
                pending.write('\r');
                pending.write('\n');
                ApiClient.write(channel, pending.toByteArray());
                pending.reset();
            }
        }

        @Override
        public void close() throws IOException {
            flush();
            ApiClient.write(channel, "0\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
        }
    }
}
