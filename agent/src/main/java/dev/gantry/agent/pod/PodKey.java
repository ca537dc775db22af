package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.Pod;

/** Names a pod on this node; written {@code namespace/name}. */
public record PodKey(String namespace, String name) implements Comparable<PodKey> {
    /** The key of a pod whose namespace is set. */
    public static PodKey of(Pod pod) {
        return new PodKey(pod.getMetadata().getNamespace(), pod.getMetadata().getName());
    }

    @Override
    public int compareTo(PodKey other) {
        int byNamespace = namespace.compareTo(other.namespace);
        return byNamespace != 0 ? byNamespace : name.compareTo(other.name);
    }

    @Override
    public String toString() {
        return namespace + "/" + name;
    }
}
