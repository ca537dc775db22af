package dev.gantry.agent.pod;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * A queue over a shared pool.
 *
 * <ul>
 *   <li>Tasks run one at a time, in the order given; each sees what the ones before it wrote.
 *   <li>What is still queued when the pool is shut down is dropped.
 *   <li>Owns no thread; holds one of the pool only while there is something to run, and lets others in between tasks.
 * </ul>
 */
public final class SerialExecutor implements Executor {
    private final Executor pool;
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private boolean running;

    /** Runs tasks on {@code pool}. */
    public SerialExecutor(Executor pool) {
        this.pool = pool;
    }

    @Override
    public void execute(Runnable task) {
        synchronized (tasks) {
            tasks.add(task);
            if (running) {
                return;
            }
            running = true;
        }
        next();
    }

    private void next() {
        try {
            pool.execute(this::runNext);
        } catch (RejectedExecutionException e) {
            // The pool is shut down: nobody runs anything any more.
            synchronized (tasks) {
                tasks.clear();
                running = false;
            }
        }
    }

    private void runNext() {
        Runnable task;
        synchronized (tasks) {
            task = tasks.remove();
        }
        try {
            task.run();
        } finally {
            boolean more;
            synchronized (tasks) {
                more = !tasks.isEmpty();
                running = more;
            }
            if (more) {
                next();
            }
        }
    }
}
