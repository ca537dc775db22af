package dev.gantry.agent.pod;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * Why a pod was ended as failed, other than by its containers.
 *
 * @param reason of the pod's status, as {@code DeadlineExceeded}
 * @param message of the pod's status
 * @param disruption message of the {@code DisruptionTarget} condition, if somebody needed the pod's place
 * @param graceSeconds in place of the pod's own grace; empty if that holds
 */
record PodFailure(String reason, String message, Optional<String> disruption, OptionalLong graceSeconds) {
    /** Of the kubelet's {@code immediateEvictionGracePeriodSeconds}. */
    private static final long IMMEDIATE = 1;

    /** As the kubelet words it. */
    static final PodFailure DEADLINE_EXCEEDED = new PodFailure(
            "DeadlineExceeded",
            "Pod was active on the node longer than the specified deadline",
            Optional.empty(),
            OptionalLong.empty());

    /** As the kubelet words it. */
    static final PodFailure PREEMPTED = new PodFailure(
            "Preempting",
            "Preempted in order to admit critical pod",
            Optional.of("Pod was preempted by Kubelet to accommodate a critical pod."),
            OptionalLong.empty());

    /** A pod that takes more of the disk than it may: as in the kubelet it ends at once, and nobody needs its place. */
    static PodFailure evicted(String message) {
        return new PodFailure("Evicted", message, Optional.empty(), OptionalLong.of(IMMEDIATE));
    }
}
