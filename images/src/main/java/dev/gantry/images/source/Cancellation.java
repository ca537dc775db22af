package dev.gantry.images.source;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Tells a transfer that nobody wants it any more: ends its waits, closes its connections. */
public final class Cancellation {
    private final CountDownLatch cancelled = new CountDownLatch(1);
    private final List<Runnable> actions = new ArrayList<>();

    public boolean isCancelled() {
        return cancelled.getCount() == 0;
    }

    /** Runs all registered actions, once. */
    public void cancel() {
        List<Runnable> due;
        synchronized (actions) {
            cancelled.countDown();
            due = List.copyOf(actions);
            actions.clear();
        }
        due.forEach(Runnable::run);
    }

    /** Registers an action for the cancellation; runs it now if that was already. Must not fail or block. */
    public void onCancel(Runnable action) {
        synchronized (actions) {
            if (!isCancelled()) {
                actions.add(action);
                return;
            }
        }
        action.run();
    }

    public void forget(Runnable action) {
        synchronized (actions) {
            actions.remove(action);
        }
    }

    /** Waits; true at once when cancelled. */
    public boolean await(Duration duration) throws InterruptedException {
        return cancelled.await(duration.toNanos(), TimeUnit.NANOSECONDS);
    }
}
