package dev.gantry.agent.probe;

import dev.gantry.probes.ExecRunner;
import dev.gantry.probes.Prober;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The one thread that probes all pods; it exists once the first of them has a probe. */
public final class ProbeLoop implements Supplier<Prober>, AutoCloseable {
    private final ExecRunner exec;
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
                new MultiThreadIoEventLoopGroup(1, ProbeLoop::thread, EpollIoHandler.newFactory());
        Prober first = new Prober(made.next(), EpollSocketChannel.class, exec);
        group = made;
        prober = first;
        return first;
    }

    private static Thread thread(Runnable task) {
        Thread thread = new Thread(task, "probes");
        thread.setDaemon(true);
        return thread;
    }

    @Override
    public synchronized void close() {
        closed = true;
        MultiThreadIoEventLoopGroup present = group;
        if (present != null) {
            present.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
        }
    }
}
