package dev.gantry.agent.rotation;

import dev.gantry.agent.cri.CriException;
import dev.gantry.agent.rotation.RotatedLogs.Plan;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rotates the logs of running containers, whichever runtime writes them.
 *
 * <ul>
 *   <li>A look is one {@code lstat} per log; nothing is read. A log that grows quickly is looked at up to once a second.
 *   <li>A log whose file is missing is begun anew: an earlier agent was killed between renaming and reopening it.
 *   <li>At most {@link RotationPolicy#maxWorkers} logs are worked on at a time, each by one task of the pool.
 *   <li>What fails is said once, until it works again, and is tried again at the next look.
 * </ul>
 */
public final class LogRotator implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LogRotator.class);

    private final RotationPolicy policy;
    private final Supplier<Collection<RunningLog>> running;
    private final LogWriter writer;
    private final InstantSource clock;
    private final Executor pool;
    private final ScheduledExecutorService timers;

    /** All below are guarded by this. */
    private final Map<String, Look> looks = new HashMap<>();

    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private final Set<String> busy = new HashSet<>();
    private final Set<String> failing = new HashSet<>();
    private int working;
    private boolean closed;
    private @Nullable ScheduledFuture<?> timer;

    /** A running container and where its output goes. */
    public record RunningLog(String containerId, Path log) {}

    /** The runtime, which begins a log anew at its path when it is told so. */
    public interface LogWriter {
        CompletableFuture<?> reopenLog(String containerId);
    }

    /** What was seen last of a log, and when it is due again. */
    private record Look(long size, Instant at, Instant next) {}

    private LogRotator(
            RotationPolicy policy,
            Supplier<Collection<RunningLog>> running,
            LogWriter writer,
            InstantSource clock,
            Executor pool,
            ScheduledExecutorService timers) {
        this.policy = policy;
        this.running = running;
        this.writer = writer;
        this.clock = clock;
        this.pool = pool;
        this.timers = timers;
    }

    /**
     * Begins.
     *
     * @param running containers that run now; must not block
     * @param pool for the looks and rotations
     * @param timers its tasks only hand over to the pool
     */
    public static LogRotator start(
            RotationPolicy policy,
            Supplier<Collection<RunningLog>> running,
            LogWriter writer,
            InstantSource clock,
            Executor pool,
            ScheduledExecutorService timers) {
        LogRotator rotator = new LogRotator(policy, running, writer, clock, pool, timers);
        if (policy.maxSizeBytes() > 0) {
            rotator.lookAfter(LogGrowth.SHORTEST);
        }
        return rotator;
    }

    private synchronized void lookAfter(Duration delay) {
        if (!closed) {
            timer = timers.schedule(
                    () -> pool.execute(this::look), Math.max(1, delay.toMillis()), TimeUnit.MILLISECONDS);
        }
    }

    private void look() {
        Duration next = policy.monitorInterval();
        try {
            Collection<RunningLog> logs = running.get();
            synchronized (this) {
                Set<String> ids = new HashSet<>();
                logs.forEach(log -> ids.add(log.containerId()));
                looks.keySet().retainAll(ids);
                failing.retainAll(ids);
            }
            for (RunningLog log : logs) {
                Duration due = look(log);
                next = due.compareTo(next) < 0 ? due : next;
            }
        } finally {
            lookAfter(next);
        }
    }

    /** Looks at one log if that is due; tells when it is due next. */
    private Duration look(RunningLog log) {
        Instant now = clock.instant();
        Look last;
        synchronized (this) {
            last = looks.get(log.containerId());
            if (busy.contains(log.containerId())) {
                return policy.monitorInterval();
            }
        }
        if (last != null && now.isBefore(last.next())) {
            return Duration.between(now, last.next());
        }
        long size;
        try {
            size = LogRotation.size(log.log());
        } catch (IOException e) {
            failed(log, e);
            size = 0;
        }
        Duration due = last == null
                ? size > 0 ? LogGrowth.SHORTEST : policy.monitorInterval()
                : LogGrowth.untilNextLook(policy, last.size(), size, Duration.between(last.at(), now));
        if (size > policy.maxSizeBytes() || size < 0) {
            boolean missing = size < 0;
            due = missing ? policy.monitorInterval() : LogGrowth.SHORTEST;
            begin(log, missing);
            size = 0;
        }
        synchronized (this) {
            looks.put(log.containerId(), new Look(size, now, now.plus(due)));
        }
        return due;
    }

    // ---- rotating

    private synchronized void begin(RunningLog log, boolean missing) {
        if (!closed && busy.add(log.containerId())) {
            waiting.add(() -> (missing ? reopen(log) : rotate(log)).whenComplete((done, failure) -> {
                if (failure != null) {
                    failed(log, CriException.unwrap(failure));
                } else {
                    worked(log);
                }
                ended(log);
            }));
            work();
        }
    }

    private synchronized void work() {
        while (working < policy.maxWorkers() && !waiting.isEmpty()) {
            working++;
            pool.execute(waiting.remove());
        }
    }

    private synchronized void ended(RunningLog log) {
        busy.remove(log.containerId());
        working--;
        work();
    }

    private CompletableFuture<?> reopen(RunningLog log) {
        return writer.reopenLog(log.containerId());
    }

    private CompletableFuture<?> rotate(RunningLog log) {
        try {
            String name = String.valueOf(log.log().getFileName());
            Plan plan = RotatedLogs.plan(name, LogRotation.siblings(log.log()), policy, clock.instant());
            LogRotation.delete(log.log(), plan);
            String rotated = plan.renameTo();
            LogRotation.rename(log.log(), rotated);
            return reopen(log)
                    .handleAsync(
                            (done, failure) -> {
                                finish(log, plan, rotated, failure);
                                return null;
                            },
                            pool);
        } catch (IOException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** The writer has gone on to a new file, or has refused: then the old one stays the log. */
    private static void finish(RunningLog log, Plan plan, String rotated, @Nullable Throwable failure) {
        try {
            if (failure != null) {
                LogRotation.renameBack(log.log(), rotated);
                throw new java.util.concurrent.CompletionException(CriException.unwrap(failure));
            }
            for (String name : plan.compress()) {
                LogRotation.compress(log.log(), name);
            }
        } catch (IOException e) {
            throw new java.util.concurrent.CompletionException(e);
        }
    }

    private void failed(RunningLog log, Throwable failure) {
        boolean first;
        synchronized (this) {
            first = failing.add(log.containerId()) && !closed;
        }
        if (first) {
            LOG.atWarn()
                    .addKeyValue("containerId", log.containerId())
                    .addKeyValue("path", log.log())
                    .addKeyValue("err", String.valueOf(failure.getMessage()))
                    .addKeyValue("retryIn", policy.monitorInterval())
                    .log("Could not rotate log, retrying");
        }
    }

    private synchronized void worked(RunningLog log) {
        failing.remove(log.containerId());
    }

    /** Ends; what is being rotated is finished. */
    @Override
    public synchronized void close() {
        closed = true;
        waiting.clear();
        if (timer != null) {
            timer.cancel(false);
        }
    }
}
