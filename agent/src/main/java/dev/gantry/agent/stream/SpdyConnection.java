package dev.gantry.agent.stream;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.spdy.DefaultSpdyDataFrame;
import io.netty.handler.codec.spdy.DefaultSpdyPingFrame;
import io.netty.handler.codec.spdy.DefaultSpdySettingsFrame;
import io.netty.handler.codec.spdy.DefaultSpdySynStreamFrame;
import io.netty.handler.codec.spdy.DefaultSpdyWindowUpdateFrame;
import io.netty.handler.codec.spdy.SpdyDataFrame;
import io.netty.handler.codec.spdy.SpdyFrameCodec;
import io.netty.handler.codec.spdy.SpdyPingFrame;
import io.netty.handler.codec.spdy.SpdyRstStreamFrame;
import io.netty.handler.codec.spdy.SpdySettingsFrame;
import io.netty.handler.codec.spdy.SpdySynReplyFrame;
import io.netty.handler.codec.spdy.SpdyVersion;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The client's side of SPDY/3.1 as runtimes speak it: an HTTP/1.1 connection, upgraded, with streams that this side opens.
 *
 * <p>What is sent is not held back by windows, since the servers of most runtimes never open them. Those that look at windows get the
 * largest from the start: a server may hang up as soon as it has sent all, and whatever we send then makes the kernels drop what is
 * still on its way. The connection itself holds back both.
 *
 * @see <a href="https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/">SPDY draft 3.1</a>
 */
final class SpdyConnection implements AutoCloseable {
    /** The kubelet's {@code streamCreationTimeout}. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final int CONNECT_MILLIS = 10_000;
    private static final int MAX_ANSWER = 16 << 10;
    private static final int MAX_HEADERS = 16 << 10;
    private static final int MAX_CHUNK = 16 << 10;

    /** Bytes of all streams that wait for readers, from which on nothing is taken from the connection. */
    private static final int ENOUGH = 1 << 20;

    /** A window at the start of a session, for the session; it cannot be set otherwise. */
    private static final int FIRST_WINDOW = 64 << 10;

    /** Bytes read after which a window is opened anew. */
    private static final int REOPEN = 1 << 30;

    private final Channel channel;
    private final Window session = new Window(0);
    private final Map<Integer, SpdyStream> streams = new ConcurrentHashMap<>();
    private final AtomicInteger waiting = new AtomicInteger();
    private int nextId = 1;

    private SpdyConnection(Channel channel) {
        this.channel = channel;
    }

