package dev.gantry.images;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/** One waiter's view of a pull. Several waiters may share one pull of the same image. */
public interface PullHandle {
    ImageReference reference();

    /**
     * Completes with the image, or exceptionally with an {@link ImageException}. Completing it from outside ends the
     * wait, not the pull: use {@link #cancel}.
     */
    CompletableFuture<Image> result();

    /** The latest known progress. */
    PullProgress progress();

    /**
     * Calls the listener with the progress so far and then on each change, at most some ten times a second, from the
     * thread that made the progress. The listener must not block. It is forgotten when the pull ends.
     */
    void onProgress(Consumer<PullProgress> listener);

    /** This waiter goes; its result fails with {@code CANCELLED}. When no waiter is left, the transfer stops. */
    void cancel();

    /** Waits for the result and unwraps the exception. */
    Image await() throws ImageException, InterruptedException;
}
