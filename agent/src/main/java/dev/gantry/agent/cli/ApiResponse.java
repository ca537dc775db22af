package dev.gantry.agent.cli;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** One answer of the agent; its body can be read while it still arrives. */
final class ApiResponse implements AutoCloseable {
    private static final int MAX_HEAD = 64 * 1024;

    private final SocketChannel channel;
    private final int code;
    private final Map<String, String> headers;
    private final InputStream body;

    private ApiResponse(SocketChannel channel, int code, Map<String, String> headers, InputStream body) {
        this.channel = channel;
        this.code = code;
        this.headers = headers;
        this.body = body;
    }

    static ApiResponse read(SocketChannel channel) throws IOException {
        Buffered in = new Buffered(channel);
        String[] status = line(in).split(" ", 3);
        if (status.length < 2 || !status[0].startsWith("HTTP/1.")) {
            throw new IOException("the agent's socket answered with something that is not HTTP");
        }
        Map<String, String> headers = new HashMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            if (colon > 0) {
                headers.put(
                        line.substring(0, colon).toLowerCase(Locale.ROOT),
                        line.substring(colon + 1).trim());
            }
        }
        int code = Integer.parseInt(status[1]);
        InputStream body = in;
        if (code == 101) {
            body = in;
        } else if (headers.getOrDefault("transfer-encoding", "").equalsIgnoreCase("chunked")) {
            body = new Chunked(in);
        } else if (headers.containsKey("content-length")) {
            body = new Fixed(in, Long.parseLong(headers.get("content-length")));
        }
        return new ApiResponse(channel, code, headers, body);
    }

    private static String line(Buffered in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(80);
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new EOFException("the agent closed the connection before it had answered");
            }
            if (line.size() >= MAX_HEAD) {
                throw new IOException("the agent's answer has a header line of more than " + MAX_HEAD + " bytes");
            }
            line.write(b);
        }
        String text = line.toString(StandardCharsets.ISO_8859_1);
        return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
    }

    int code() {
        return code;
    }

    String header(String name) {
        return headers.getOrDefault(name, "");
    }

    /** The body's bytes, as they arrive. */
    InputStream body() {
        return body;
    }

    /** The body as one JSON value. */
    Json json() throws IOException {
        return Json.parse(body.readAllBytes());
    }

    /** The server's {@code Status} as what is told to the user. */
    CliException failure() throws IOException {
        byte[] bytes = body.readAllBytes();
        Json status;
        try {
            status = Json.parse(bytes);
        } catch (IOException e) {
            status = Json.EMPTY;
        }
        String message = status.text("message");
        if (message.isEmpty()) {
            message = new String(bytes, StandardCharsets.UTF_8).trim();
        }
        return CliException.fromServer(code, status.text("reason"), message);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** Bytes straight from the socket. */
    private static final class Buffered extends InputStream {
        private final SocketChannel channel;
        private final ByteBuffer buffer = ByteBuffer.allocate(64 * 1024).limit(0);

        Buffered(SocketChannel channel) {
            this.channel = channel;
        }

        private boolean fill() throws IOException {
            while (!buffer.hasRemaining()) {
                buffer.clear();
                int count = channel.read(buffer);
                buffer.flip();
                if (count < 0) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public int read() throws IOException {
            return fill() ? buffer.get() & 0xff : -1;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            if (!fill()) {
                return -1;
            }
            int count = Math.min(length, buffer.remaining());
            buffer.get(bytes, offset, count);
            return count;
        }
    }

    /** As many bytes as {@code Content-Length} says. */
    private static final class Fixed extends InputStream {
        private final InputStream in;
        private long left;

        Fixed(InputStream in, long length) {
            this.in = in;
            this.left = length;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (left == 0) {
                return -1;
            }
            int count = in.read(bytes, offset, (int) Math.min(length, left));
            if (count < 0) {
                throw new EOFException("the agent's answer was cut off");
            }
            left -= count;
            return count;
        }
    }

    /** Chunked transfer coding. */
    private static final class Chunked extends InputStream {
        private final Buffered in;
        private long left;
        private boolean first = true;
        private boolean ended;

        Chunked(Buffered in) {
            this.in = in;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (left == 0 && !nextChunk()) {
                return -1;
            }
            int count = in.read(bytes, offset, (int) Math.min(length, left));
            if (count < 0) {
                throw new EOFException("the agent's answer was cut off");
            }
            left -= count;
            return count;
        }

        private boolean nextChunk() throws IOException {
            if (ended) {
                return false;
            }
            if (!first) {
                line(in);
            }
            first = false;
            String size = line(in);
            int end = size.indexOf(';');
            left = Long.parseLong((end < 0 ? size : size.substring(0, end)).trim(), 16);
            if (left == 0) {
                ended = true;
                while (!line(in).isEmpty()) {
                    // trailers say nothing that is needed
                }
                return false;
            }
            return true;
        }
    }
}
