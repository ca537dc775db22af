package dev.gantry.agent.volume;

import dev.gantry.cri.v1.Mount;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What a container would mount, told without making anything. Pure. */
public final class VolumePlan {
    private VolumePlan() {}

    /**
     * The mounts in the container's order. Which volume a claim has is not looked up: a place of its own stands for it.
     *
     * @param pods one directory per pod uid
     * @param environment for {@code subPathExpr}
     * @throws VolumeException if the container asks for something impossible
     */
    public static List<Mount> mounts(Path pods, Pod pod, Container container, Map<String, String> environment)
            throws VolumeException {
        VolumeDirectories directories = new VolumeDirectories(pods);
        List<VolumeMount> wanted = container.getVolumeMounts() == null ? List.of() : container.getVolumeMounts();
        List<Mount> mounts = new ArrayList<>();
        for (int i = 0; i < wanted.size(); i++) {
            VolumeMount mount = wanted.get(i);
            Volume volume = pod.getSpec().getVolumes().stream()
                    .filter(one -> one.getName().equals(mount.getName()))
                    .findFirst()
                    .orElseThrow(() -> new VolumeException(
                            "volume \"%s\" is not among the pod's volumes".formatted(mount.getName())));
            MountSource source = source(directories, pod, volume);
            String subPath = VolumeMounts.subPath(mount, environment);
            if (!subPath.isEmpty() && !source.isImage()) {
                source = source.at(directories
                        .subPath(pod, mount.getName(), container.getName(), i)
                        .toString());
            }
            mounts.add(VolumeMounts.of(mount, source, subPath, true));
        }
        return mounts;
    }

    private static MountSource source(VolumeDirectories directories, Pod pod, Volume volume) {
        if (volume.getImage() != null) {
            String name = volume.getImage().getReference();
            return MountSource.image(name, name);
        }
        if (volume.getHostPath() != null) {
            return MountSource.ofHost(volume.getHostPath().getPath());
        }
        MountSource source = MountSource.ofPods(directories.of(pod, volume).toString());
        return ContentVolumes.isContent(volume) ? source.asReadOnly() : source;
    }
}
