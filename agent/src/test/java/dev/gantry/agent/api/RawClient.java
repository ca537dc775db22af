package dev.gantry.agent.api;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** One connection on which a test says exactly what it wants, and hears exactly what is answered. */
final class RawClient implements AutoCloseable {
    private final SocketChannel channel;
    private final ByteArrayOutputStream received = new ByteArrayOutputStream();

    RawClient(Path socket) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
    }

    RawClient send(String text) throws IOException {
        return send(text.getBytes(StandardCharsets.UTF_8));
    }

    RawClient send(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
        return this;
    }

    /** Asks and closes the sending side's part of the bargain: {@code Connection: close}. */
    static String get(Path socket, String path, String... headers) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            StringBuilder head = new StringBuilder("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
            for (String header : headers) {
                head.append(header).append("\r\n");
            }
            return client.send(head.append("\r\n").toString()).rest();
        }
    }

    static String request(Path socket, String method, String path, String body) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            client.send(method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
                    + bytes.length + "\r\n\r\n");
            return client.send(bytes).rest();
        }
    }

    /** Everything until the server closes. */
    String rest() {
        ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
        while (read(buffer)) {
            // until the end
        }
        return text();
    }

    /** What has been received, once it contains {@code expected}. */
    String until(String expected) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
        while (!text().contains(expected)) {
            if (!read(buffer)) {
                throw new IOException("closed before '" + expected + "' came; there was: " + text());
            }
        }
        return text();
    }

    /** Reads at least this many bytes in all. */
    byte[] bytes(int count) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(64 * 1024);
        while (received.size() < count) {
            if (!read(buffer)) {
                throw new IOException("closed after " + received.size() + " of " + count + " bytes");
            }
        }
        return received.toByteArray();
    }

    /** Forgets what was received. */
    RawClient forget() {
        received.reset();
        return this;
    }

    private boolean read(ByteBuffer buffer) {
        buffer.clear();
        int count;
        try {
            count = channel.read(buffer);
        } catch (IOException e) {
            return false; // reset by the server
        }
        if (count < 0) {
            return false;
        }
        byte[] bytes = new byte[count];
        buffer.flip().get(bytes);
        received.writeBytes(bytes);
        return true;
    }

    private String text() {
        return received.toString(StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
