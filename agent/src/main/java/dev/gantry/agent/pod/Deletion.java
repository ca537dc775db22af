package dev.gantry.agent.pod;

import java.time.Duration;
import java.time.Instant;

/**
 * A pod's way out. There is one deadline, and it only comes nearer.
 *
 * @param requestedAt when it was first asked for
 * @param gracePeriodSeconds the shortest asked for so far; 0 kills at once
 * @param deadline when what still runs is killed
 */
public record Deletion(Instant requestedAt, long gracePeriodSeconds, Instant deadline) {
    public Deletion {
        if (gracePeriodSeconds < 0) {
            throw new IllegalArgumentException("grace period below 0: " + gracePeriodSeconds);
        }
    }

    static Deletion requested(Instant now, long gracePeriodSeconds) {
        return new Deletion(now, gracePeriodSeconds, now.plusSeconds(gracePeriodSeconds));
    }

    /** After one more request; a later deadline than the present one changes nothing. */
    Deletion requestedAgain(Instant now, long seconds) {
        Instant asked = now.plusSeconds(seconds);
        return asked.isBefore(deadline) ? new Deletion(requestedAt, seconds, asked) : this;
    }

    /** What is left of the grace, in whole seconds rounded up; never more than was granted, however the clock is set. */
    long remainingSeconds(Instant now) {
        Duration left = Duration.between(now, deadline);
        if (left.isNegative() || left.isZero()) {
            return 0;
        }
        return Math.min(gracePeriodSeconds, left.plusMillis(999).toSeconds());
    }
}
