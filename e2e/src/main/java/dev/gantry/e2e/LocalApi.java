package dev.gantry.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/** A client of the agent's local API: one request for each connection, as plain as HTTP can be. */
public final class LocalApi {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path socket;

    /** @param socket where the agent listens */
    public LocalApi(Path socket) {
        this.socket = socket;
    }

    /** An answer: the status code, and the body as JSON; a missing node if there is none. */
    public record Answer(int status, JsonNode body) {}

    /** The pods of the namespace {@code default}; an empty list if there are none. */
    public JsonNode pods() throws IOException {
        return get("/api/v1/namespaces/default/pods").body().path("items");
    }

    /** One pod; a missing node if there is none of this name. */
    public JsonNode pod(String name) throws IOException {
        Answer answer = get("/api/v1/namespaces/default/pods/" + name);
        return answer.status() == 200 ? answer.body() : JSON.missingNode();
    }

    /** Asks for a resource. */
    public Answer get(String path) throws IOException {
        return send("GET", path, "");
    }

    /**
     * Sends a request and reads the whole answer.
     *
     * @param body JSON; empty for none
     */
    public Answer send(String method, String path, String body) throws IOException {
        byte[] content = body.getBytes(StandardCharsets.UTF_8);
        String head = "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n"
                .formatted(
                        method, path, content.length == 0 ? "" : "Content-Type: application/json\r\n", content.length);
        byte[] answer;
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            write(channel, head.getBytes(StandardCharsets.US_ASCII));
            write(channel, content);
            answer = Channels.newInputStream(channel).readAllBytes();
        }
        int end = indexOfBlankLine(answer);
        String headers = new String(answer, 0, end, StandardCharsets.US_ASCII);
        byte[] payload = java.util.Arrays.copyOfRange(answer, Math.min(end + 4, answer.length), answer.length);
        if (headers.toLowerCase(Locale.ROOT).contains("transfer-encoding: chunked")) {
            payload = unchunk(payload);
        }
        String[] status = headers.split(" ", 3);
        if (status.length < 2) {
            throw new IOException("%s %s on %s: no HTTP answer, but '%s'".formatted(method, path, socket, headers));
        }
        return new Answer(Integer.parseInt(status[1]), payload.length == 0 ? JSON.missingNode() : parse(payload));
    }

    private static JsonNode parse(byte[] payload) {
        try {
            return JSON.readTree(payload);
        } catch (IOException notJson) {
            return JSON.getNodeFactory().textNode(new String(payload, StandardCharsets.UTF_8));
        }
    }

    private static void write(SocketChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private static int indexOfBlankLine(byte[] bytes) {
        for (int i = 0; i + 3 < bytes.length; i++) {
            if (bytes[i] == '\r' && bytes[i + 1] == '\n' && bytes[i + 2] == '\r' && bytes[i + 3] == '\n') {
                return i;
            }
        }
        return bytes.length;
    }

    private static byte[] unchunk(byte[] chunked) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        int at = 0;
        while (at < chunked.length) {
            int lineEnd = at;
            while (lineEnd < chunked.length && chunked[lineEnd] != '\r') {
                lineEnd++;
            }
            int size = Integer.parseInt(
                    new String(chunked, at, lineEnd - at, StandardCharsets.US_ASCII).split(";", 2)[0].trim(), 16);
            if (size == 0) {
                break;
            }
            out.write(chunked, lineEnd + 2, size);
            at = lineEnd + 2 + size + 2;
        }
        return out.toByteArray();
    }
}
