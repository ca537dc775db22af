package dev.gantry.probes;

import io.netty.channel.EventLoop;
import io.netty.channel.socket.SocketChannel;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Probes containers on one event loop.
 *
 * <ul>
 *   <li>Serial per probe: an attempt begins when the one before has ended, and not before its period has passed.
 *   <li>Independent: a probe that waits for its container costs the others nothing.
 *   <li>Owns no thread: everything, the listeners too, runs on the loop that was passed in, but for look-ups of names.
 * </ul>
 */
public final class Prober {
    /** An attempt that could not be made is made again at once, as often as the kubelet does ({@code maxProbeRetries}). */
    private static final int MAX_TRIES = 3;

    private final EventLoop loop;
    private final HttpProbe http;
    private final TcpProbe tcp;
    private final GrpcProbe grpc;
    private final ExecRunner exec;

    /**
     * Creates a prober.
     *
     * @param channelType what kind of socket {@code loop} drives
     * @param lookups finds the addresses of hosts that probes name; may block, and needs a thread for each name that is
     *     being looked up
     */
    public Prober(EventLoop loop, Class<? extends SocketChannel> channelType, Executor lookups, ExecRunner exec) {
        this.loop = loop;
        this.exec = exec;
        HostNames names = new HostNames(lookups);
        http = new HttpProbe(loop, channelType, names);
        tcp = new TcpProbe(loop, channelType, names);
        grpc = new GrpcProbe(loop, channelType, names);
    }

    /**
     * Begins to probe. Ends by itself once the verdict {@linkplain ProbeKind#isSettledBy settles} the matter.
     *
     * @param sinceStart how long the container has been running; shortens the initial delay
     * @param history {@code ProbeHistory.startingAs(kind.initialVerdict())}, or what an agent before this one knew
     */
    public Handle start(
            ProbeKind kind, ProbeSpec spec, Duration sinceStart, ProbeHistory history, ProbeListener listener) {
        Running running = new Running(kind, spec, history, listener);
        Duration delay = spec.initialDelay().minus(sinceStart);
        running.schedule(delay.isNegative() ? 0 : delay.toNanos());
        return running;
    }

    /**
     * Makes one attempt, on the event loop. Any thread.
     *
     * @return the result, within {@code timeout} and a little; never completes exceptionally
     */
    public CompletableFuture<ProbeResult> tryOnce(ProbeAction action, Duration timeout) {
        return loop.inEventLoop()
                ? attempt(action, timeout)
                : CompletableFuture.supplyAsync(() -> attempt(action, timeout), loop)
                        .thenCompose(result -> result);
    }

    private CompletableFuture<ProbeResult> attempt(ProbeAction action, Duration timeout) {
        if (action instanceof ProbeAction.HttpGet get) {
            return http.probe(get, timeout);
        }
        if (action instanceof ProbeAction.TcpSocket socket) {
            return tcp.probe(socket, timeout);
        }
        if (action instanceof ProbeAction.Grpc call) {
            return grpc.probe(call, timeout);
        }
        ProbeAction.Exec command = (ProbeAction.Exec) action;
        return exec.run(command.containerId(), command.command(), timeout);
    }

    /** A probe under way. */
    public interface Handle {
        /** Ends it: the listener hears nothing more. Any thread; may be called twice. */
        void stop();

        /** Makes the next attempt now instead of when its period has passed. Any thread. */
        void poke();
    }

    private final class Running implements Handle {
        private final ProbeKind kind;
        private final ProbeSpec spec;
        private final ProbeListener listener;
        private ProbeHistory history;
        private @Nullable ScheduledFuture<?> next;
        private boolean attempting;
        private volatile boolean stopped;

        Running(ProbeKind kind, ProbeSpec spec, ProbeHistory history, ProbeListener listener) {
            this.kind = kind;
            this.spec = spec;
            this.history = history;
            this.listener = listener;
        }

        void schedule(long delayNanos) {
            if (loop.inEventLoop()) {
                next = loop.schedule(this::attempt, delayNanos, TimeUnit.NANOSECONDS);
            } else {
                loop.execute(() -> schedule(delayNanos));
            }
        }

        private void attempt() {
            if (stopped) {
                return;
            }
            attempting = true;
            tryFrom(System.nanoTime(), 1);
        }

        private void tryFrom(long begunNanos, int tries) {
            tryOnce(spec.action(), spec.timeout())
                    .whenCompleteAsync(
                            (result, bug) -> {
                                ProbeResult outcome =
                                        result != null ? result : new ProbeResult.NotTried(String.valueOf(bug));
                                if (outcome instanceof ProbeResult.NotTried && tries < MAX_TRIES && !stopped) {
                                    tryFrom(begunNanos, tries + 1);
                                } else {
                                    ended(outcome, begunNanos);
                                }
                            },
                            loop);
        }

        private void ended(ProbeResult result, long begunNanos) {
            attempting = false;
            if (stopped) {
                return;
            }
            ProbeHistory before = history;
            history = before.after(result, spec);
            if (kind.isSettledBy(history.verdict())) {
                stopped = true;
            } else {
                schedule(Math.max(0, spec.period().toNanos() - (System.nanoTime() - begunNanos)));
            }
            listener.probed(result, before, history);
        }

        @Override
        public void stop() {
            stopped = true;
            loop.execute(() -> {
                if (next != null) {
                    next.cancel(false);
                }
            });
        }

        @Override
        public void poke() {
            loop.execute(() -> {
                if (!stopped && !attempting && next != null && next.cancel(false)) {
                    attempt();
                }
            });
        }
    }
}
