package dev.gantry.agent.probe;

import dev.gantry.probes.ExecRunner;
import dev.gantry.probes.Prober;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The one thread that probes all pods; it exists once the first of them has a probe. Names of hosts are looked up beside it. */
public final class ProbeLoop implements Supplier<Prober>, AutoCloseable {
    /** One for each name that is being looked up, so many names that no server answers for. */
    private static final int MAX_LOOKUPS = 256;

    private final ExecRunner exec;
    private final ThreadPoolExecutor lookups = new ThreadPoolExecutor(
            0, MAX_LOOKUPS, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), threads("probe-names"));
    private @Nullable MultiThreadIoEventLoopGroup group;
    private @Nullable Prober prober;
    private boolean closed;

    /** @param exec runs the commands of exec probes and hooks */
    public ProbeLoop(ExecRunner exec) {
        this.exec = exec;
    }

    @Override
    public synchronized Prober get() {
        Prober present = prober;
        if (present != null) {
            return present;
        }
        if (closed) {
            throw new IllegalStateException("the agent has stopped probing");
        }
        MultiThreadIoEventLoopGroup made =
                new MultiThreadIoEventLoopGroup(1, threads("probes"), EpollIoHandler.newFactory());
        Prober first = new Prober(made.next(), EpollSocketChannel.class, lookups, exec);
        group = made;
        prober = first;
        return first;
    }

    private static ThreadFactory threads(String name) {
        return task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        };
    }

    @Override
    public synchronized void close() {
        closed = true;
        lookups.shutdownNow();
        MultiThreadIoEventLoopGroup present = group;
        if (present != null) {
            present.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
        }
    }
}
