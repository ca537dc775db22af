package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import java.time.Duration;
import java.time.Instant;

/**
 * How long a container that keeps ending waits for its next run. The first run after an exit begins at once, the next
 * ones 10, 20, 40 … seconds after the previous finish, until a run lasted long enough to be forgiven.
 *
 * @param initial wait before the second restart
 * @param max longest wait
 * @param forgivenAfter a run that lasts longer starts over
 * @param cleanExitsCount whether an exit with 0 makes the next wait longer, as in the kubelet; if not, it starts over
 */
public record CrashLoop(Duration initial, Duration max, Duration forgivenAfter, boolean cleanExitsCount) {
    /** As the kubelet: 10 s, doubled up to 5 minutes, forgiven after 10 minutes. */
    public static final CrashLoop KUBELET =
            new CrashLoop(Duration.ofSeconds(10), Duration.ofSeconds(300), Duration.ofSeconds(600), true);

    public CrashLoop {
        if (initial.isNegative() || max.compareTo(initial) < 0) {
            throw new IllegalArgumentException("back-off from " + initial + " to " + max);
        }
    }

    /**
     * The kubelet's with other waits.
     *
     * @param initial not used if it is longer than {@code max}
     */
    public static CrashLoop of(Duration initial, Duration max, boolean cleanExitsCount) {
        return new CrashLoop(initial.compareTo(max) > 0 ? max : initial, max, KUBELET.forgivenAfter(), cleanExitsCount);
    }

    /** When a run that ended may be followed by the next. */
    public Instant nextStart(ObservedContainer ended) {
        return ended.run() instanceof ContainerRun.Exited exited && !isForgiven(ended, exited)
                ? exited.finishedAt().plus(recorded(ended))
                : Instant.MIN;
    }

    /** What to record on the run that follows {@code ended}. */
    public Duration following(ObservedContainer ended) {
        Duration before = recorded(ended);
        if (before.isZero() || (ended.run() instanceof ContainerRun.Exited exited && startsOver(ended, exited))) {
            return initial;
        }
        Duration doubled = before.multipliedBy(2);
        return doubled.compareTo(max) > 0 ? max : doubled;
    }

    private boolean startsOver(ObservedContainer ended, ContainerRun.Exited exited) {
        return isForgiven(ended, exited) || (!cleanExitsCount && exited.exitCode() == 0);
    }

    private boolean isForgiven(ObservedContainer ended, ContainerRun.Exited exited) {
        return Duration.between(ended.createdAt(), exited.finishedAt()).compareTo(forgivenAfter) > 0;
    }

    private Duration recorded(ObservedContainer container) {
        String millis = container.annotations().get(Labels.RESTART_BACKOFF_MILLIS);
        if (millis == null) {
            return Duration.ZERO;
        }
        try {
            Duration recorded = Duration.ofMillis(Math.max(0, Long.parseLong(millis)));
            return recorded.compareTo(max) > 0 ? max : recorded;
        } catch (NumberFormatException e) {
            // Written by someone else: as if there were none.
            return Duration.ZERO;
        }
    }
}
