package dev.gantry.cri.transport;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.TimeUnit;

/** The epoll threads that CRI sockets share. Close it after the channels and servers that use it. */
public final class CriEventLoops implements AutoCloseable {
    private final EventLoopGroup group;

    private CriEventLoops(EventLoopGroup group) {
        this.group = group;
    }

    /** Starts no thread before the first socket; all are daemons. */
    public static CriEventLoops open(int threads) {
        return new CriEventLoops(new MultiThreadIoEventLoopGroup(
                threads, new DefaultThreadFactory("cri-io", true), EpollIoHandler.newFactory()));
    }

    /** For other sockets on the same threads, whose handlers must not block. */
    public EventLoopGroup group() {
        return group;
    }

    /** Ends the threads; does not wait for them. */
    @Override
    public void close() {
        var unused = group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }
}