    /**
     * Connects and upgrades.
     *
     * @param protocols offered in {@code X-Stream-Protocol-Version}, the best first
     * @throws IOException with the server's answer if it does not upgrade
     */
    static SpdyConnection connect(EventLoopGroup loops, URI url, List<String> protocols) throws IOException {
        boolean tls = "https".equals(url.getScheme());
        if (url.getHost() == null || (!tls && !"http".equals(url.getScheme()))) {
            throw new IOException("stream to " + url + ": the runtime named no http or https address");
        }
        SslContext context = tls ? SslContextBuilder.forClient().build() : null;
        int port = url.getPort() >= 0 ? url.getPort() : tls ? 443 : 80;
        Upgrade upgrade = new Upgrade(url, protocols);
        ChannelFuture connecting = new Bootstrap()
                .group(loops)
                .channel(EpollSocketChannel.class)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                .option(ChannelOption.TCP_NODELAY, true)
                // A runtime hangs up when it has sent all: an answer that it takes no more must not end our reading.
                .option(ChannelOption.AUTO_CLOSE, false)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel created) {
                        if (context != null) {
                            created.pipeline().addLast(context.newHandler(created.alloc(), url.getHost(), port));
                        }
                        created.pipeline()
                                .addLast(new HttpClientCodec(), new HttpObjectAggregator(MAX_ANSWER), upgrade);
                    }
                })
                .connect(url.getHost(), port);
        connecting.addListener(done -> {
            if (!done.isSuccess()) {
                upgrade.done().completeExceptionally(done.cause());
            }
        });
        try {
            return upgrade.done().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            connecting.channel().close();
            throw new IOException(
                    "stream to %s: %s"
                            .formatted(url.resolve("/"), Failures.cause(e).getMessage()),
                    e);
        } catch (TimeoutException e) {
            connecting.channel().close();
            throw new IOException(
                    "stream to %s: no answer within %d s".formatted(url.resolve("/"), PATIENCE.toSeconds()), e);
        } catch (InterruptedException e) {
            connecting.channel().close();
            Thread.currentThread().interrupt();
            throw new IOException("stream to %s: interrupted".formatted(url.resolve("/")), e);
        }
    }

    /** After the upgrade: frames instead of HTTP. */
    static SpdyConnection install(Channel channel) {
        SpdyConnection connection = new SpdyConnection(channel);
        channel.pipeline()
                .addLast(
                        new SpdyFrameCodec(SpdyVersion.SPDY_3_1, MAX_CHUNK, MAX_HEADERS, 6, 15, 8),
                        connection.new Frames());
        return connection;
    }

    /** Lets the server send; on the event loop, as soon as frames can be written and before any stream is opened. */
    void openWindows() {
        channel.write(new DefaultSpdySettingsFrame()
                .setValue(SpdySettingsFrame.SETTINGS_INITIAL_WINDOW_SIZE, Integer.MAX_VALUE));
        channel.writeAndFlush(new DefaultSpdyWindowUpdateFrame(0, Integer.MAX_VALUE - FIRST_WINDOW));
    }

    /** Opens a stream; {@link #awaitOpened} tells when the server has it. */
    SpdyStream open(Map<String, String> headers) {
        SpdyStream stream;
        synchronized (this) {
            stream = new SpdyStream(this, nextId);
            nextId += 2;
        }
        streams.put(stream.id(), stream);
        DefaultSpdySynStreamFrame frame = new DefaultSpdySynStreamFrame(stream.id(), 0, (byte) 0);
        headers.forEach((name, value) -> frame.headers().add(name, value));
        channel.writeAndFlush(frame);
        if (!channel.isActive()) {
            stream.fail("the runtime closed the connection");
        }
        return stream;
    }

    /** Waits until the server has taken a stream. */
    void awaitOpened(SpdyStream stream) throws IOException {
        try {
            stream.opened().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new IOException(String.valueOf(Failures.cause(e).getMessage()), e);
        } catch (TimeoutException e) {
            throw new IOException("the runtime did not take a stream within %d s".formatted(PATIENCE.toSeconds()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while a stream was opened", e);
        }
    }

    /** Sends bytes and waits until they have left. */
    void send(int streamId, byte[] bytes, int offset, int length) throws IOException {
        for (int at = 0; at < length; at += MAX_CHUNK) {
            int count = Math.min(MAX_CHUNK, length - at);
            write(new DefaultSpdyDataFrame(streamId, Unpooled.copiedBuffer(bytes, offset + at, count)));
        }
    }

    /** No more will be sent on a stream. */
    void end(int streamId) throws IOException {
        write(new DefaultSpdyDataFrame(streamId).setLast(true));
    }

    private void write(Object frame) throws IOException {
        try {
            ChannelFuture written = channel.writeAndFlush(frame).await();
            if (!written.isSuccess()) {
                throw new IOException("write to the runtime: " + written.cause().getMessage(), written.cause());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("write to the runtime: interrupted", e);
        }
    }

    private void received(int count) {
        if (waiting.addAndGet(count) >= ENOUGH) {
            channel.config().setAutoRead(false);
            if (waiting.get() < ENOUGH / 2) {
                // The readers took all of it in between, and wait for more.
                channel.config().setAutoRead(true);
            }
        }
    }

    /** A reader has taken bytes of a stream, which has this window. */
    void consumed(Window window, int count) {
        if (waiting.addAndGet(-count) < ENOUGH / 2) {
            channel.config().setAutoRead(true);
        }
        window.consumed(count);
        session.consumed(count);
    }

    /** How much the server may send; opened again long before it is used up. */
    final class Window {
        private final int streamId;
        private int taken;

        /** @param streamId 0 for the session */
        Window(int streamId) {
            this.streamId = streamId;
        }

        private synchronized void consumed(int count) {
            taken += count;
            if (taken >= REOPEN) {
                channel.writeAndFlush(new DefaultSpdyWindowUpdateFrame(streamId, taken));
                taken = 0;
            }
        }
    }

    @Override
    public void close() {
        channel.close();
    }

    /** Takes the server's frames, on the event loop. */
    private final class Frames extends SimpleChannelInboundHandler<Object> {
        @Override
        protected void channelRead0(ChannelHandlerContext context, Object message) {
            if (message instanceof SpdyDataFrame frame) {
                SpdyStream stream = streams.get(frame.streamId());
                if (stream != null) {
                    received(frame.content().readableBytes());
                    stream.add(frame.content());
                    if (frame.isLast()) {
                        stream.end();
                    }
                }
            } else if (message instanceof SpdySynReplyFrame frame) {
                SpdyStream stream = streams.get(frame.streamId());
                if (stream != null) {
                    stream.opened().complete(stream);
                    if (frame.isLast()) {
                        stream.end();
                    }
                }
            } else if (message instanceof SpdyRstStreamFrame frame) {
                SpdyStream stream = streams.get(frame.streamId());
                if (stream != null) {
                    stream.reset(String.valueOf(frame.status()));
                }
            } else if (message instanceof SpdyPingFrame frame && frame.id() % 2 == 0) {
                context.writeAndFlush(new DefaultSpdyPingFrame(frame.id()));
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) throws Exception {
            streams.values().forEach(stream -> stream.fail("the runtime closed the connection"));
            super.channelInactive(context);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            streams.values().forEach(stream -> stream.fail("the connection to the runtime: " + cause.getMessage()));
            context.close();
        }
    }
}
