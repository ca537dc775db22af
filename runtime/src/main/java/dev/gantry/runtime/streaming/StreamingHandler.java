package dev.gantry.runtime.streaming;

import dev.gantry.runtime.io.ContainerIo;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.websocketx.WebSocketFrameAggregator;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshakerFactory;
import io.netty.handler.timeout.IdleStateEvent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Turns a request for a one-time URL into a session of the protocol that the client asks for. */
final class StreamingHandler extends SimpleChannelInboundHandler<FullHttpRequest> {
    private static final String SPDY = "SPDY/3.1";
    private static final String PORT_FORWARD_SPDY = "portforward.k8s.io";
    /** How newer clients forward ports through proxies that know WebSocket only: KEP-4006. */
    private static final String PORT_FORWARD_TUNNEL = SPDY + "+" + PORT_FORWARD_SPDY;

    private static final String PROTOCOL_HEADER = "X-Stream-Protocol-Version";
    private static final int MAX_MESSAGE = 1 << 20;

    /** From the connection to a whole request; everybody on this machine can connect. */
    static final int REQUEST_SECONDS = 30;

    private final TokenCache tokens;
    private final ContainerIo io;
    private final Executor threads;
    private @Nullable Future<?> deadline;

    StreamingHandler(TokenCache tokens, ContainerIo io, Executor threads) {
        this.tokens = tokens;
        this.io = io;
        this.threads = threads;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
        Runnable hangUp = context::close;
        deadline = context.executor().schedule(hangUp, REQUEST_SECONDS, TimeUnit.SECONDS);
    }

    /** The client has its session, or is gone. */
    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        if (deadline != null) {
            deadline.cancel(false);
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest http) {
        String[] path = new QueryStringDecoder(http.uri()).path().split("/", -1);
        Optional<StreamingRequest> request = path.length == 3 ? tokens.consume(path[2]) : Optional.empty();
        if (!http.decoderResult().isSuccess()) {
            refuse(context, HttpResponseStatus.BAD_REQUEST, "malformed request");
        } else if (request.isEmpty() || !request.get().path().equals(path[1])) {
            refuse(
                    context,
                    HttpResponseStatus.NOT_FOUND,
                    "no such URL: it works once, within a minute of its creation");
        } else if (SPDY.equalsIgnoreCase(http.headers().get(HttpHeaderNames.UPGRADE))) {
            spdy(context, http, request.get());
        } else if ("websocket".equalsIgnoreCase(http.headers().get(HttpHeaderNames.UPGRADE))) {
            webSocket(context, http, request.get());
        } else {
            refuse(
                    context,
                    HttpResponseStatus.BAD_REQUEST,
                    "Upgrade request required: send 'Upgrade: SPDY/3.1' or 'Upgrade: websocket'");
        }
    }

