package dev.gantry.agent.volume;

import dev.gantry.agent.event.EventSink;
import dev.gantry.agent.event.PodReference;
import dev.gantry.linux.FileCalls;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;

/** Makes one volume, of whatever kind; doing it again changes nothing but what its sources changed. May block. */
final class VolumeSetUp {
    private final EmptyDirs emptyDirs;
    private final ContentVolumes contents;
    private final EventSink events;

    VolumeSetUp(
            HostMounts mounts,
            FileCalls files,
            ConfigObjects objects,
            Map<String, Quantity> allocatable,
            EventSink events,
            InstantSource clock) {
        this.emptyDirs = new EmptyDirs(mounts, new DiskImages(mounts), allocatable);
        this.contents = new ContentVolumes(mounts, objects, allocatable, clock);
        this.events = events;
    }

    /** The name of the directory in which the kubelet keeps volumes of this kind. */
    static String plugin(Volume volume) {
        if (volume.getEmptyDir() != null) {
            return "kubernetes.io~empty-dir";
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
        return volume.getProjected() != null ? "kubernetes.io~projected" : "kubernetes.io~host-path";
    }

    /**
     * Makes it.
     *
     * @param directory of this volume alone; used by those kinds whose files the agent keeps
     * @param abandoned asked from time to time; true ends the work
     */
    MountSource setUp(Path directory, Pod pod, Volume volume, BooleanSupplier abandoned)
            throws IOException, VolumeException {
        if (volume.getEmptyDir() != null) {
            PodReference reference = reference(pod);
            emptyDirs.make(
                    directory,
                    pod.getSpec(),
                    volume.getEmptyDir(),
                    fsGroup(pod),
                    reason -> events.record(
                            reference,
                            Optional.empty(),
                            true,
                            "SizeLimitNotEnforced",
                            "The sizeLimit of volume \"%s\" cannot be enforced: %s"
                                    .formatted(volume.getName(), reason)));
            return MountSource.host(directory.toString());
        }
        if (ContentVolumes.isContent(volume)) {
            contents.write(directory, pod, volume, fsGroup(pod));
            return MountSource.hostReadOnly(directory.toString());
        }
        if (volume.getHostPath() != null) {
            HostPaths.check(
                    Path.of(volume.getHostPath().getPath()),
                    volume.getHostPath().getType());
            return MountSource.host(volume.getHostPath().getPath());
        }
        throw new VolumeException("its source is not supported");
    }

    private static OptionalInt fsGroup(Pod pod) {
        PodSecurityContext context = pod.getSpec().getSecurityContext();
        return context == null || context.getFsGroup() == null
                ? OptionalInt.empty()
                : OptionalInt.of(context.getFsGroup().intValue());
    }

    private static PodReference reference(Pod pod) {
        return new PodReference(
                pod.getMetadata().getNamespace(),
                pod.getMetadata().getName(),
                pod.getMetadata().getUid());
    }
}
