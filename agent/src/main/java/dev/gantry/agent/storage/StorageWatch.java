package dev.gantry.agent.storage;

import dev.gantry.agent.resource.StorageLimits;
import dev.gantry.agent.resource.StorageLimits.Usage;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.FileCalls;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
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
 * Measures what pods take of the disk that limit it, and has those end that take more.
 *
 * <ul>
 *   <li>As in the kubelet: writable layers, logs and volumes of containers that run count, every ten seconds.
 *   <li>Nothing is measured of a pod without such a limit.
 *   <li>The next look begins ten seconds after the one before has ended, so that there is one at a time.
 *   <li>What cannot be measured is left out and said once, until it can be again.
 * </ul>
 */
public final class StorageWatch implements AutoCloseable {
    /** The kubelet's {@code evictionMonitoringPeriod}. */
    public static final Duration PERIOD = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger(StorageWatch.class);

    private final Supplier<? extends Collection<LimitedPod>> pods;
    private final WritableLayers layers;
    private final Evictor evictor;
    private final FileCalls files;
    private final Executor pool;

    /** All below are guarded by this. */
    private final Set<String> unreadable = new HashSet<>();

    private boolean closed;
    private @Nullable ScheduledFuture<?> timer;

    /** The runtime, which keeps what containers write into their root file systems. */
    public interface WritableLayers {
        /** Bytes; empty if it does not tell. */
        CompletableFuture<OptionalLong> bytes(String containerId);
    }

    /** Ends a pod; one that is ending already is left alone. */
    public interface Evictor {
        void evict(String podUid, String message);
    }

    /**
     * Makes a watch; {@link #start} has it look by itself.
     *
     * @param pods that may be ended; must not block
     * @param pool for reading directories
     */
    public StorageWatch(
            Supplier<? extends Collection<LimitedPod>> pods,
            WritableLayers layers,
            Evictor evictor,
            FileCalls files,
            Executor pool) {
        this.pods = pods;
        this.layers = layers;
        this.evictor = evictor;
        this.files = files;
        this.pool = pool;
    }

    /**
     * Looks again and again until it is closed.
     *
     * @param timers its tasks only hand over to the pool
     */
    public StorageWatch start(ScheduledExecutorService timers) {
        lookLater(timers);
        return this;
    }

    private synchronized void lookLater(ScheduledExecutorService timers) {
        if (!closed) {
            timer = timers.schedule(() -> lookNow(timers), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void lookNow(ScheduledExecutorService timers) {
        var unused = CompletableFuture.completedFuture(this)
                .thenComposeAsync(StorageWatch::look, pool)
                .whenComplete((done, failure) -> {
                    if (failure != null) {
                        LOG.atWarn().setCause(failure).log("Could not look at what pods take of the disk, going on");
                    }
                    lookLater(timers);
                });
    }

    /** Looks at all pods once; done when those that take too much have been told to end. */
    public CompletableFuture<Void> look() {
        Collection<LimitedPod> limited = pods.get();
        Set<String> present = new HashSet<>();
        limited.forEach(pod -> {
            pod.containers().forEach(container -> present.add(container.id()));
            directories(pod).forEach(directory -> present.add(directory.toString()));
        });
        synchronized (this) {
            unreadable.retainAll(present);
        }
        return CompletableFuture.allOf(limited.stream().map(this::look).toArray(CompletableFuture<?>[]::new));
    }

    private CompletableFuture<Void> look(LimitedPod pod) {
        List<CompletableFuture<Map.Entry<String, Long>>> measured =
                pod.containers().stream().map(this::measure).toList();
        return CompletableFuture.allOf(measured.toArray(CompletableFuture<?>[]::new))
                .thenRunAsync(
                        () -> {
                            Map<String, Long> containers = new LinkedHashMap<>();
                            measured.stream()
                                    .map(CompletableFuture::join)
                                    .forEach(one -> containers.merge(one.getKey(), one.getValue(), Long::sum));
                            long volumes = pod.emptyDirs().stream()
                                    .mapToLong(this::measure)
                                    .sum();
                            StorageLimits.exceeded(pod.spec(), new Usage(containers, volumes))
                                    .ifPresent(message -> evictor.evict(pod.uid(), message));
                        },
                        pool);
    }

    /** A container's name, and the bytes of its writable layer and its logs. */
    private CompletableFuture<Map.Entry<String, Long>> measure(LimitedPod.Running container) {
        return written(container.id())
                .thenApplyAsync(
                        bytes -> Map.entry(
                                container.name(),
                                bytes
                                        + logs(container).stream()
                                                .mapToLong(this::measure)
                                                .sum()),
                        pool);
    }

    private CompletableFuture<Long> written(String containerId) {
        return layers.bytes(containerId).handle((bytes, failure) -> {
            if (failure != null) {
                failed(containerId, String.valueOf(failure.getMessage()));
                return 0L;
            }
            worked(containerId);
            return bytes.orElse(0);
        });
    }

    private static List<Path> directories(LimitedPod pod) {
        List<Path> all = new ArrayList<>(pod.emptyDirs());
        pod.containers().forEach(container -> all.addAll(logs(container)));
        return all;
    }

    /** The directory of a container's log and of those before it; none if the runtime does not tell. */
    private static List<Path> logs(LimitedPod.Running container) {
        Path directory = container.logPath().startsWith("/")
                ? Path.of(container.logPath()).getParent()
                : null;
        return directory == null ? List.of() : List.of(directory);
    }

    private long measure(Path directory) {
        try {
            long bytes = DiskUsage.of(files, directory, DiskUsage.MAX_ENTRIES);
            worked(directory.toString());
            return bytes;
        } catch (ErrnoException e) {
            failed(directory.toString(), String.valueOf(e.getMessage()));
            return 0;
        }
    }

    private synchronized void failed(String what, String why) {
        if (unreadable.add(what) && !closed) {
            LOG.atDebug()
                    .addKeyValue("object", what)
                    .addKeyValue("err", why)
                    .log("Could not measure what a pod takes of the disk, leaving this out");
        }
    }

    private synchronized void worked(String what) {
        unreadable.remove(what);
    }

    /** Ends; a look that has begun is finished. */
    @Override
    public synchronized void close() {
        closed = true;
        if (timer != null) {
            timer.cancel(false);
        }
    }
}
