package dev.gantry.probes;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.SocketChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** Opens the sockets of network probes. */
final class Connector {
    private final EventLoop loop;
    private final Bootstrap template;
    private final HostNames names;

    Connector(EventLoop loop, Class<? extends SocketChannel> channelType, HostNames names) {
        this.loop = loop;
        this.names = names;
        // No SO_LINGER of one second, which the kubelet sets: Linux keeps TIME_WAIT for 60 s with it too, and close(2)
        // would wait for the peer.
        template = new Bootstrap().group(loop).channel(channelType).option(ChannelOption.TCP_NODELAY, true);
    }

    /** Connects for {@code attempt}; {@code connected} runs on the event loop, and not when the attempt is over by then. */
    void connect(
            Attempt attempt,
            String host,
            int port,
            ChannelHandler handler,
            String what,
            Consumer<SocketChannel> connected) {
        CompletableFuture<InetAddress> address = names.find(host);
        if (address.isDone()) {
            connect(attempt, address, port, handler, what, connected);
        } else {
            address.whenCompleteAsync(
                    (found, failure) -> connect(attempt, address, port, handler, what, connected), loop);
        }
    }

    private void connect(
            Attempt attempt,
            CompletableFuture<InetAddress> address,
            int port,
            ChannelHandler handler,
            String what,
            Consumer<SocketChannel> connected) {
        if (attempt.isOver()) {
            return;
        }
        if (address.isCompletedExceptionally()) {
            address.whenComplete((none, failure) -> attempt.endUnconnected(what, failure));
            return;
        }
        var connecting = template.clone().handler(handler).connect(new InetSocketAddress(address.join(), port));
        attempt.own(connecting.channel());
        connecting.addListener(done -> {
            if (!done.isSuccess()) {
                attempt.endUnconnected(what, done.cause());
            } else if (!attempt.isOver()) {
                connected.accept((SocketChannel) connecting.channel());
            }
        });
    }
}
