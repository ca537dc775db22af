package dev.gantry.bench;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Answers probes on loopback, on a thread of its own whose processor time can be told from the prober's. */
final class ProbeServer implements AutoCloseable {
    private static final int BACKLOG = 4096;
    private static final int ADDRESSES = 100;

    private final EventLoopGroup group;
    private final List<Channel> listening;
    private final long thread;

    private ProbeServer(EventLoopGroup group, List<Channel> listening) {
        this.group = group;
        this.listening = listening;
        thread = group.next()
                .submit(() -> Thread.currentThread().getId())
                .syncUninterruptibly()
                .getNow();
    }

    /** Takes connections, and answers each HTTP request with 200. */
    static ProbeServer http() {
        return start(pipeline -> pipeline.addLast(new HttpServerCodec(), new HttpObjectAggregator(1 << 16), new Ok()));
    }

    /** Answers the first call of each connection, {@code grpc.health.v1.Health/Check}, with {@code SERVING}. */
    static ProbeServer grpc() {
        return start(pipeline -> pipeline.addLast(new Serving()));
    }

    private static ProbeServer start(Consumer<ChannelPipeline> handlers) {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("probe-server", true), EpollIoHandler.newFactory());
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(group)
                .channel(EpollServerSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel connection) {
                        handlers.accept(connection.pipeline());
                    }
                });
        List<Channel> listening = IntStream.rangeClosed(1, ADDRESSES)
                .mapToObj(i ->
                        bootstrap.bind("127.1.0." + i, 0).syncUninterruptibly().channel())
                .toList();
        return new ProbeServer(group, listening);
    }

    /** Where it listens: several addresses, as pods have, so that no pair of addresses runs out of ports. */
    List<InetSocketAddress> addresses() {
        return listening.stream()
                .map(channel -> (InetSocketAddress) channel.localAddress())
                .toList();
    }

    /** The processor time that the answers have taken. */
    long cpuNanos() {
        return ManagementFactory.getThreadMXBean().getThreadCpuTime(thread);
    }

    @Override
    public void close() {
        listening.forEach(Channel::close);
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    }

    private static final class Ok extends SimpleChannelInboundHandler<FullHttpRequest> {
        @Override
        protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
            DefaultFullHttpResponse answer = new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1,
                    HttpResponseStatus.OK,
                    Unpooled.wrappedBuffer("ok".getBytes(StandardCharsets.US_ASCII)));
            answer.headers()
                    .setInt(HttpHeaderNames.CONTENT_LENGTH, answer.content().readableBytes());
            context.writeAndFlush(answer);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    /**
     * As little of HTTP/2 (RFC 9113) as an answer needs: a server with all of it would take more of the machine than the
     * prober that is measured.
     */
    private static final class Serving extends ByteToMessageDecoder {
        private static final int PREFACE = 24;
        private static final int FRAME_HEADER = 9;
        private static final byte[] ANSWER = ByteBufUtil.decodeHexDump(
                "000000040000000000" // SETTINGS
                        + "000000040100000000" // SETTINGS, acknowledged
                        + "000014010400000003" // HEADERS, in the first stream that Netty's client opens
                        + "880f1010" // :status 200, content-type
                        + ByteBufUtil.hexDump("application/grpc".getBytes(StandardCharsets.US_ASCII))
                        + "000007000000000003" // DATA
                        + "00000000020801" // one message: status SERVING
                        + "00000f010500000003" // HEADERS, the last
                        + "000b"
                        + ByteBufUtil.hexDump("grpc-status".getBytes(StandardCharsets.US_ASCII))
                        + "0130");

        private boolean begun;

        @Override
        protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
            if (!begun) {
                if (in.readableBytes() < PREFACE) {
                    return;
                }
                in.skipBytes(PREFACE);
                begun = true;
            }
            while (in.readableBytes() >= FRAME_HEADER) {
                int length = in.getUnsignedMedium(in.readerIndex());
                if (in.readableBytes() < FRAME_HEADER + length) {
                    return;
                }
                boolean isData = in.getByte(in.readerIndex() + 3) == 0;
                in.skipBytes(FRAME_HEADER + length);
                if (isData) {
                    context.writeAndFlush(Unpooled.wrappedBuffer(ANSWER));
                }
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
