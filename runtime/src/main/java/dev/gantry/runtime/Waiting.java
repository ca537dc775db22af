package dev.gantry.runtime;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits with a deadline, always. */
final class Waiting {
    /** For what pause answers from memory. */
    static final Duration ANSWER = Duration.ofSeconds(10);

    private Waiting() {}

    /**
     * Waits on a thread that may block.
     *
     * @param what for the message after the deadline
     */
    static <T> T await(CompletableFuture<T> future, Duration deadline, String what)
            throws IOException, InterruptedException {
        try {
            return future.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw CriErrors.deadline("%s: no answer within %d s", what, deadline.toSeconds());
        } catch (ExecutionException e) {
            Throwable cause = CriErrors.unwrapped(e);
            if (cause instanceof IOException io) {
                throw io;
            }
            if (cause instanceof RuntimeException unchecked) {
                throw unchecked;
            }
            throw new IOException("%s: %s".formatted(what, cause), cause);
        }
    }
}
