package dev.gantry.agent.pod;

/**
 * Why this node does not run a pod; the pod has failed with it.
 *
 * @param reason one word, as the kubelet has it: {@code SysctlForbidden}
 * @param message for people
 */
public record Rejection(String reason, String message) {}
