package dev.gantry.runtime.streaming;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.websocketx.WebSocketClientHandshakerFactory;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolHandler;
import io.netty.handler.codec.http.websocketx.WebSocketClientProtocolHandler.ClientHandshakeStateEvent;
import io.netty.handler.codec.http.websocketx.WebSocketVersion;
import io.netty.handler.codec.spdy.DefaultSpdyDataFrame;
import io.netty.handler.codec.spdy.DefaultSpdySynStreamFrame;
import io.netty.handler.codec.spdy.SpdyDataFrame;
import io.netty.handler.codec.spdy.SpdyFrameCodec;
import io.netty.handler.codec.spdy.SpdySessionHandler;
import io.netty.handler.codec.spdy.SpdyVersion;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Port-forward as newer clients ask for it: SPDY in a WebSocket. */
@Timeout(60)
class PortForwardTunnelTest {
    private final EchoIo io = new EchoIo();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final BlockingQueue<String> received = new LinkedBlockingQueue<>();
    private final StreamingServer server;

    PortForwardTunnelTest() throws IOException {
        server = StreamingServer.listen(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                group,
                NioServerSocketChannel.class,
                io,
                threads,
                Clock.systemUTC());
    }

    @AfterEach
    void stop() throws InterruptedException {
        server.close();
        threads.shutdownNow();
        assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    @Test
    void bytesGoThroughBothProtocolsAndAHangUpEndsTheConnection() throws Exception {
        Channel client = connect(
                server.url(new StreamingRequest.PortForward("p1", List.of())).orElseThrow());
        open(client, 1, "error");
        open(client, 3, "data");

        client.writeAndFlush(
                new DefaultSpdyDataFrame(3, Unpooled.copiedBuffer("through both", StandardCharsets.US_ASCII)));

        assertThat(received.take()).isEqualTo("3 through both");
        Wire.disconnect(client);
        assertThat(io.exits.get(0).get()).isEqualTo(137);
    }

    @Test
    void aPortThatRefusesIsSaidOnTheErrorStream() throws Exception {
        Channel client = connect(
                server.url(new StreamingRequest.PortForward("p1", List.of())).orElseThrow());
        var error = new DefaultSpdySynStreamFrame(1, 0, (byte) 0);
        error.headers().add("streamtype", "error").add("port", "1");
        var data = new DefaultSpdySynStreamFrame(3, 0, (byte) 0);
        data.headers().add("streamtype", "data").add("port", "1");
        client.write(error);
        client.writeAndFlush(data);

        assertThat(received.take()).isEqualTo("1 forward port 1 to pod p1: connect to localhost:1: connection refused");
        client.close();
    }

    private static void open(Channel client, int stream, String type) {
        var frame = new DefaultSpdySynStreamFrame(stream, 0, (byte) 0);
        frame.headers().add("streamtype", type).add("port", "80").add("requestid", "0");
        client.writeAndFlush(frame);
    }

    private Channel connect(URI url) throws Exception {
        CompletableFuture<Void> upgraded = new CompletableFuture<>();
        Channel channel = new Bootstrap()
                .group(group)
                .channel(NioSocketChannel.class)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel created) {
                        var handshaker = WebSocketClientHandshakerFactory.newHandshaker(
                                URI.create(url.toString().replace("http:", "ws:")),
                                WebSocketVersion.V13,
                                "SPDY/3.1+portforward.k8s.io",
                                false,
                                new DefaultHttpHeaders());
                        created.pipeline()
                                .addLast(
                                        new HttpClientCodec(),
                                        new HttpObjectAggregator(8192),
                                        new WebSocketClientProtocolHandler(handshaker),
                                        new Client(upgraded));
                    }
                })
                .connect(url.getHost(), url.getPort())
                .sync()
                .channel();
        upgraded.get(10, TimeUnit.SECONDS);
        return channel;
    }

    private final class Client extends SimpleChannelInboundHandler<SpdyDataFrame> {
        private final CompletableFuture<Void> upgraded;

        Client(CompletableFuture<Void> upgraded) {
            this.upgraded = upgraded;
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext context, Object event) {
            if (event == ClientHandshakeStateEvent.HANDSHAKE_COMPLETE) {
                context.pipeline()
                        .addBefore(context.name(), "tunnel", new WebSocketTunnel())
                        .addBefore(context.name(), "spdy", new SpdyFrameCodec(SpdyVersion.SPDY_3_1))
                        .addBefore(context.name(), "session", new SpdySessionHandler(SpdyVersion.SPDY_3_1, false));
                upgraded.complete(null);
            }
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, SpdyDataFrame frame) {
            if (frame.content().isReadable()) {
                received.add(frame.streamId() + " " + frame.content().toString(StandardCharsets.US_ASCII));
            }
        }
    }
}
