package dev.gantry.agent.pod;

import dev.gantry.agent.cri.Labels;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.Mount;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.VolumeMountStatus;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * How volumes are mounted in a container that was made: whether read-only reaches the mounts below, which {@code IfPossible}
 * leaves open, is written on the container. Pure.
 *
 * @see <a href="https://github.com/kubernetes/enhancements/issues/3857">KEP-3857</a>
 */
final class MountStatuses {
    private static final String SEPARATOR = "\n";

    private MountStatuses() {}

    /** Writes on a container what its status shall tell. */
    static void record(List<Mount> mounts, ContainerConfig.Builder config) {
        String recursive = mounts.stream()
                .filter(Mount::getRecursiveReadOnly)
                .map(Mount::getContainerPath)
                .collect(Collectors.joining(SEPARATOR));
        if (!recursive.isEmpty()) {
            config.putAnnotations(Labels.RECURSIVE_READ_ONLY, recursive);
        }
    }

    /** Of each volume mount; {@code annotations} are the container's. */
    static List<VolumeMountStatus> of(Container container, Map<String, String> annotations) {
        Set<String> recursive =
                Set.of(annotations.getOrDefault(Labels.RECURSIVE_READ_ONLY, "").split(SEPARATOR));
        return container.getVolumeMounts() == null
                ? List.of()
                : container.getVolumeMounts().stream()
                        .map(mount -> {
                            VolumeMountStatus status = new VolumeMountStatus();
                            status.setName(mount.getName());
                            status.setMountPath(mount.getMountPath());
                            if (Boolean.TRUE.equals(mount.getReadOnly())) {
                                status.setReadOnly(true);
                                status.setRecursiveReadOnly(
                                        recursive.contains(mount.getMountPath()) ? "Enabled" : "Disabled");
                            }
                            return status;
                        })
                        .toList();
    }
}
