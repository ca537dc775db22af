package dev.gantry.runtime.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.runtime.io.ExecRequest;
import dev.gantry.testing.FakeClock;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.zip.Deflater;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Random clients, from broken to hostile: whatever they send, their own session ends and nothing else does. The seed is
 * fixed, {@code gantry.fuzz.seed} and {@code gantry.fuzz.sessions} make other runs.
 */
@Timeout(120)
class StreamingFuzzTest {
    private static final long SEED = Long.getLong("gantry.fuzz.seed", 20_260_101);
    private static final int SESSIONS = Integer.getInteger("gantry.fuzz.sessions", 150);
    private static final String KEY = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

    private final EchoIo io = new EchoIo();
    private final Queue<Throwable> uncaught = new ConcurrentLinkedQueue<>();
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "streaming");
        thread.setUncaughtExceptionHandler((where, failure) -> uncaught.add(failure));
        return thread;
    });
    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final FakeClock clock = new FakeClock();
    private final StreamingServer server = startServer();
    private final URI address = url(0);
    private final Random random = new Random(SEED);

    private StreamingServer startServer() {
        try {
            return StreamingServer.listen(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                    group,
                    NioServerSocketChannel.class,
                    io,
                    threads,
                    clock);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @AfterEach
    void stop() throws InterruptedException {
        server.close();
        threads.shutdownNow();
        assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    @Test
    void requestsThatAreNone() throws Exception {
        for (int i = 0; i < SESSIONS; i++) {
            byte[] request = get(url(random.nextInt(3)), "websocket", KEY).getBytes(StandardCharsets.US_ASCII);
            try (Socket socket = connect()) {
                send(socket, damaged(request));
            }
        }
        stillServes();
    }

    @Test
    void spdyFramesThatAreNone() throws Exception {
        for (int i = 0; i < SESSIONS; i++) {
            int kind = random.nextInt(3);
            byte[] frames = spdy(kind == 2);
            byte[] sent = random.nextInt(4) == 0 ? frames : damaged(frames);
            upgraded(get(url(kind), "SPDY/3.1", ""), sent);
        }
        stillServes();
    }

    @Test
    void webSocketFramesThatAreNone() throws Exception {
        String[] protocols = {"v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io"};
        for (int i = 0; i < SESSIONS; i++) {
            String protocol = protocols[random.nextInt(protocols.length)];
            String head =
                    get(url(random.nextInt(3)), "websocket", KEY + "Sec-WebSocket-Protocol: " + protocol + "\r\n");
            byte[] frames = webSocket(protocol.contains("base64"));
            byte[] sent = random.nextInt(4) == 0 ? frames : damaged(frames);
            upgraded(head, sent);
        }
        stillServes();
    }

    @Test
    void bytesArriveWholeHoweverTheyAreCut() throws Exception {
        for (int i = 0; i < 20; i++) {
            byte[] payload = new byte[random.nextInt(300_000)];
            random.nextBytes(payload);
            boolean base64 = random.nextBoolean();
            String protocol = base64 ? "v4.base64.channel.k8s.io" : "v4.channel.k8s.io";
            try (Socket socket = connect()) {
                write(
                        socket,
                        get(url(0), "websocket", KEY + "Sec-WebSocket-Protocol: " + protocol + "\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                InputStream in = socket.getInputStream();
                readHead(in);
                CompletableFuture<byte[]> echo =
                        CompletableFuture.supplyAsync(() -> echoed(in, base64, payload.length));
                for (int from = 0; from < payload.length; ) {
                    int length = Math.min(payload.length - from, 1 + random.nextInt(40_000));
                    write(socket, stdin(payload, from, length, base64));
                    from += length;
                }
                assertThat(echo.get(20, TimeUnit.SECONDS))
                        .as("seed %d, round %d, %s", SEED, i, protocol)
                        .isEqualTo(payload);
            }
        }
    }

    // ---- sessions

    /** A minute after the one before: damaged requests leave theirs behind. */
    private URI url(int kind) {
        clock.advance(Duration.ofMinutes(1));
        StreamingRequest request = switch (kind) {
            case 0 ->
                new StreamingRequest.Exec(
                        new ExecRequest("c1", List.of("cat"), true, false),
                        new StreamingRequest.Streams(true, true, true, false));
            case 1 -> new StreamingRequest.Attach("c1", new StreamingRequest.Streams(true, true, false, true));
            default -> new StreamingRequest.PortForward("p1", List.of(80, 1));
        };
        return server.url(request).orElseThrow();
    }

    private static String get(URI url, String upgrade, String headers) {
        return "GET " + url.getPath() + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + upgrade + "\r\n"
                + headers + "\r\n";
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(address.getHost(), address.getPort());
        socket.setSoTimeout(20_000);
        return socket;
    }

    private void upgraded(String head, byte[] bytes) throws IOException {
        try (Socket socket = connect()) {
            write(socket, head.getBytes(StandardCharsets.US_ASCII));
            assertThat(readHead(socket.getInputStream())).startsWith("HTTP/1.1 101 ");
            send(socket, bytes);
        }
    }

    /** In pieces; then hangs up, or waits for the other side to do so. */
    private void send(Socket socket, byte[] bytes) throws IOException {
        try {
            for (int from = 0; from < bytes.length; ) {
                int length = Math.min(bytes.length - from, 1 + random.nextInt(2000));
                socket.getOutputStream().write(bytes, from, length);
                from += length;
            }
            if (random.nextBoolean()) {
                socket.shutdownOutput();
                socket.getInputStream().readAllBytes();
            } else if (random.nextBoolean()) {
                socket.setSoLinger(true, 0);
            }
        } catch (SocketTimeoutException e) {
            throw new AssertionError("the session of a client that is gone did not end, seed " + SEED, e);
        } catch (IOException e) {
            // The server has had enough, as it may.
        }
    }

    private static void write(Socket socket, byte[] bytes) throws IOException {
        socket.getOutputStream().write(bytes);
    }

    private static String readHead(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (!head.toString().endsWith("\r\n\r\n")) {
            int next = in.read();
            if (next < 0) {
                break;
            }
            head.append((char) next);
        }
        return head.toString();
    }

    /** Every process has ended, no task has failed, and a good client is served as ever. */
    private void stillServes() throws Exception {
        try (Socket socket = connect()) {
            write(
                    socket,
                    get(url(0), "websocket", KEY + "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            readHead(socket.getInputStream());
            write(socket, frame(2, true, "\0hello".getBytes(StandardCharsets.US_ASCII)));
            write(socket, frame(2, true, new byte[] {(byte) 255, 0}));
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
                    .contains("\1hello", "\2bye", "ExitCode");
        }
        for (CompletableFuture<Integer> exit : io.exits) {
            assertThat(exit.get(10, TimeUnit.SECONDS)).isIn(7, 137);
        }
        assertThat(uncaught).isEmpty();
    }

    // ---- bytes

    /** A few bytes changed, cut out, doubled, or put in. */
    private byte[] damaged(byte[] good) {
        ByteArrayOutputStream bad = new ByteArrayOutputStream();
        int from = 0;
        for (int i = 0; i < 1 + random.nextInt(4) && from < good.length; i++) {
            int at = from + random.nextInt(good.length - from);
            bad.write(good, from, at - from);
            byte[] noise = new byte[random.nextInt(random.nextInt(20) == 0 ? 5000 : 9)];
            random.nextBytes(noise);
            bad.writeBytes(noise);
            from = switch (random.nextInt(3)) {
                case 0 -> at;
                case 1 -> Math.min(good.length, at + noise.length);
                default -> Math.max(0, at - random.nextInt(10));
            };
        }
        bad.write(good, from, good.length - from);
        return bad.toByteArray();
    }

    private byte[] spdy(boolean ports) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        Deflater headers = new Deflater();
        String[] types =
                ports ? new String[] {"error", "data"} : new String[] {"error", "stdin", "stdout", "stderr", "resize"};
        int stream = 1;
        for (int i = 0; i < 3 + random.nextInt(20); i++) {
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> {
                    byte[] block = deflated(headers, types[random.nextInt(types.length)]);
                    control(out, 1, random.nextInt(10) == 0 ? 1 : 0, 10 + block.length);
                    out.writeInt(stream);
                    out.writeInt(0);
                    out.writeShort(0);
                    out.write(block);
                    stream += 2;
                }
                case 3, 4 -> {
                    byte[] data = new byte[random.nextInt(3000)];
                    out.writeInt(1 + random.nextInt(stream));
                    out.writeInt((random.nextInt(10) == 0 ? 1 << 24 : 0) | data.length);
                    out.write(data);
                }
                case 5 -> {
                    control(out, 3, 0, 8);
                    out.writeInt(1 + random.nextInt(stream));
                    out.writeInt(random.nextInt(12));
                }
                case 6 -> {
                    int entries = random.nextInt(4);
                    control(out, 4, random.nextInt(2), 4 + 8 * entries);
                    out.writeInt(random.nextInt(5) == 0 ? random.nextInt() : entries);
                    for (int entry = 0; entry < entries; entry++) {
                        out.writeInt(random.nextInt(10));
                        out.writeInt(random.nextInt());
                    }
                }
                default -> {
                    int type = new int[] {2, 6, 7, 8, 9, 77}[random.nextInt(6)];
                    byte[] body = new byte[random.nextInt(20)];
                    random.nextBytes(body);
                    control(out, type, 0, body.length);
                    out.write(body);
                }
            }
        }
        return bytes.toByteArray();
    }

    private static void control(DataOutputStream out, int type, int flags, int length) throws IOException {
        out.writeShort(0x8003);
        out.writeShort(type);
        out.writeInt(flags << 24 | length);
    }

    /** A header block; now and then one that says it is much larger than it is, or is. */
    private byte[] deflated(Deflater deflater, String type) throws IOException {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(block);
        out.writeInt(random.nextInt(20) == 0 ? random.nextInt() : 3);
        text(out, "streamtype");
        text(out, type);
        text(out, "port");
        text(out, random.nextInt(5) == 0 ? "-80" : "80");
        text(out, "requestid");
        text(out, random.nextInt(20) == 0 ? "7".repeat(200_000) : Integer.toString(random.nextInt(5)));
        deflater.setInput(block.toByteArray());
        ByteArrayOutputStream compressed = new ByteArrayOutputStream();
        byte[] buffer = new byte[4096];
        int length = deflater.deflate(buffer, 0, buffer.length, Deflater.SYNC_FLUSH);
        while (length > 0) {
            compressed.write(buffer, 0, length);
            length = deflater.deflate(buffer, 0, buffer.length, Deflater.SYNC_FLUSH);
        }
        return compressed.toByteArray();
    }

    private void text(DataOutputStream out, String text) throws IOException {
        out.writeInt(random.nextInt(60) == 0 ? random.nextInt() : text.length());
        out.write(text.getBytes(StandardCharsets.US_ASCII));
    }

    private byte[] webSocket(boolean base64) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = 0; i < 1 + random.nextInt(20); i++) {
            byte[] payload = new byte[random.nextInt(random.nextInt(10) == 0 ? 70_000 : 200)];
            random.nextBytes(payload);
            if (payload.length > 0 && random.nextInt(4) > 0) {
                payload[0] =
                        (byte) ((base64 ? '0' : 0) + new int[] {0, 0, 0, 1, 4, 5, 200, -3, 255}[random.nextInt(9)]);
            }
            int opcode = random.nextInt(3) > 0 ? (base64 ? 1 : 2) : random.nextInt(16);
            bytes.writeBytes(frame(opcode, random.nextInt(8) > 0, payload));
        }
        return bytes.toByteArray();
    }

    /** A message for channel 0 in one to three frames. */
    private byte[] stdin(byte[] payload, int from, int length, boolean base64) throws IOException {
        byte[] part = Arrays.copyOfRange(payload, from, from + length);
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        message.write(base64 ? '0' : 0);
        message.writeBytes(base64 ? Base64.getEncoder().encode(part) : part);
        byte[] whole = message.toByteArray();
        int first = random.nextInt(whole.length + 1);
        int second = first + random.nextInt(whole.length - first + 1);
        int opcode = base64 ? 1 : 2;
        ByteArrayOutputStream frames = new ByteArrayOutputStream();
        frames.writeBytes(frame(opcode, false, Arrays.copyOf(whole, first)));
        if (random.nextBoolean()) {
            frames.writeBytes(frame(9, true, new byte[] {1}));
        }
        frames.writeBytes(frame(0, false, Arrays.copyOfRange(whole, first, second)));
        frames.writeBytes(frame(0, true, Arrays.copyOfRange(whole, second, whole.length)));
        return frames.toByteArray();
    }

    /** As a client sends it: masked. RFC 6455, 5.2. */
    private byte[] frame(int opcode, boolean last, byte[] payload) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.write((last ? 0x80 : 0) | opcode);
        if (payload.length < 126) {
            out.write(0x80 | payload.length);
        } else if (payload.length < 1 << 16) {
            out.write(0x80 | 126);
            out.writeShort(payload.length);
        } else {
            out.write(0x80 | 127);
            out.writeLong(payload.length);
        }
        byte[] mask = new byte[4];
        random.nextBytes(mask);
        out.write(mask);
        for (int i = 0; i < payload.length; i++) {
            out.write(payload[i] ^ mask[i % 4]);
        }
        return bytes.toByteArray();
    }

    /** What comes back on channel 1, until there is enough of it. */
    private static byte[] echoed(InputStream in, boolean base64, int enough) {
        ByteArrayOutputStream echo = new ByteArrayOutputStream();
        try {
            while (echo.size() < enough) {
                int opcode = in.read() & 0x0f;
                int length = in.read();
                if (length == 126) {
                    length = in.read() << 8 | in.read();
                }
                byte[] payload = in.readNBytes(length);
                if (opcode == (base64 ? 1 : 2) && payload[0] == (base64 ? '1' : 1)) {
                    byte[] content = Arrays.copyOfRange(payload, 1, payload.length);
                    echo.writeBytes(base64 ? Base64.getDecoder().decode(content) : content);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return echo.toByteArray();
    }
}
