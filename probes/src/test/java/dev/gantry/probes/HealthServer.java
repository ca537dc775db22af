package dev.gantry.probes;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2StreamFrame;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A gRPC server of health, as far as HTTP/2 shows it: what it answers is the test's to say. */
final class HealthServer implements AutoCloseable {
    private final Channel channel;
    private final BlockingQueue<String> requests = new LinkedBlockingQueue<>();

    /**
     * Starts one.
     *
     * @param message the bytes of the answer's message; none if empty
     * @param trailers what follows it
     */
    HealthServer(EventLoopGroup group, byte[] message, Http2Headers trailers) {
        channel = new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel connection) {
                        connection
                                .pipeline()
                                .addLast(
                                        Http2FrameCodecBuilder.forServer().build(),
                                        new Http2MultiplexHandler(new ChannelInitializer<Channel>() {
                                            @Override
                                            protected void initChannel(Channel stream) {
                                                stream.pipeline().addLast(new Answering(message, trailers));
                                            }
                                        }));
                    }
                })
                .bind(InetAddress.getLoopbackAddress(), 0)
                .syncUninterruptibly()
                .channel();
    }

    int port() {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    /** What was asked: path, content type and the message in hexadecimal digits, with spaces between. */
    BlockingQueue<String> requests() {
        return requests;
    }

    @Override
    public void close() {
        channel.close().syncUninterruptibly();
    }

    private final class Answering extends SimpleChannelInboundHandler<Http2StreamFrame> {
        private final byte[] message;
        private final Http2Headers trailers;
        private String head = "";

        Answering(byte[] message, Http2Headers trailers) {
            this.message = message;
            this.trailers = trailers;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, Http2StreamFrame frame) {
            if (frame instanceof Http2HeadersFrame headers) {
                head = headers.headers().path() + " " + headers.headers().get("content-type");
            } else if (frame instanceof Http2DataFrame data && data.isEndStream()) {
                requests.add(head + " " + ByteBufUtil.hexDump(data.content()));
                context.write(new DefaultHttp2HeadersFrame(
                        new DefaultHttp2Headers().status("200").set("content-type", "application/grpc")));
                if (message.length > 0) {
                    context.write(new DefaultHttp2DataFrame(Unpooled.wrappedBuffer(
                            Unpooled.buffer(5).writeByte(0).writeInt(message.length),
                            Unpooled.wrappedBuffer(message))));
                }
                context.writeAndFlush(new DefaultHttp2HeadersFrame(trailers, true));
            }
        }
    }
}
