package dev.gantry.images.http;

import dev.gantry.images.Quoted;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** One connection, one exchange at a time. */
final class HttpConnection implements Closeable {
    private static final int LONGEST_HEADERS = 64 << 10;
    private static final int MOST_INTERIM = 10;
    private static final int BUFFER = 16 << 10;

    private final Endpoint endpoint;
    /** Below TLS, if there is any: closing this one never waits for the other side. */
    private final Socket raw;

    private final Socket socket;
    private final HttpTimeouts timeouts;
    private final InputStream in;
    private final OutputStream out;
    private final byte[] buffer = new byte[BUFFER];
    private int position;
    private int limit;
    private long deadlineNanos;
    private boolean used;

    HttpConnection(Endpoint endpoint, Socket raw, Socket socket, HttpTimeouts timeouts) throws IOException {
        this.endpoint = endpoint;
        this.raw = raw;
        this.socket = socket;
        this.timeouts = timeouts;
        this.in = socket.getInputStream();
        this.out = socket.getOutputStream();
    }

    /** Whether it has carried an exchange before: then a failure may only mean that the other side closed it meanwhile. */
    boolean wasUsed() {
        return used;
    }

    /** What is done with the connection after the body. */
    interface Release {
        void release(HttpConnection connection, boolean reusable);
    }

    HttpResponse exchange(HttpRequest request, Release release) throws IOException {
        deadlineNanos = System.nanoTime() + timeouts.answer().toNanos();
        send(request);
        int headBytes = 0;
        for (int i = 0; i < MOST_INTERIM; i++) {
            String statusLine = readLine(LONGEST_HEADERS);
            int status = status(statusLine);
            Map<String, List<String>> headers = readHeaders();
            headBytes += headers.size();
            if (status >= 200) {
                used = true;
                return respond(request, statusLine, status, headers, release);
            }
            if (status == 101) {
                throw new HttpException("the host switches protocols unasked");
            }
        }
        throw new HttpException("the host sends " + headBytes + " interim answers without an end");
    }

    private void send(HttpRequest request) throws IOException {
        StringBuilder head = new StringBuilder(512)
                .append(request.method())
                .append(' ')
                .append(request.target())
                .append(" HTTP/1.1\r\nHost: ")
                .append(endpoint.authority())
                .append("\r\n");
        byte[] body = request.body().getBytes(StandardCharsets.UTF_8);
        if (body.length > 0) {
            head.append("Content-Length: ").append(body.length).append("\r\n");
        }
        request.headers()
                .forEach((name, value) ->
                        head.append(name).append(": ").append(value).append("\r\n"));
        head.append("\r\n");
        byte[] bytes = head.toString().getBytes(StandardCharsets.UTF_8);
        byte[] all = java.util.Arrays.copyOf(bytes, bytes.length + body.length);
        System.arraycopy(body, 0, all, bytes.length, body.length);
        out.write(all);
        out.flush();
    }

    private static int status(String line) throws HttpException {
        boolean known = line.startsWith("HTTP/1.1 ") || line.startsWith("HTTP/1.0 ");
        if (!known || line.length() < 12 || (line.length() > 12 && line.charAt(12) != ' ')) {
            throw new HttpException("the host does not answer in HTTP/1.1: '" + Quoted.cut(line, 60) + "'");
        }
        int status = 0;
        for (char c : line.substring(9, 12).toCharArray()) {
            if (c < '0' || c > '9') {
                throw new HttpException("the host does not answer in HTTP/1.1: '" + Quoted.cut(line, 60) + "'");
            }
            status = status * 10 + (c - '0');
        }
        if (status < 100) {
            throw new HttpException("the host answers with the status " + status);
        }
        return status;
    }

    private Map<String, List<String>> readHeaders() throws IOException {
        Map<String, List<String>> headers = new HashMap<>();
        int left = LONGEST_HEADERS;
        while (true) {
            String line = readLine(left);
            left -= line.length() + 2;
            if (line.isEmpty()) {
                return headers;
            }
            int colon = line.indexOf(':');
            if (colon <= 0 || line.charAt(0) == ' ' || line.charAt(0) == '\t') {
                throw new HttpException("the host sends a malformed header: '" + Quoted.cut(line, 60) + "'");
            }
            headers.computeIfAbsent(line.substring(0, colon).toLowerCase(Locale.ROOT), name -> new ArrayList<>())
                    .add(line.substring(colon + 1).strip());
        }
    }

    private HttpResponse respond(
            HttpRequest request, String statusLine, int status, Map<String, List<String>> headers, Release release)
            throws HttpException {
        boolean keep = statusLine.startsWith("HTTP/1.1")
                && headers.getOrDefault("connection", List.of()).stream()
                        .noneMatch(value -> value.toLowerCase(Locale.ROOT).contains("close"));
        List<String> encodings = headers.getOrDefault("transfer-encoding", List.of());
        List<String> lengths = headers.getOrDefault("content-length", List.of());
        Body body;
        if (request.method().equals("HEAD") || status == 204 || status == 304) {
            body = new Body(this, release, keep, 0, false);
        } else if (!encodings.isEmpty()) {
            if (encodings.size() > 1 || !encodings.get(0).equalsIgnoreCase("chunked") || !lengths.isEmpty()) {
                throw new HttpException("the host sends a body of unclear length: Transfer-Encoding '"
                        + Quoted.cut(String.join(", ", encodings), 60) + "'");
            }
            body = new Body(this, release, keep, 0, true);
        } else if (!lengths.isEmpty()) {
            body = new Body(this, release, keep, length(lengths), false);
        } else {
            body = new Body(this, release, false, Long.MAX_VALUE, false);
        }
        return new HttpResponse(status, headers, body);
    }

