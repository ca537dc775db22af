package dev.gantry.runtime.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.runtime.io.ExecRequest;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.spdy.DefaultSpdyDataFrame;
import io.netty.handler.codec.spdy.DefaultSpdySynStreamFrame;
import io.netty.handler.codec.spdy.SpdyDataFrame;
import io.netty.handler.codec.spdy.SpdyFrameCodec;
import io.netty.handler.codec.spdy.SpdySessionHandler;
import io.netty.handler.codec.spdy.SpdyVersion;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class StreamingServerTest {
    private static final String SUCCESS_OR_7 =
            "{\"metadata\":{},\"status\":\"Failure\",\"message\":\"command terminated with non-zero exit code: exit status 7\","
                    + "\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"7\"}]}}";

    private final EchoIo io = new EchoIo();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private StreamingServer server = startServer(group, NioServerSocketChannel.class);

    private StreamingServer startServer(EventLoopGroup loops, Class<? extends ServerChannel> channelType) {
        try {
            return StreamingServer.listen(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                    loops,
                    channelType,
                    io,
                    threads,
                    Clock.systemUTC());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @BeforeEach
    void serverListens() {
        assertThat(server.url(exec("c1", false))).isPresent();
    }

    @AfterEach
    void stop() throws InterruptedException {
        server.close();
        threads.shutdownNow();
        assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    @Test
    void version5ClosesStdinAndReportsTheExitCode() throws Exception {
        Client client = connect(exec("c1", false), "v5.channel.k8s.io");

        client.send(0, "hello");
        client.socket()
                .sendBinary(ByteBuffer.wrap(new byte[] {(byte) 255, 0}), true)
                .get();

        client.closed.get();
        assertThat(client.text(1)).isEqualTo("hello");
        assertThat(client.text(2)).isEqualTo("bye");
        assertThat(client.text(3)).isEqualTo(SUCCESS_OR_7);
    }

    @Test
    void aTerminalIsResized() throws Exception {
        Client client = connect(exec("c1", true), "v4.channel.k8s.io");
        client.send(4, "{\"Width\":120,\"Height\":40}");
        client.send(4, "not json");
        client.send(4, "{\"Width\":-1,\"Height\":40}");
        client.send(0, "x");

        client.awaitText(1, "x");

        assertThat(io.resizes).containsExactly("120x40");
    }

    @Test
    void aSizeThatComesBeforeTheTerminalIsNotLost() throws Exception {
        io.held = new CountDownLatch(1);
        Client client = connect(exec("c1", true), "v4.channel.k8s.io");
        client.send(4, "{\"Width\":100,\"Height\":30}");
        client.send(4, "{\"Width\":120,\"Height\":40}");
        io.held.countDown();
        client.send(0, "x");

        client.awaitText(1, "x");

        assertThat(io.resizes).endsWith("120x40");
    }

    @Test
    void ofSeveralSizesInOneMessageTheLastCounts() throws Exception {
        Client client = connect(exec("c1", true), "v4.channel.k8s.io");
        client.send(4, "{\"Width\":100,\"Height\":30}\n{\"Width\":120,\"Height\":40}\n");
        client.send(0, "x");

        client.awaitText(1, "x");

        assertThat(io.resizes).containsExactly("120x40");
    }

    @Test
    void aMessageInSeveralFramesIsOne() throws Exception {
        Client client = connect(exec("c1", false), "v5.channel.k8s.io");

        client.socket()
                .sendBinary(ByteBuffer.wrap("\0be".getBytes(StandardCharsets.US_ASCII)), false)
                .get();
        client.socket()
                .sendBinary(ByteBuffer.wrap("gin".getBytes(StandardCharsets.US_ASCII)), false)
                .get();
        client.socket()
                .sendBinary(ByteBuffer.wrap(" end".getBytes(StandardCharsets.US_ASCII)), true)
                .get();

        client.awaitText(1, "begin end");
    }

    @Test
    void aClientThatHangsUpEndsItsProcess() throws Exception {
        Client client = connect(exec("c1", false), "v4.channel.k8s.io");
        client.send(0, "x");
        client.awaitText(1, "x");

        client.socket().abort();

        assertThat(io.exits.get(0).get()).isEqualTo(137);
    }

    @ParameterizedTest
    @CsvSource({"missing, no such container", "broken, unforeseen"})
    void whatCannotBeRunIsSaidOnTheErrorChannel(String container, String reason) throws Exception {
        Client client = connect(exec(container, false), "v4.channel.k8s.io");

        client.closed.get();

        assertThat(client.text(3))
                .isEqualTo("{\"metadata\":{},\"status\":\"Failure\",\"message\":\"exec in container '"
                        + container + "': " + reason + "\","
                        + "\"reason\":\"InternalError\",\"code\":500}");
    }

    @Test
    void portForwardByWebSocketAnnouncesThePortAndCarriesBytes() throws Exception {
        Client client = connect(new StreamingRequest.PortForward("p1", List.of(8080)), "v4.channel.k8s.io");

        client.send(0, "ping");

        client.awaitText(0, "\u0090\u001fping");
        assertThat(client.text(1)).isEqualTo("\u0090\u001f");
    }

    @Test
    void aUrlWorksOnce() throws Exception {
        URI url = server.url(exec("c1", false)).orElseThrow();
        connect(url, "v4.channel.k8s.io");

        assertThat(raw(url, "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n")).startsWith("HTTP/1.1 404 ");
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "Accept: */*, HTTP/1.1 400 ",
        "'Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: v9.channel.k8s.io', HTTP/1.1 403 ",
        "'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Protocol: v9', HTTP/1.1 400 ",
        "'Upgrade: websocket\r\nSec-WebSocket-Version: 1\r\nSec-WebSocket-Key: eA==', HTTP/1.1 426 ",
    })
    void whatIsNotUnderstoodIsRefused(String headers, String answer) throws Exception {
        assertThat(raw(server.url(exec("c1", false)).orElseThrow(), headers + "\r\n"))
                .startsWith(answer);
    }

    @Test
    void aPathOfAnotherKindDoesNotReachTheRequest() throws Exception {
        URI url = server.url(exec("c1", false)).orElseThrow();

        assertThat(raw(URI.create(url.toString().replace("/exec/", "/attach/")), "Upgrade: SPDY/3.1\r\n"))
                .startsWith("HTTP/1.1 404 ");
    }

    @Test
    void execOverSpdy() throws Exception {
        SpdyClient client = new SpdyClient(server.url(exec("c1", false)).orElseThrow(), "v4.channel.k8s.io");
        client.open(1, Map.of("streamtype", "error"));
        client.open(3, Map.of("streamtype", "stdin"));
        client.open(5, Map.of("streamtype", "stdout"));
        client.open(7, Map.of("streamtype", "stderr"));

        client.send(3, "over spdy", true);

        client.closed.get();
        assertThat(client.text(5)).isEqualTo("over spdy");
        assertThat(client.text(7)).isEqualTo("bye");
        assertThat(client.text(1)).isEqualTo(SUCCESS_OR_7);
    }

    @ParameterizedTest(name = "{0} bytes in a frame")
    @ValueSource(ints = {32 << 10, 1 << 20})
    void aClientThatKnowsNothingOfWindowsSendsAndGetsMuchAllTheSame(int frame) throws Exception {
        SpdyClient client = withoutWindows(server.url(exec("c1", false)).orElseThrow(), "v4.channel.k8s.io");
        client.open(1, Map.of("streamtype", "error"));
        client.open(3, Map.of("streamtype", "stdin"));
        client.open(5, Map.of("streamtype", "stdout"));
        client.open(7, Map.of("streamtype", "stderr"));

        // The window is used a little before much comes.
        client.send(3, "y", false);
        for (int sent = 0; sent < 1 << 20; sent += frame) {
            client.send(3, "x".repeat(frame), false);
        }
        client.send(3, "", true);

        client.closed.get(20, TimeUnit.SECONDS);
        assertThat(client.text(5).length()).isEqualTo(1 + (1 << 20));
        assertThat(client.text(1)).isEqualTo(SUCCESS_OR_7);
    }

    @Test
    void severalConnectionsAreForwardedOverOneSpdySession() throws Exception {
        SpdyClient client = new SpdyClient(
                server.url(new StreamingRequest.PortForward("p1", List.of())).orElseThrow(), "portforward.k8s.io");
        client.open(1, Map.of("streamtype", "error", "port", "80", "requestid", "0"));
        client.open(3, Map.of("streamtype", "data", "port", "80", "requestid", "0"));
        client.open(5, Map.of("streamtype", "error", "port", "1", "requestid", "1"));
        client.open(7, Map.of("streamtype", "data", "port", "1", "requestid", "1"));
        client.open(9, Map.of("streamtype", "error", "port", "81", "requestid", "2"));
        client.open(11, Map.of("streamtype", "data", "port", "81", "requestid", "2"));
        client.open(13, Map.of("streamtype", "error", "port", "3", "requestid", "3"));
        client.open(15, Map.of("streamtype", "data", "port", "3", "requestid", "3"));

        client.send(3, "one", true);
        client.send(11, "three", true);

        client.awaitText(3, "one");
        client.awaitText(11, "three");
        client.awaitText(5, "forward port 1 to pod p1: connect to localhost:1: connection refused");
        client.awaitText(13, "forward port 3 to pod p1: unforeseen");
        client.channel.close();
    }

    @Test
    void aConnectionThatThePodResetsIsNoErrorOfTheOthers() throws Exception {
        SpdyClient client = new SpdyClient(
                server.url(new StreamingRequest.PortForward("p1", List.of())).orElseThrow(), "portforward.k8s.io");
        client.open(1, Map.of("streamtype", "error", "port", "2", "requestid", "0"));
        client.open(3, Map.of("streamtype", "data", "port", "2", "requestid", "0"));
        client.awaitEnd(1);
        client.awaitEnd(3);
        client.open(5, Map.of("streamtype", "error", "port", "80", "requestid", "1"));
        client.open(7, Map.of("streamtype", "data", "port", "80", "requestid", "1"));

        client.send(7, "still here", false);

        client.awaitText(7, "still here");
        assertThat(client.text(1)).isEmpty();
        client.channel.close();
    }

    @Test
    void bytesThatAreNotSpdyEndTheConnectionOnly() throws Exception {
        URI url = server.url(exec("c1", false)).orElseThrow();
        try (Socket socket = new Socket(url.getHost(), url.getPort())) {
            socket.getOutputStream()
                    .write(("POST " + url.getPath()
                                    + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            readHead(socket.getInputStream());
            byte[] garbage = new byte[4096];
            Arrays.fill(garbage, (byte) 0xff);
            socket.getOutputStream().write(garbage);
            socket.shutdownOutput();

            socket.getInputStream().readAllBytes();
        }
        assertThat(server.url(exec("c1", false))).isPresent();
    }

    /** A close with bytes unread would be a reset, in which the last words may be lost. */
    @Test
    void aClientThatIsStillSendingReadsToTheEnd() throws Exception {
        server.close();
        // As in the runtime: a channel of the JDK's says the end before it resets.
        MultiThreadIoEventLoopGroup epoll = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        server = startServer(epoll, EpollServerSocketChannel.class);
        io.held = new CountDownLatch(1);
        URI url = server.url(exec("missing", false)).orElseThrow();
        try (Socket socket = new Socket(url.getHost(), url.getPort())) {
            socket.getOutputStream()
                    .write(("GET " + url.getPath()
                                    + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                                    + "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            readHead(socket.getInputStream());
            // Messages of 4 KiB for stdin, masked with ones: more than the server takes in for a process that reads
            // nothing.
            byte[] message = new byte[4096 + 8];
            Arrays.fill(message, (byte) 1);
            System.arraycopy(new byte[] {(byte) 0x82, (byte) 0xfe, 0x10, 0}, 0, message, 0, 4);
            for (int i = 0; i < 400; i++) {
                socket.getOutputStream().write(message);
            }
            io.held.countDown();
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .contains("no such container");
        } finally {
            server.close();
            epoll.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    private static void readHead(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (!head.toString().endsWith("\r\n\r\n")) {
            head.append((char) in.read());
        }
    }

    private static StreamingRequest exec(String container, boolean tty) {
        return new StreamingRequest.Exec(
                new ExecRequest(container, List.of("cat"), true, tty),
                new StreamingRequest.Streams(true, true, !tty, tty));
    }

    private String raw(URI url, String headers) throws IOException {
        try (Socket socket = new Socket(url.getHost(), url.getPort())) {
            socket.getOutputStream()
                    .write(("GET " + url.getPath() + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n" + headers
                                    + "\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    private Client connect(StreamingRequest request, String protocol) throws Exception {
        return connect(server.url(request).orElseThrow(), protocol);
    }

    private static Client connect(URI url, String protocol) throws Exception {
        Client client = new Client();
        client.opening.complete(HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .subprotocols(protocol)
                .buildAsync(URI.create(url.toString().replace("http:", "ws:")), client)
                .get());
        return client;
    }

    /** As Kubernetes' clients are: frames without a session. */
    private SpdyClient withoutWindows(URI url, String protocol) throws Exception {
        return new SpdyClient(url, protocol, new ChannelDuplexHandler());
    }

    /** Collects bytes by channel. */
    private abstract static class Collector {
        private final Map<Integer, ByteArrayOutputStream> received = new ConcurrentHashMap<>();
        private final Set<Integer> ended = new HashSet<>();
        final CompletableFuture<Void> closed = new CompletableFuture<>();

        synchronized void end(int channel) {
            ended.add(channel);
            notifyAll();
        }

        synchronized void awaitEnd(int channel) throws InterruptedException {
            while (!ended.contains(channel)) {
                wait();
            }
        }

        synchronized void collect(int channel, byte[] bytes) {
            received.computeIfAbsent(channel, any -> new ByteArrayOutputStream())
                    .writeBytes(bytes);
            notifyAll();
        }

        synchronized String text(int channel) {
            ByteArrayOutputStream bytes = received.get(channel);
            return bytes == null ? "" : bytes.toString(StandardCharsets.ISO_8859_1);
        }

        synchronized void awaitText(int channel, String expected) throws InterruptedException {
            while (!text(channel).equals(expected)) {
                wait();
            }
        }
    }

    private static final class Client extends Collector implements WebSocket.Listener {
        private final CompletableFuture<WebSocket> opening = new CompletableFuture<>();

        WebSocket socket() throws Exception {
            return opening.get();
        }

        void send(int channel, String text) throws Exception {
            byte[] message = ("\0" + text).getBytes(StandardCharsets.UTF_8);
            message[0] = (byte) channel;
            socket().sendBinary(ByteBuffer.wrap(message), true).get();
        }

        @Override
        public CompletionStage<?> onBinary(WebSocket webSocket, ByteBuffer data, boolean last) {
            int channel = data.get();
            byte[] bytes = new byte[data.remaining()];
            data.get(bytes);
            collect(channel, bytes);
            webSocket.request(1);
            return CompletableFuture.completedStage(null);
        }

        @Override
        public CompletionStage<?> onClose(WebSocket webSocket, int statusCode, String reason) {
            closed.complete(null);
            return CompletableFuture.completedStage(null);
        }
    }

    private final class SpdyClient extends Collector {
        private final Channel channel;

        SpdyClient(URI url, String protocol) throws Exception {
            this(url, protocol, new SpdySessionHandler(SpdyVersion.SPDY_3_1, false));
        }

        private SpdyClient(URI url, String protocol, ChannelHandler session) throws Exception {
            // The upgrade is done by hand, then Netty's own client side of SPDY takes over the connection.
            CompletableFuture<Void> upgraded = new CompletableFuture<>();
            channel = new Bootstrap()
                    .group(group)
                    .channel(NioSocketChannel.class)
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel created) {
                            created.pipeline().addLast(new Upgrade(upgraded, session));
                        }
                    })
                    .connect(url.getHost(), url.getPort())
                    .sync()
                    .channel();
            channel.closeFuture().addListener(done -> closed.complete(null));
            channel.writeAndFlush(Unpooled.copiedBuffer(
                    "POST " + url.getPath() + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                            + "X-Stream-Protocol-Version: " + protocol + "\r\n\r\n",
                    StandardCharsets.US_ASCII));
            upgraded.get();
        }

        void open(int streamId, Map<String, String> headers) {
            var frame = new DefaultSpdySynStreamFrame(streamId, 0, (byte) 0);
            headers.forEach((name, value) -> frame.headers().add(name, value));
            channel.writeAndFlush(frame);
        }

        void send(int streamId, String text, boolean last) {
            channel.writeAndFlush(
                    new DefaultSpdyDataFrame(streamId, Unpooled.copiedBuffer(text, StandardCharsets.UTF_8))
                            .setLast(last));
        }

        private final class Upgrade extends SimpleChannelInboundHandler<ByteBuf> {
            private final CompletableFuture<Void> upgraded;
            private final ChannelHandler session;
            private final StringBuilder head = new StringBuilder();

            Upgrade(CompletableFuture<Void> upgraded, ChannelHandler session) {
                this.upgraded = upgraded;
                this.session = session;
            }

            @Override
            protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) {
                head.append(bytes.toString(StandardCharsets.US_ASCII));
                if (head.toString().endsWith("\r\n\r\n")) {
                    assertThat(head.toString()).startsWith("HTTP/1.1 101 ");
                    context.pipeline().addLast(new SpdyFrameCodec(SpdyVersion.SPDY_3_1), session, new Frames());
                    context.pipeline().remove(this);
                    upgraded.complete(null);
                }
            }
        }

        private final class Frames extends SimpleChannelInboundHandler<Object> {
            @Override
            protected void channelRead0(ChannelHandlerContext context, Object message) {
                if (message instanceof SpdyDataFrame data) {
                    collect(data.streamId(), Wire.bytes(data.content()));
                    if (data.isLast()) {
                        end(data.streamId());
                    }
                }
            }
        }
    }
}
