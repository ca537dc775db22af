package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.NodeSelector;
import io.fabric8.kubernetes.api.model.PersistentVolume;
import io.fabric8.kubernetes.api.model.PersistentVolumeClaim;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Predicate;

/** PersistentVolumeClaims of pods: finds the claim's volume, binds it, and says where it is on the host. */
final class ClaimedVolumes {
    private final ConfigObjects objects;
    private final ClaimBindings bindings;
    private final Predicate<NodeSelector> node;

    ClaimedVolumes(ConfigObjects objects, ClaimBindings bindings, Predicate<NodeSelector> node) {
        this.objects = objects;
        this.bindings = bindings;
        this.node = node;
    }

    /**
     * A volume that a claim has.
     *
     * @param managed whether the pod's fsGroup may own it: a local volume is the pods', a hostPath the host's
     */
    record Claimed(Path path, boolean managed) {}

    /** Looks up a claim of a namespace; binds it at its first use. May block as long as the volume's file system does. */
    Claimed find(String namespace, String name) throws IOException, VolumeException {
        PersistentVolumeClaim claim = objects.persistentVolumeClaims().stream()
                .filter(one -> one.getMetadata().getNamespace().equals(namespace)
                        && one.getMetadata().getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new VolumeException("persistentvolumeclaim \"%s\" not found in namespace \"%s\"; %s"
                        .formatted(name, namespace, objects.remedy())));
        PersistentVolume volume = bind(claim);
        if (volume.getSpec().getHostPath() != null) {
            Path path = Path.of(volume.getSpec().getHostPath().getPath());
            HostPaths.check(path, volume.getSpec().getHostPath().getType());
            return new Claimed(path, false);
        }
        return new Claimed(local(volume), true);
    }

    /** One at a time: two claims must not get one volume. */
    private synchronized PersistentVolume bind(PersistentVolumeClaim claim) throws IOException, VolumeException {
        Map<String, String> bound = bindings.all();
        PersistentVolume volume =
                new Claims(objects.persistentVolumes(), objects.persistentVolumeClaims(), bound, node).volume(claim);
        if (!bound.containsKey(Claims.key(claim))) {
            bindings.keep(Claims.key(claim), volume.getMetadata().getName());
        }
        return volume;
    }

    private static Path local(PersistentVolume volume) throws VolumeException {
        Path path = Path.of(volume.getSpec().getLocal().getPath());
        if (!Files.exists(path)) {
            throw new VolumeException(
                    "local volume \"%s\": path \"%s\" does not exist; make the directory, or mount the disk there"
                            .formatted(volume.getMetadata().getName(), path));
        }
        if (!Files.isDirectory(path)) {
            throw new VolumeException(
                    "local volume \"%s\": \"%s\" is not a directory; file systems on devices are not mounted here, mount it and name the directory"
                            .formatted(volume.getMetadata().getName(), path));
        }
        return path;
    }
}
