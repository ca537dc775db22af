package dev.gantry.agent.pod;

/**
 * The host's ids that stand for 0, 1, … of a pod, for users and groups alike.
 *
 * @param first the host's id of the pod's root
 */
public record IdRange(long first, int length) {}
