package dev.gantry.runtime;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/**
 * Runs tasks one after the other on a shared executor; it owns no thread.
 *
 * <ul>
 *   <li>Serial: tasks of one queue never overlap, and each sees what the one before did.
 *   <li>First come, first served.
 *   <li>A task that hangs holds up this queue and one thread of the executor, no other queue.
 * </ul>
 */
final class SerialQueue {
    private final Executor executor;
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private boolean running;

    SerialQueue(Executor executor) {
        this.executor = executor;
    }

    /** The task's result; cancelling it before its turn comes takes the task out, later changes nothing. */
    <T> CompletableFuture<T> submit(Callable<T> task) {
        CompletableFuture<T> result = new CompletableFuture<>();
        enqueue(() -> {
            if (result.isCancelled()) {
                return;
            }
            try {
                result.complete(task.call());
            } catch (Exception | Error e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    private void enqueue(Runnable task) {
        synchronized (waiting) {
            waiting.add(task);
            if (running) {
                return;
            }
            running = true;
        }
        executor.execute(this::drain);
    }

    private void drain() {
        while (true) {
            Runnable next;
            synchronized (waiting) {
                next = waiting.poll();
                if (next == null) {
                    running = false;
                    return;
                }
            }
            next.run();
        }
    }
}
