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

    /** What is granted to whoever asks for {@code seconds}: at most 68 years, as no date and no timer knows all that the API takes. */
    static long granted(long seconds) {
        return Math.min(Integer.MAX_VALUE, seconds);
    }

    static Deletion requested(Instant now, long gracePeriodSeconds) {
        long granted = granted(gracePeriodSeconds);
        return new Deletion(now, granted, now.plusSeconds(granted));
    }

    /** After one more request; a later deadline than the present one changes nothing. */
    Deletion requestedAgain(Instant now, long seconds) {
        Instant asked = now.plusSeconds(granted(seconds));
        return asked.isBefore(deadline) ? new Deletion(requestedAt, granted(seconds), asked) : this;
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
