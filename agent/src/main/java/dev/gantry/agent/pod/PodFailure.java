package dev.gantry.agent.pod;

import java.util.Optional;

/**
 * Why a pod was ended as failed, other than by its containers.
 *
 * @param reason of the pod's status, as {@code DeadlineExceeded}
 * @param message of the pod's status
 * @param disruption message of the {@code DisruptionTarget} condition, if somebody needed the pod's place
 */
record PodFailure(String reason, String message, Optional<String> disruption) {
    /** As the kubelet words it. */
    static final PodFailure DEADLINE_EXCEEDED = new PodFailure(
            "DeadlineExceeded", "Pod was active on the node longer than the specified deadline", Optional.empty());

    /** As the kubelet words it. */
    static final PodFailure PREEMPTED = new PodFailure(
            "Preempting",
            "Preempted in order to admit critical pod",
            Optional.of("Pod was preempted by Kubelet to accommodate a critical pod."));
}
