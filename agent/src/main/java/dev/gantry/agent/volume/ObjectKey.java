package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.HasMetadata;

/**
 * Which object something is.
 *
 * @param namespace empty for what has none
 */
public record ObjectKey(String kind, String namespace, String name) {
    static ObjectKey of(HasMetadata object) {
        String namespace = object.getMetadata().getNamespace();
        return new ObjectKey(
                object.getKind(),
                namespace == null ? "" : namespace,
                object.getMetadata().getName());
    }
}
