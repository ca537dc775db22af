package dev.gantry.testing;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.Delayed;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Time that passes when a test says so, with a timer that runs what became due. Tasks run on the thread that advances
 * the clock, in the order in which they are due.
 */
public final class FakeClock extends Clock {
    private final Timers timers = new Timers();
    private Instant now;
    private long sequence;

    public FakeClock() {
        this(Instant.parse("2026-01-01T00:00:00Z"));
    }

    public FakeClock(Instant start) {
        now = start;
    }

    @Override
    public synchronized Instant instant() {
        return now;
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        throw new UnsupportedOperationException("a fake clock is UTC");
    }

    /** A timer that follows this clock. */
    public ScheduledExecutorService timers() {
        return timers;
    }

    /** Lets time pass, and runs what becomes due at its time. */
    public void advance(Duration duration) {
        Instant end = instant().plus(duration);
        while (true) {
            Task<?> due;
            synchronized (this) {
                due = timers.queue.peek();
                if (due == null || due.at.isAfter(end)) {
                    now = end;
                    return;
                }
                timers.queue.remove();
                now = due.at.isAfter(now) ? due.at : now;
            }
            due.run();
        }
    }

    /** When the next task is due; null if none waits. */
    public synchronized @Nullable Instant nextTask() {
        timers.queue.removeIf(Task::isCancelled);
        Task<?> next = timers.queue.peek();
        return next == null ? null : next.at;
    }

    private final class Task<V> extends FutureTask<V> implements ScheduledFuture<V> {
        private final Instant at;
        private final long number;

        Task(Callable<V> call, Instant at, long number) {
            super(call);
            this.at = at;
            this.number = number;
        }

        @Override
        public long getDelay(TimeUnit unit) {
            return unit.convert(Duration.between(instant(), at));
        }

        @Override
        public int compareTo(Delayed other) {
            return Long.compare(getDelay(TimeUnit.NANOSECONDS), other.getDelay(TimeUnit.NANOSECONDS));
        }
    }

    private final class Timers extends AbstractExecutorService implements ScheduledExecutorService {
        private final PriorityQueue<Task<?>> queue = new PriorityQueue<>(
                Comparator.<Task<?>, Instant>comparing(task -> task.at).thenComparing(task -> task.number));
        private boolean shutdown;

        @Override
        public <V> ScheduledFuture<V> schedule(Callable<V> call, long delay, TimeUnit unit) {
            synchronized (FakeClock.this) {
                Task<V> task = new Task<>(call, now.plus(delay, unit.toChronoUnit()), sequence++);
                queue.add(task);
                return task;
            }
        }

        @Override
        public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
            return schedule(
                    () -> {
                        command.run();
                        return true;
                    },
                    delay,
                    unit);
        }

        @Override
        public ScheduledFuture<?> scheduleAtFixedRate(Runnable command, long initialDelay, long period, TimeUnit unit) {
            return schedule(
                    () -> {
                        command.run();
                        return scheduleAtFixedRate(command, period, period, unit);
                    },
                    initialDelay,
                    unit);
        }

        @Override
        public ScheduledFuture<?> scheduleWithFixedDelay(
                Runnable command, long initialDelay, long delay, TimeUnit unit) {
            return scheduleAtFixedRate(command, initialDelay, delay, unit);
        }

        @Override
        public void execute(Runnable command) {
            schedule(command, 0, TimeUnit.NANOSECONDS);
        }

        @Override
        public void shutdown() {
            shutdown = true;
        }

        @Override
        public List<Runnable> shutdownNow() {
            shutdown = true;
            synchronized (FakeClock.this) {
                Collection<Runnable> waiting = new ArrayList<>(queue);
                queue.clear();
                return List.copyOf(waiting);
            }
        }

        @Override
        public boolean isShutdown() {
            return shutdown;
        }

        @Override
        public boolean isTerminated() {
            return shutdown;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return shutdown;
        }
    }
}
