package dev.gantry.probes;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.handler.codec.http2.Http2StreamFrame;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Asks {@code grpc.health.v1.Health/Check} over HTTP/2 without TLS; the two messages are small enough to do by hand. */
final class GrpcProbe {
    /** {@code HealthCheckResponse.ServingStatus}, by number. */
    private static final String[] SERVING_STATUS = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};

    private static final int SERVING = 1;
    private static final int UNIMPLEMENTED = 12;
    private static final int MAX_RESPONSE_BYTES = 1024;

    private final EventLoop loop;
    private final Connector connector;

    GrpcProbe(EventLoop loop, Class<? extends SocketChannel> channelType, HostNames names) {
        this.loop = loop;
        connector = new Connector(loop, channelType, names);
    }

    CompletableFuture<ProbeResult> probe(ProbeAction.Grpc call, Duration timeout) {
        String address = ProbeAction.hostAndPort(call.host(), call.port());
        String what = "grpc health check of \"%s\"".formatted(address);
        Attempt attempt = new Attempt(loop, timeout, what);
        ChannelInitializer<SocketChannel> pipeline = new ChannelInitializer<>() {
            @Override
            protected void initChannel(SocketChannel channel) {
                channel.pipeline()
                        .addLast(
                                Http2FrameCodecBuilder.forClient().build(),
                                new Http2MultiplexHandler(new IgnoredStream()),
                                new BrokenConnection(attempt, address));
            }
        };
        connector.connect(
                attempt, call.host(), call.port(), pipeline, what, channel -> ask(attempt, channel, call, address));
        return attempt.result();
    }

    private static void ask(Attempt attempt, SocketChannel channel, ProbeAction.Grpc call, String address) {
        channel.closeFuture()
                .addListener(
                        done -> attempt.end(new ProbeResult.Failed("\"%s\" closed the connection".formatted(address))));
        new Http2StreamChannelBootstrap(channel)
                .handler(new Answer(attempt))
                .open()
                .addListener(done -> {
                    if (!done.isSuccess()) {
                        attempt.end(new ProbeResult.Failed(Attempt.reason(done.cause())));
                        return;
                    }
                    var stream = (Http2StreamChannel) done.getNow();
                    stream.write(new DefaultHttp2HeadersFrame(new DefaultHttp2Headers()
                            .method("POST")
                            .scheme("http")
                            .authority(address)
                            .path("/grpc.health.v1.Health/Check")
                            .set("content-type", "application/grpc")
                            .set("user-agent", "kube-probe/1.36")
                            .set("te", "trailers")));
                    stream.writeAndFlush(new DefaultHttp2DataFrame(request(call.service()), true));
                });
    }

    /** {@code HealthCheckRequest{string service = 1}} behind gRPC's prefix: not compressed, length in four bytes. */
    private static ByteBuf request(String service) {
        byte[] name = service.getBytes(StandardCharsets.UTF_8);
        ByteBuf message = Unpooled.buffer(16 + name.length);
        if (name.length > 0) {
            message.writeByte(0x0a);
            int length = name.length;
            while (length > 0x7f) {
                message.writeByte((length & 0x7f) | 0x80);
                length >>>= 7;
            }
            message.writeByte(length).writeBytes(name);
        }
        ByteBuf prefix = Unpooled.buffer(5).writeByte(0).writeInt(message.readableBytes());
        return Unpooled.wrappedBuffer(prefix, message);
    }

    private static final class IgnoredStream extends SimpleChannelInboundHandler<Object> {
        @Override
        public boolean isSharable() {
            return true;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, Object message) {
            // A server may not open streams towards a health check.
        }
    }

    /** What breaks the connection as a whole, such as a server that speaks another protocol. */
    private static final class BrokenConnection extends ChannelInboundHandlerAdapter {
        private final Attempt attempt;
        private final String address;

        BrokenConnection(Attempt attempt, String address) {
            this.attempt = attempt;
            this.address = address;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            // Settings and pings of the connection: the codec has answered them.
            ReferenceCountUtil.release(message);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            String what = cause instanceof Http2Exception ? "does not speak HTTP/2: " : "";
            attempt.end(new ProbeResult.Failed("\"%s\" %s%s".formatted(address, what, Attempt.reason(cause))));
        }
    }

    private static final class Answer extends SimpleChannelInboundHandler<Http2StreamFrame> {
        private final Attempt attempt;
        private final ByteBuf message = Unpooled.buffer(16, MAX_RESPONSE_BYTES);

        Answer(Attempt attempt) {
            this.attempt = attempt;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, Http2StreamFrame frame) {
            if (frame instanceof Http2DataFrame data) {
                if (data.content().readableBytes() > message.maxWritableBytes()) {
                    attempt.end(new ProbeResult.Failed(
                            "health check response exceeds %d bytes".formatted(MAX_RESPONSE_BYTES)));
                    return;
                }
                message.writeBytes(data.content());
            } else if (frame instanceof Http2HeadersFrame headers && headers.isEndStream()) {
                conclude(headers);
            } else if (frame instanceof Http2ResetFrame reset) {
                attempt.end(new ProbeResult.Failed("the server reset the stream, HTTP/2 error " + reset.errorCode()));
            }
        }

        private void conclude(Http2HeadersFrame trailers) {
            CharSequence code = trailers.headers().get("grpc-status");
            if (code == null) {
                attempt.end(new ProbeResult.Failed(
                        "not a gRPC answer: HTTP status " + trailers.headers().status()));
            } else if (code.toString().equals(Integer.toString(UNIMPLEMENTED))) {
                attempt.end(new ProbeResult.Failed(
                        "this server does not implement the grpc health protocol (grpc.health.v1.Health)"));
            } else if (!code.toString().equals("0")) {
                CharSequence text = trailers.headers().get("grpc-message", "");
                attempt.end(new ProbeResult.Failed("rpc error: code = %s desc = %s".formatted(code, text)));
            } else {
                int status = servingStatus();
                attempt.end(
                        status == SERVING
                                ? new ProbeResult.Passed("service healthy")
                                : new ProbeResult.Failed("service unhealthy (responded with \"%s\")"
                                        .formatted(
                                                status < SERVING_STATUS.length
                                                        ? SERVING_STATUS[status]
                                                        : String.valueOf(status))));
            }
        }

        /** {@code HealthCheckResponse{ServingStatus status = 1}}; absent is 0, UNKNOWN. */
        private int servingStatus() {
            message.skipBytes(Math.min(5, message.readableBytes()));
            return message.readableBytes() >= 2 && message.readByte() == 0x08 ? message.readByte() & 0x7f : 0;
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            attempt.end(new ProbeResult.Failed(Attempt.reason(cause)));
        }
    }
}
