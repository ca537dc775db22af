package dev.gantry.agent.pod;

import java.time.Duration;
import java.time.Instant;

/**
 * Something that failed and is tried again.
 *
 * @param reason of the waiting state, in Kubernetes' words
 * @param message what was asked of whom and what came back
 * @param delay between the failure and the next attempt
 * @param nextAttempt not before this
 */
public record Retry(String reason, String message, Duration delay, Instant nextAttempt) {
    /** The next failure of the same thing waits twice as long. */
    static Retry after(java.util.Optional<Retry> before, Range range, String reason, String message, Instant now) {
        Duration delay = before.map(last -> last.delay().multipliedBy(2)).orElse(range.initial());
        if (delay.compareTo(range.max()) > 0) {
            delay = range.max();
        }
        return new Retry(reason, message, delay, now.plus(delay));
    }

    /** The same, tried again no later than {@code at}. */
    Retry dueAt(Instant at) {
        return at.isBefore(nextAttempt) ? new Retry(reason, message, delay, at) : this;
    }

    boolean isDue(Instant now) {
        return !now.isBefore(nextAttempt);
    }

    /** The first and the longest wait. */
    record Range(Duration initial, Duration max) {
        /** Image pulls, as the kubelet. */
        static final Range IMAGE = new Range(Duration.ofSeconds(10), Duration.ofSeconds(300));

        /** Sandboxes and containers that cannot be made: often over in a moment (an address, a disk), so begin soon. */
        static final Range CREATION = new Range(Duration.ofSeconds(1), Duration.ofSeconds(60));
    }
}
