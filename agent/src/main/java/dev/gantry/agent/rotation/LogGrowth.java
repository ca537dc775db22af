package dev.gantry.agent.rotation;

import java.time.Duration;

/** When to look at a log again: rarely, unless it is about to become too large. Pure. */
final class LogGrowth {
    /** Not more often: names of rotated logs count seconds. */
    static final Duration SHORTEST = Duration.ofSeconds(1);

    private LogGrowth() {}

    /**
     * The wait until the next look.
     *
     * @param before size in bytes at the last look; 0 or less than now
     * @param since the last look
     */
    static Duration untilNextLook(RotationPolicy policy, long before, long now, Duration since) {
        long grown = now - before;
        if (grown <= 0 || since.isZero() || since.isNegative()) {
            return policy.monitorInterval();
        }
        double bytesPerMilli = (double) grown / Math.max(1, since.toMillis());
        double millis = Math.max(0, policy.maxSizeBytes() - now) / bytesPerMilli;
        if (millis >= policy.monitorInterval().toMillis()) {
            return policy.monitorInterval();
        }
        return millis <= SHORTEST.toMillis() ? SHORTEST : Duration.ofMillis((long) millis);
    }
}
