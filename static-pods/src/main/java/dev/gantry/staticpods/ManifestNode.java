package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.function.Function;

/**
 * Whom manifests are for.
 *
 * @param name of the node
 * @param unsupported the fields of a valid pod, its spec present, that this node cannot honour
 */
public record ManifestNode(String name, Function<Pod, List<FieldError>> unsupported) {
    /** One that takes every valid pod. */
    public static ManifestNode of(String name) {
        return new ManifestNode(name, pod -> List.of());
    }
}
