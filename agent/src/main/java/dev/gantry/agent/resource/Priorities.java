package dev.gantry.agent.resource;

import io.fabric8.kubernetes.api.model.Pod;

/** How important pods are, by their priority and its class. */
public final class Priorities {
    /** The lowest priority that only the system's own classes have ({@code SystemCriticalPriority}). */
    private static final int CRITICAL = 2_000_000_000;

    private static final String NODE_CRITICAL = "system-node-critical";
    private static final String CLUSTER_CRITICAL = "system-cluster-critical";

    private Priorities() {}

    /** Of a system class: never gives way to others. */
    public static boolean isCritical(Pod pod) {
        String name = pod.getSpec().getPriorityClassName();
        return NODE_CRITICAL.equals(name) || CLUSTER_CRITICAL.equals(name) || of(pod) >= CRITICAL;
    }

    /** Of the class without which the node itself does not work. */
    static boolean isNodeCritical(Pod pod) {
        return NODE_CRITICAL.equals(pod.getSpec().getPriorityClassName());
    }

    /** Its number; 0 if it has none. */
    static int of(Pod pod) {
        Integer priority = pod.getSpec().getPriority();
        return priority == null ? 0 : priority;
    }
}
