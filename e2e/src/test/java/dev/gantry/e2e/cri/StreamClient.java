package dev.gantry.e2e.cri;

import dev.gantry.e2e.Await;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/** A client of a streaming URL that speaks Kubernetes' channels over WebSocket: the first byte of a message is its channel. */
final class StreamClient implements WebSocket.Listener, AutoCloseable {
    static final int STDIN = 0;
    static final int STDOUT = 1;
    static final int STDERR = 2;
    static final int ERROR = 3;
    static final int RESIZE = 4;
    private static final int CLOSE = 255;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Map<Integer, ByteArrayOutputStream> received = new TreeMap<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final WebSocket socket;
    private int channel = -1;

    private StreamClient(HttpClient client, String url, String protocol) {
        socket = client.newWebSocketBuilder()
                .subprotocols(protocol)
                .buildAsync(URI.create(url.replaceFirst("^http", "ws")), this)
                .orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS)
                .join();
    }

    /** @throws java.util.concurrent.CompletionException if the server refuses */
    static StreamClient connect(String url, String protocol) {
        return new StreamClient(HttpClient.newHttpClient(), url, protocol);
    }

    void send(int toChannel, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer message = ByteBuffer.allocate(bytes.length + 1);
        message.put((byte) toChannel).put(bytes).flip();
        socket.sendBinary(message, true)
                .orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS)
                .join();
    }

    /** Protocol v5: no more will come on this channel. */
    void closeChannel(int closed) {
        socket.sendBinary(ByteBuffer.wrap(new byte[] {(byte) CLOSE, (byte) closed}), true)
                .orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS)
                .join();
    }

    /** Hangs up without a word. */
    void cut() {
        socket.abort();
    }

    synchronized String text(int ofChannel) {
        ByteArrayOutputStream bytes = received.get(ofChannel);
        return bytes == null ? "" : bytes.toString(StandardCharsets.UTF_8);
    }

    void awaitText(int ofChannel, String text) throws InterruptedException {
        Await.until(
                PATIENCE,
                "'" + text + "' on channel " + ofChannel,
                () -> text(ofChannel).contains(text),
                () -> "It has: " + text(ofChannel) + ", errors: " + text(ERROR));
    }

    /** Waits until the server has hung up. */
    void awaitEnd() {
        ended.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
    }

    @Override
    public synchronized CompletionStage<?> onBinary(WebSocket from, ByteBuffer data, boolean last) {
        if (channel < 0 && data.hasRemaining()) {
            channel = data.get();
        }
        byte[] bytes = new byte[data.remaining()];
        data.get(bytes);
        if (channel >= 0) {
            received.computeIfAbsent(channel, key -> new ByteArrayOutputStream())
                    .writeBytes(bytes);
        }
        if (last) {
            channel = -1;
        }
        from.request(1);
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletionStage<?> onClose(WebSocket from, int statusCode, String reason) {
        ended.complete(null);
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public void onError(WebSocket from, Throwable error) {
        // containerd hangs up without the closing handshake.
        ended.complete(null);
    }

    @Override
    public void close() {
        socket.abort();
    }
}