    private static long length(List<String> lengths) throws HttpException {
        String first = lengths.get(0);
        boolean same = lengths.stream().allMatch(first::equals);
        if (!same || first.isEmpty() || first.length() > 18 || !first.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw new HttpException("the host sends a body of unclear length: Content-Length '"
                    + Quoted.cut(String.join(", ", lengths), 60) + "'");
        }
        return Long.parseLong(first);
    }

    private String readLine(int most) throws IOException {
        StringBuilder line = new StringBuilder(80);
        while (true) {
            if (position == limit) {
                int left = (int) Math.min(Integer.MAX_VALUE, (deadlineNanos - System.nanoTime()) / 1_000_000);
                if (left <= 0) {
                    throw new SocketTimeoutException("no answer in time");
                }
                socket.setSoTimeout(left);
                if (!fill()) {
                    throw new EOFException("the host closed the connection without an answer");
                }
            }
            char c = (char) (buffer[position++] & 0xff);
            if (c == '\n') {
                int end = line.length();
                if (end > 0 && line.charAt(end - 1) == '\r') {
                    line.setLength(end - 1);
                }
                return line.toString();
            }
            if (line.length() >= most) {
                throw new HttpException("the host sends headers of more than " + LONGEST_HEADERS + " bytes");
            }
            line.append(c);
        }
    }

    private boolean fill() throws IOException {
        position = 0;
        limit = Math.max(0, in.read(buffer, 0, buffer.length));
        return limit > 0;
    }

    private int read(byte[] target, int offset, int length) throws IOException {
        if (position < limit) {
            int n = Math.min(length, limit - position);
            System.arraycopy(buffer, position, target, offset, n);
            position += n;
            return n;
        }
        return in.read(target, offset, length);
    }

    @Override
    public void close() {
        try {
            raw.close();
        } catch (IOException e) {
            // nothing is left to be done about it
        }
    }

    /** The body of the present exchange. */
    private static final class Body extends InputStream {
        private final HttpConnection connection;
        private final Release release;
        private final boolean keep;
        private final boolean chunked;
        /** Of the body, or of the chunk. */
        private long left;

        private long done;
        private boolean firstChunk = true;
        private boolean ended;
        private boolean released;

        Body(HttpConnection connection, Release release, boolean keep, long length, boolean chunked)
                throws HttpException {
            this.connection = connection;
            this.release = release;
            this.keep = keep;
            this.left = length;
            this.chunked = chunked;
            try {
                connection.socket.setSoTimeout(
                        (int) connection.timeouts.progress().toMillis());
            } catch (java.net.SocketException e) {
                throw new HttpException("the connection was closed");
            }
            if (length == 0 && !chunked) {
                end();
            }
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            if (released && !ended) {
                throw new IOException("closed");
            }
            if (chunked && left == 0 && !ended) {
                nextChunk();
            }
            if (ended) {
                return -1;
            }
            int n = connection.read(target, offset, (int) Math.min(length, left));
            if (n < 0) {
                if (left == Long.MAX_VALUE - done) {
                    end(); // no length was promised: the end of the connection is the end of the body
                    return -1;
                }
                throw new EOFException("the host closed the connection " + (chunked ? "" : left + " bytes ")
                        + "before the end of the body");
            }
            left -= n;
            done += n;
            if (left == 0 && !chunked) {
                end();
            }
            return n;
        }

        private void nextChunk() throws IOException {
            connection.deadlineNanos =
                    System.nanoTime() + connection.timeouts.progress().toNanos();
            if (!firstChunk && !connection.readLine(2).isEmpty()) {
                throw new HttpException("the host sends a malformed chunk");
            }
            firstChunk = false;
            String line = connection.readLine(1024);
            int semicolon = line.indexOf(';');
            String size = (semicolon < 0 ? line : line.substring(0, semicolon)).strip();
            if (size.isEmpty() || size.length() > 15 || !size.matches("[0-9a-fA-F]+")) {
                throw new HttpException("the host sends a malformed chunk");
            }
            left = Long.parseLong(size, 16);
            connection.socket.setSoTimeout((int) connection.timeouts.progress().toMillis());
            if (left == 0) {
                connection.readHeaders(); // trailers
                end();
            }
        }

        private void end() {
            ended = true;
            releaseOnce(keep && connection.position == connection.limit);
        }

        private void releaseOnce(boolean reusable) {
            if (!released) {
                released = true;
                release.release(connection, reusable);
            }
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public void close() {
            releaseOnce(false);
        }
    }
}
