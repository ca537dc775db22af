package dev.gantry.images.store;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The store's threads; none is left after some idle seconds. */
final class StoreThreads implements AutoCloseable {
    private static final int MOST_STAGES = 512;
    private static final long IDLE_SECONDS = 5;
    private static final long CLOSE_SECONDS = 10;

    private final ExecutorService pulls;
    private final ExecutorService stages;
    private final ExecutorService upkeep;

    StoreThreads(int parallelPulls) {
        this.pulls = bounded(parallelPulls, "image-pull-");
        this.upkeep = bounded(1, "image-upkeep-");
        // tasks wait for each other, so none may queue behind another
        this.stages = new ThreadPoolExecutor(
                0, MOST_STAGES, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), named("image-layer-"));
    }

    private static ExecutorService bounded(int threads, String name) {
        ThreadPoolExecutor executor = new ThreadPoolExecutor(
                threads, threads, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), named(name));
        executor.allowCoreThreadTimeOut(true);
        return executor;
    }

    private static ThreadFactory named(String prefix) {
        AtomicInteger number = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, prefix + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    /** One task per image. */
    ExecutorService pulls() {
        return pulls;
    }

    /** Three tasks per layer on its way. */
    ExecutorService stages() {
        return stages;
    }

    /** One task at a time. */
    ExecutorService upkeep() {
        return upkeep;
    }

    /** Interrupts what runs and waits for its end, some seconds at most. */
    @Override
    public void close() {
        pulls.shutdownNow();
        stages.shutdownNow();
        upkeep.shutdown();
        try {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_SECONDS);
            for (ExecutorService executor : new ExecutorService[] {pulls, stages, upkeep}) {
                executor.awaitTermination(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
