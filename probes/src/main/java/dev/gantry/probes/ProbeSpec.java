package dev.gantry.probes;

import java.time.Duration;

/**
 * When and how often to try, and how many results decide; the fields of {@code core/v1 Probe} after defaulting.
 *
 * @param action what one attempt does
 * @param initialDelay time from the start of the container to the first attempt, at least 0
 * @param period time from the beginning of one attempt to the beginning of the next, at least 1 ms
 * @param timeout time that one attempt may take, at least 1 ms
 * @param successThreshold results in a row that make a container healthy, at least 1
 * @param failureThreshold results in a row that make it unhealthy, at least 1
 */
public record ProbeSpec(
        ProbeAction action,
        Duration initialDelay,
        Duration period,
        Duration timeout,
        int successThreshold,
        int failureThreshold) {
    private static final Duration SHORTEST = Duration.ofMillis(1);

    public ProbeSpec {
        if (initialDelay.isNegative()) {
            throw new IllegalArgumentException("the initial delay is negative: " + initialDelay);
        }
        if (period.compareTo(SHORTEST) < 0 || timeout.compareTo(SHORTEST) < 0) {
            throw new IllegalArgumentException("period %s or timeout %s is below 1 ms".formatted(period, timeout));
        }
        if (successThreshold < 1 || failureThreshold < 1) {
            throw new IllegalArgumentException(
                    "thresholds are below 1: success %d, failure %d".formatted(successThreshold, failureThreshold));
        }
    }

    /** The API's defaults around {@code action}: at once, every 10 s, 1 s each, 1 success, 3 failures. */
    public static ProbeSpec withDefaults(ProbeAction action) {
        return new ProbeSpec(action, Duration.ZERO, Duration.ofSeconds(10), Duration.ofSeconds(1), 1, 3);
    }
}
