package dev.gantry.linux;

import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Daemon threads for tasks that block. A task goes to an idle thread if there is one, else to a new one, and waits its turn only when
 * {@code most} are busy: unlike those of a pool of fixed size, threads that are not needed are never made.
 */
public final class WorkerPool extends ThreadPoolExecutor {
    private static final int IDLE_SECONDS = 10;

    /**
     * Makes no thread yet.
     *
     * @param name of the threads, before {@code -1}, {@code -2} and so on
     * @param most threads, at least 1
     */
    public WorkerPool(String name, int most) {
        super(0, most, IDLE_SECONDS, TimeUnit.SECONDS, new ToTheIdle(), threads(name), (task, pool) -> {
            if (pool.isShutdown()) {
                throw new RejectedExecutionException(name + " is shut down");
            }
            // All are busy: it waits for the first that is not.
            ((ToTheIdle) pool.getQueue()).put(task);
        });
    }

    private static ThreadFactory threads(String name) {
        AtomicInteger count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    /** Takes what is offered only if a thread waits for it; otherwise the pool is to make one. */
    private static final class ToTheIdle extends LinkedTransferQueue<Runnable> {
        private static final long serialVersionUID = 1;

        @Override
        public boolean offer(Runnable task) {
            return tryTransfer(task);
        }
    }
}
