package dev.gantry.agent.main;

import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** Notices when nothing is worked on any more: a task goes the way of the pods' own tasks every few seconds. */
final class Heartbeat {
    private static final long INTERVAL_SECONDS = 5;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final LongSupplier nanoTime;
    private final AtomicLong lastBeat;

    private Heartbeat(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.lastBeat = new AtomicLong(nanoTime.getAsLong());
    }

    /**
     * Begins to beat.
     *
     * @param pool the pods' own
     */
    @SuppressWarnings("FutureReturnValueIgnored") // ends with the timers
    static Heartbeat start(Executor pool, ScheduledExecutorService timers, LongSupplier nanoTime) {
        Heartbeat heartbeat = new Heartbeat(nanoTime);
        timers.scheduleAtFixedRate(
                () -> pool.execute(heartbeat::beat), INTERVAL_SECONDS, INTERVAL_SECONDS, TimeUnit.SECONDS);
        return heartbeat;
    }

    private void beat() {
        lastBeat.set(nanoTime.getAsLong());
    }

    /** Why the agent counts as dead; empty if it lives. */
    Optional<String> problem() {
        long silent = nanoTime.getAsLong() - lastBeat.get();
        return silent < PATIENCE_NANOS
                ? Optional.empty()
                : Optional.of("pods: nothing was worked on for " + TimeUnit.NANOSECONDS.toSeconds(silent) + " s");
    }
}
