package dev.gantry.linux;

import java.io.IOException;

/**
 * Namespaces of the calling thread. A pooled thread would carry a changed namespace into an unrelated task, hence:
 * the calls that change any are refused ({@link IllegalStateException}) outside {@link #onFreshThread} and
 * {@link #newThread}.
 */
public interface Namespaces {
    /** {@code flags}: CLONE_* of {@link Sched}. CLONE_NEWUSER is EINVAL in a process of many threads. */
    void unshare(long flags) throws ErrnoException;

    /**
     * Joins namespaces.
     *
     * @param namespace a namespace file with one CLONE_NEW* or 0, or a pidfd with a set of them. For a mount namespace
     *     the thread must have unshared CLONE_FS before.
     */
    void setns(Fd namespace, long types) throws ErrnoException;

    /**
     * Runs the action on a platform thread of its own that ends afterwards, and waits for it. Inside: read
     * {@code /proc/thread-self}, never {@code /proc/self/net}; start no executor, no future, no thread, no
     * {@link Process} (they would inherit or keep the namespaces); in a foreign mount namespace, load no class.
     *
     * @throws IOException the action's own; {@link java.io.InterruptedIOException} if the caller is interrupted while
     *     it waits, the action then runs on
     */
    default <T> T onFreshThread(String name, Action<T> action) throws IOException {
        return FreshThread.run(name, action);
    }

    /** {@link #onFreshThread} for an action without a result. */
    default void runOnFreshThread(String name, VoidAction action) throws IOException {
        onFreshThread(name, () -> {
            action.run();
            return true;
        });
    }

    /** A thread, not started, that may change its namespaces and lives in them for as long as the task takes. */
    default Thread newThread(String name, Runnable task) {
        return new FreshThread(name, task);
    }

    /** What runs on a fresh thread. */
    @FunctionalInterface
    interface VoidAction {
        void run() throws IOException;
    }

    /** What runs on a fresh thread and gives a result. */
    @FunctionalInterface
    interface Action<T> {
        T run() throws IOException;
    }
}
