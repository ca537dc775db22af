package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Map;

/**
 * Whose volumes are to be mounted, and what the mounts depend on.
 *
 * @param environment of the container, for {@code subPathExpr}
 * @param images references of the pulled images, by volume
 * @param recursiveReadOnly whether the runtime can make all mounts below one read-only
 */
public record MountRequest(
        Pod pod,
        Container container,
        Map<String, String> environment,
        Map<String, String> images,
        boolean recursiveReadOnly) {
    public MountRequest {
        images = Map.copyOf(images);
    }
}
