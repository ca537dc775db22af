package dev.gantry.e2e;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Waiting for what another process does, which tells nobody when it is done. */
public final class Await {
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private Await() {}

    /** Something that may hold one day. */
    @FunctionalInterface
    public interface Condition {
        /** Tells whether it holds now; a failure counts as no. */
        boolean holds() throws IOException, InterruptedException;
    }

    /**
     * Looks until a condition holds.
     *
     * @param what completes "waited for …"
     * @param state is asked for the message if it does not come true in time
     */
    public static void until(Duration limit, String what, Condition condition, Supplier<String> state)
            throws InterruptedException {
        long end = System.nanoTime() + limit.toNanos();
        String last = "";
        while (true) {
            try {
                if (condition.holds()) {
                    return;
                }
            } catch (IOException e) {
                last = e.toString();
            }
            if (System.nanoTime() > end) {
                throw new AssertionError("waited %s for %s in vain. %s %s".formatted(limit, what, last, state.get()));
            }
            LockSupport.parkNanos(PAUSE_NANOS);
            if (Thread.interrupted()) {
                throw new InterruptedException(what);
            }
        }
    }
}
