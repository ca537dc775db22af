package dev.gantry.agent.pod;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;

/**
 * A queue over a shared pool.
 *
 * <ul>
 *   <li>Tasks run one at a time, in the order given; each sees what the ones before it wrote.
 *   <li>Owns no thread; holds one of the pool only while there is something to run, and lets others in between tasks.
 * </ul>
 */
final class SerialExecutor implements Executor {
    private final Executor pool;
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private boolean running;

    SerialExecutor(Executor pool) {
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
        pool.execute(this::runNext);
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
                pool.execute(this::runNext);
            }
        }
    }
}
