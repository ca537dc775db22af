package dev.gantry.runtime.streaming;

import dev.gantry.runtime.io.ContainerIo;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * Serves the URLs that CRI's Exec, Attach and PortForward answer with.
 *
 * <ul>
 *   <li>A URL works once, for a minute, and is the only authentication: bind to loopback.
 *   <li>Event loops move bytes; what blocks runs on the given threads, up to four for a session.
 * </ul>
 */
public final class StreamingServer implements AutoCloseable {
    /** The kubelet's {@code streamingConnectionIdleTimeout}. */
    private static final long IDLE_HOURS = 4;

    /** Sessions, and connections that have not said yet what they want. */
    private static final int MAX_CONNECTIONS = 2000;

    private final TokenCache tokens;
    private final Channel listener;
    private final ChannelGroup connections;

    private StreamingServer(TokenCache tokens, Channel listener, ChannelGroup connections) {
        this.tokens = tokens;
        this.listener = listener;
        this.connections = connections;
    }

    /**
     * Begins to listen.
     *
     * @param address a loopback address; port 0 chooses a free one
     * @param channelType what kind of server socket {@code group} drives
     * @param threads elastic; is given tasks that block for as long as a session lives
     * @throws IOException if the address cannot be bound
     */
    public static StreamingServer listen(
            InetSocketAddress address,
            EventLoopGroup group,
            Class<? extends ServerChannel> channelType,
            ContainerIo io,
            Executor threads,
            Clock clock)
            throws IOException {
        TokenCache tokens = new TokenCache(clock);
        ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(group)
                .channel(channelType)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        if (connections.size() >= MAX_CONNECTIONS) {
                            channel.close();
                            return;
                        }
                        connections.add(channel);
                        channel.pipeline()
                                .addLast(new IdleStateHandler(0, 0, IDLE_HOURS, TimeUnit.HOURS))
                                .addLast(StreamingHandler.pipeline(tokens, io, threads));
                    }
                });
        var bound = bootstrap.bind(address).awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException("listen on %s for streaming: %s"
                    .formatted(address, bound.cause().getMessage()));
        }
        return new StreamingServer(tokens, bound.channel(), connections);
    }

    /** The URL for {@code request}; empty if a thousand are waiting for their clients. */
    public Optional<URI> url(StreamingRequest request) {
        return tokens.insert(request)
                .map(token -> URI.create("http://%s/%s/%s"
                        .formatted(hostAndPort((InetSocketAddress) listener.localAddress()), request.path(), token)));
    }

    private static String hostAndPort(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    /** Stops to listen and ends all sessions. */
    @Override
    public void close() {
        listener.close().awaitUninterruptibly();
        connections.forEach(Wire::disconnect);
        connections.newCloseFuture().awaitUninterruptibly();
    }
}
