package dev.gantry.agent.rotation;

import java.time.Duration;

/**
 * When logs are rotated and how much is kept; {@code KubeletConfiguration}'s fields {@code containerLog…}.
 *
 * @param maxSizeBytes above which a log is rotated; 0 for never
 * @param maxFiles of one run of a container that are kept, the current one counted; 2 or more
 * @param maxWorkers logs that are rotated at the same time, 1 or more
 * @param monitorInterval between two looks at all logs; one that grows quickly is looked at earlier
 */
public record RotationPolicy(long maxSizeBytes, int maxFiles, int maxWorkers, Duration monitorInterval) {
    /** The kubelet's defaults. */
    public static final RotationPolicy DEFAULT = new RotationPolicy(10L << 20, 5, 1, Duration.ofSeconds(10));

    public RotationPolicy {
        if (maxFiles < 2) {
            throw new IllegalArgumentException("containerLogMaxFiles is not 2 or more: " + maxFiles);
        }
        if (maxWorkers < 1) {
            throw new IllegalArgumentException("containerLogMaxWorkers is not 1 or more: " + maxWorkers);
        }
    }
}
