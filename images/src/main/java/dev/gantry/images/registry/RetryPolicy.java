package dev.gantry.images.registry;

import java.time.Duration;
import java.util.Optional;

/**
 * When to ask a registry again.
 *
 * @param attempts of one request, the first included; of one download: in a row without a byte of progress
 * @param firstDelay before the second attempt; doubled for each further one
 * @param longestDelay the most that one wait lasts, whatever {@code Retry-After} says
 */
public record RetryPolicy(int attempts, Duration firstDelay, Duration longestDelay) {
    public static final RetryPolicy DEFAULTS = new RetryPolicy(4, Duration.ofMillis(500), Duration.ofSeconds(30));

    /** One attempt, for a host after which another one can be asked. */
    RetryPolicy once() {
        return new RetryPolicy(1, firstDelay, longestDelay);
    }

    /**
     * How long to wait after the nth failure; empty if that was the last attempt, or the host asks for more patience than
     * a pull has.
     *
     * @param failures so far, from 1
     * @param retryAfter what the host asks for
     */
    public Optional<Duration> delay(int failures, Optional<Duration> retryAfter) {
        if (failures >= attempts) {
            return Optional.empty();
        }
        if (retryAfter.isPresent()) {
            return retryAfter.filter(d -> d.compareTo(longestDelay) <= 0);
        }
        Duration delay = firstDelay.multipliedBy(1L << Math.min(failures - 1, 20));
        return Optional.of(delay.compareTo(longestDelay) > 0 ? longestDelay : delay);
    }
}
