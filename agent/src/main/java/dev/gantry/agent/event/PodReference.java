package dev.gantry.agent.event;

import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;

/** The pod that an event is about. */
public record PodReference(String namespace, String name, String uid) {
    public static PodReference of(Pod pod) {
        ObjectMeta metadata = pod.getMetadata();
        return new PodReference(metadata.getNamespace(), metadata.getName(), metadata.getUid());
    }
}
