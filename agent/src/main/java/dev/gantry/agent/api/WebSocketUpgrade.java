package dev.gantry.agent.api;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshaker;
import io.netty.handler.codec.http.websocketx.WebSocketServerHandshakerFactory;
import java.io.IOException;

/** Turns an HTTP connection into a WebSocket. */
@SuppressWarnings(
        "FutureReturnValueIgnored") // a write or close that fails ends the connection, which is heard of otherwise
final class WebSocketUpgrade {
    private WebSocketUpgrade() {}

    /** Answers 101 and hands all further frames to {@code handler}; returns when that is done. */
    static void upgrade(Exchange exchange, String protocol, int maxFrame, ChannelHandler handler) throws IOException {
        Channel channel = exchange.channel();
        FullHttpRequest request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/");
        request.headers().set(exchange.request().headers());
        WebSocketServerHandshaker handshaker = new WebSocketServerHandshakerFactory(
                        "ws://localhost/", protocol, false, maxFrame)
                .newHandshaker(request);
        if (handshaker == null) {
            throw new IOException("this version of the WebSocket protocol is not known: "
                    + request.headers().get("Sec-WebSocket-Version"));
        }
        exchange.upgraded();
        var upgraded = channel.eventLoop().submit(() -> {
            channel.pipeline().get(Connection.class).upgrade();
            channel.pipeline().addLast(handler);
            return handshaker.handshake(channel, request);
        });
        try {
            upgraded.get().sync();
        } catch (java.util.concurrent.ExecutionException e) {
            throw new IOException("upgrade to a WebSocket: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("upgrade to a WebSocket: interrupted", e);
        } finally {
            request.release();
        }
    }
}
