package dev.gantry.agent.stream;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Asks for SPDY on a new HTTP connection. */
final class Upgrade extends SimpleChannelInboundHandler<FullHttpResponse> {
    private static final String PROTOCOL = "X-Stream-Protocol-Version";
    private static final int MAX_REASON = 500;

    private final URI url;
    private final List<String> protocols;
    private final CompletableFuture<SpdyConnection> done = new CompletableFuture<>();

    Upgrade(URI url, List<String> protocols) {
        this.url = url;
        this.protocols = protocols;
    }

    /** Completes when the server has agreed, or has not. */
    CompletableFuture<SpdyConnection> done() {
        return done;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) throws Exception {
        String path = url.getRawQuery() == null ? url.getRawPath() : url.getRawPath() + "?" + url.getRawQuery();
        FullHttpRequest request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, path);
        request.headers()
                .set(HttpHeaderNames.HOST, url.getRawAuthority())
                .set(HttpHeaderNames.CONNECTION, "Upgrade")
                .set(HttpHeaderNames.UPGRADE, "SPDY/3.1")
                .set(HttpHeaderNames.CONTENT_LENGTH, 0);
        protocols.forEach(name -> request.headers().add(PROTOCOL, name));
        context.writeAndFlush(request);
        super.channelActive(context);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpResponse response) {
        if (!response.status().equals(HttpResponseStatus.SWITCHING_PROTOCOLS)) {
            String body = response.content().toString(StandardCharsets.UTF_8).strip();
            done.completeExceptionally(new IOException("the runtime answered %s%s"
                    .formatted(
                            response.status(),
                            body.isEmpty() ? "" : ": " + body.substring(0, Math.min(body.length(), MAX_REASON)))));
            context.close();
            return;
        }
        String chosen = response.headers().get(PROTOCOL, "");
        if (!protocols.contains(chosen)) {
            done.completeExceptionally(
                    new IOException("the runtime chose protocol '%s' of %s".formatted(chosen, protocols)));
            context.close();
            return;
        }
        Channel channel = context.channel();
        channel.pipeline().remove(HttpObjectAggregator.class);
        channel.pipeline().remove(this);
        SpdyConnection connection = SpdyConnection.install(channel);
        // Last, because bytes that the codec has buffered are passed on as it goes.
        channel.pipeline().remove(HttpClientCodec.class);
        connection.openWindows();
        done.complete(connection);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) throws Exception {
        done.completeExceptionally(new IOException("the runtime closed the connection"));
        super.channelInactive(context);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        done.completeExceptionally(new IOException(String.valueOf(cause.getMessage()), cause));
        context.close();
    }
}
