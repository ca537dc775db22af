package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Volume;
import java.nio.file.Path;

/**
 * Where volumes lie on the host: as with the kubelet.
 *
 * @param pods one directory per pod uid
 */
record VolumeDirectories(Path pods) {
    private static final String EMPTY_DIRS = "kubernetes.io~empty-dir";

    Path ofPod(String uid) {
        return pods.resolve(uid);
    }

    /** A volume's own directory; used by those kinds whose files the agent keeps. */
    Path of(Pod pod, Volume volume) {
        return ofPod(pod.getMetadata().getUid())
                .resolve("volumes")
                .resolve(plugin(volume))
                .resolve(volume.getName());
    }

    /** The emptyDir volumes of a pod, by name. */
    Path emptyDirs(Pod pod) {
        return ofPod(pod.getMetadata().getUid()).resolve("volumes").resolve(EMPTY_DIRS);
    }

    /**
     * Where a path inside a volume is mounted for a container.
     *
     * @param index of the mount in the container
     */
    Path subPath(Pod pod, String volume, String container, int index) {
        return ofPod(pod.getMetadata().getUid())
                .resolve("volume-subpaths")
                .resolve(volume)
                .resolve(container)
                .resolve(Integer.toString(index));
    }

    /** The name of the directory in which the kubelet keeps volumes of this kind. */
    static String plugin(Volume volume) {
        if (volume.getEmptyDir() != null) {
            return EMPTY_DIRS;
        }
        if (volume.getConfigMap() != null) {
            return "kubernetes.io~configmap";
        }
        if (volume.getSecret() != null) {
            return "kubernetes.io~secret";
        }
        if (volume.getDownwardAPI() != null) {
            return "kubernetes.io~downward-api";
        }
        if (volume.getPersistentVolumeClaim() != null) {
            return "kubernetes.io~local-volume";
        }
        return volume.getProjected() != null ? "kubernetes.io~projected" : "kubernetes.io~host-path";
    }
}