    private void spdy(ChannelHandlerContext context, FullHttpRequest http, StreamingRequest request) {
        List<String> offered = offered(http.headers(), PROTOCOL_HEADER);
        boolean ports = request instanceof StreamingRequest.PortForward;
        Optional<StreamProtocol> protocol = ports
                ? Optional.of(StreamProtocol.V4).filter(any -> offered.isEmpty() || offered.contains(PORT_FORWARD_SPDY))
                : StreamProtocol.forSpdy(offered);
        if (protocol.isEmpty()) {
            HttpResponse refusal =
                    text(HttpResponseStatus.FORBIDDEN, "unable to negotiate protocol: client offers " + offered);
            List<String> names = ports ? List.of(PORT_FORWARD_SPDY) : StreamProtocol.spdyNames();
            names.forEach(name -> refusal.headers().add("X-Accepted-Stream-Protocol-Versions", name));
            context.writeAndFlush(refusal).addListener(ChannelFutureListener.CLOSE);
            return;
        }
        HttpResponse switching = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.SWITCHING_PROTOCOLS);
        switching.headers().set(HttpHeaderNames.CONNECTION, "Upgrade").set(HttpHeaderNames.UPGRADE, SPDY);
        if (!offered.isEmpty()) {
            switching
                    .headers()
                    .set(
                            PROTOCOL_HEADER,
                            ports ? PORT_FORWARD_SPDY : protocol.get().spdyName());
        }
        Channel channel = context.channel();
        channel.writeAndFlush(switching).addListener(done -> {
            if (done.isSuccess()) {
                SpdyStreams streams = request instanceof StreamingRequest.PortForward forward
                        ? new SpdyPorts(channel, io, forward, threads)
                        : new SpdyCommand(channel, protocol.get(), io, request, streams(request), threads);
                channel.pipeline().remove(HttpObjectAggregator.class);
                channel.pipeline().remove(this);
                SpdyStreams.install(streams);
                // Last, because bytes that the codec has buffered are passed on as it goes.
                channel.pipeline().remove(HttpServerCodec.class);
            }
        });
    }

    private void webSocket(ChannelHandlerContext context, FullHttpRequest http, StreamingRequest request) {
        List<String> offered = offered(http.headers(), HttpHeaderNames.SEC_WEBSOCKET_PROTOCOL.toString());
        if (request instanceof StreamingRequest.PortForward forward && offered.contains(PORT_FORWARD_TUNNEL)) {
            handshake(context, http, PORT_FORWARD_TUNNEL, () -> {
                Channel channel = context.channel();
                channel.pipeline().addLast(new WebSocketTunnel());
                SpdyStreams.install(new SpdyPorts(channel, io, forward, threads));
            });
            return;
        }
        Optional<StreamProtocol> protocol = StreamProtocol.forWebSocket(offered);
        if (protocol.isEmpty()) {
            refuse(context, HttpResponseStatus.BAD_REQUEST, "no common WebSocket protocol: client offers " + offered);
            return;
        }
        String name = offered.isEmpty() ? null : protocol.get().webSocketName();
        handshake(context, http, name, () -> channels(context.channel(), http, request, protocol.get()));
    }

    /** @param next sets up what follows in the pipeline, once the client has been answered */
    private void handshake(
            ChannelHandlerContext context, FullHttpRequest http, @Nullable String protocol, Runnable next) {
        WebSocketServerHandshaker handshaker =
                new WebSocketServerHandshakerFactory(http.uri(), protocol, false, MAX_MESSAGE).newHandshaker(http);
        if (handshaker == null) {
            WebSocketServerHandshakerFactory.sendUnsupportedVersionResponse(context.channel())
                    .addListener(ChannelFutureListener.CLOSE);
            return;
        }
        Channel channel = context.channel();
        handshaker.handshake(channel, http).addListener(done -> {
            if (!done.isSuccess()) {
                channel.close();
                return;
            }
            channel.pipeline().remove(this);
            next.run();
        });
    }

    private void channels(Channel channel, FullHttpRequest http, StreamingRequest request, StreamProtocol protocol) {
        // Some clients send a message in as many frames as they have filled buffers.
        channel.pipeline().addLast(new WebSocketFrameAggregator(MAX_MESSAGE));
        if (request instanceof StreamingRequest.PortForward forward) {
            WebSocketPorts ports = new WebSocketPorts(channel, protocol, io, forward(forward, http), threads);
            channel.pipeline().addLast(ports);
            ports.start();
        } else {
            WebSocketCommand command = new WebSocketCommand(channel, protocol, io, request, streams(request), threads);
            channel.pipeline().addLast(command);
            command.start();
        }
    }

    /** The ports of the URL's query, where the client names some. */
    private static StreamingRequest.PortForward forward(StreamingRequest.PortForward request, FullHttpRequest http) {
        List<Integer> ports = new ArrayList<>();
        for (String value : new QueryStringDecoder(http.uri()).parameters().getOrDefault("port", List.of())) {
            for (String port : value.split(",")) {
                if (port.matches("[0-9]{1,5}") && Integer.parseInt(port) <= 0xffff && ports.size() < 64) {
                    ports.add(Integer.parseInt(port));
                }
            }
        }
        return ports.isEmpty() ? request : new StreamingRequest.PortForward(request.podSandboxId(), ports);
    }

    private static StreamingRequest.Streams streams(StreamingRequest request) {
        return request instanceof StreamingRequest.Exec exec
                ? exec.streams()
                : ((StreamingRequest.Attach) request).streams();
    }

    private static List<String> offered(HttpHeaders headers, String name) {
        return headers.getAll(name).stream()
                .flatMap(value -> Arrays.stream(value.split(",")))
                .map(String::strip)
                .filter(value -> !value.isEmpty())
                .toList();
    }

    private static void refuse(ChannelHandlerContext context, HttpResponseStatus status, String reason) {
        context.writeAndFlush(text(status, reason)).addListener(ChannelFutureListener.CLOSE);
    }

    private static HttpResponse text(HttpResponseStatus status, String reason) {
        byte[] body = (reason + "\n").getBytes(StandardCharsets.UTF_8);
        var response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, Unpooled.wrappedBuffer(body));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8")
                .set(HttpHeaderNames.CONTENT_LENGTH, body.length);
        return response;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof IdleStateEvent) {
            context.close();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        context.close();
    }

    /** Each connection has its own. */
    static ChannelHandler[] pipeline(TokenCache tokens, ContainerIo io, Executor threads) {
        return new ChannelHandler[] {
            new HttpServerCodec(), new HttpObjectAggregator(8 << 10), new StreamingHandler(tokens, io, threads)
        };
    }
}
