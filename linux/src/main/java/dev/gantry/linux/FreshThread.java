package dev.gantry.linux;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** A thread that ends with its task, since what was done to its namespaces cannot be undone. */
final class FreshThread extends Thread {
    FreshThread(String name, Runnable task) {
        super(null, task, name, 0, false);
        setDaemon(true);
    }

    /** Whether the calling thread may change its namespaces. */
    static boolean isCurrent() {
        return Thread.currentThread() instanceof FreshThread;
    }

    static <T> T run(String name, Namespaces.Action<T> action) throws IOException {
        FutureTask<T> task = new FutureTask<>(action::run);
        new FreshThread(name, task).start();
        try {
            return task.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted = new InterruptedIOException("interrupted while waiting for " + name);
            interrupted.initCause(e);
            throw interrupted;
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            throw rethrown(name, cause == null ? e : cause);
        }
    }

    /** With both threads' stack traces: the action's own as the cause of nothing, the waiting one's as suppressed. */
    private static IOException rethrown(String name, Throwable cause) {
        cause.addSuppressed(new Throwable("called from"));
        if (cause instanceof IOException io) {
            return io;
        }
        if (cause instanceof RuntimeException unchecked) {
            throw unchecked;
        }
        if (cause instanceof Error error) {
            throw error;
        }
        return new IOException("on thread " + name + ": " + cause, cause);
    }
}
