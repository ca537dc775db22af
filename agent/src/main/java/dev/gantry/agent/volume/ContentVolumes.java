package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * configMap, secret, downwardAPI and projected volumes: directories whose files the agent writes and the containers read.
 * What may be secret never touches a disk.
 */
final class ContentVolumes {
    /** What a group may do with files that nobody but the agent writes. */
    private static final int GROUP_READS = 0440;

    private static final int DIRECTORY_MODE = 0777;
    private static final int SET_GROUP_ID = 02000;

    private final HostMounts mounts;
    private final PodObjects objects;
    private final Map<String, Quantity> allocatable;
    private final InstantSource clock;

    ContentVolumes(HostMounts mounts, PodObjects objects, Map<String, Quantity> allocatable, InstantSource clock) {
        this.mounts = mounts;
        this.objects = objects;
        this.allocatable = allocatable;
        this.clock = clock;
    }

    /** Whether a volume is of one of these kinds. */
    static boolean isContent(Volume volume) {
        return volume.getConfigMap() != null
                || volume.getSecret() != null
                || volume.getDownwardAPI() != null
                || volume.getProjected() != null;
    }

    private static boolean isInMemory(Volume volume) {
        return volume.getConfigMap() == null;
    }

    /**
     * Makes the directory show what the volume's sources say now, in one step for its readers.
     *
     * @param group the pod's fsGroup, which then may read all files
     */
    void write(Path directory, Pod pod, Volume volume, OptionalInt group) throws IOException, VolumeException {
        List<FilePayload> files =
                new VolumeContents(pod, objects.of(pod), allocatable).of(volume).orElseThrow();
        if (group.isPresent()) {
            files = files.stream()
                    .map(file -> new FilePayload(file.path(), file.data(), file.mode() | GROUP_READS, file.user()))
                    .toList();
        }
        Files.createDirectories(directory);
        if (isInMemory(volume) && !mounts.isMountPoint(directory)) {
            mounts.tmpfs(directory, OptionalLong.empty());
        }
        if (group.isPresent()) {
            Files.setAttribute(directory, "unix:gid", group.getAsInt());
        }
        Files.setAttribute(directory, "unix:mode", group.isPresent() ? SET_GROUP_ID | DIRECTORY_MODE : DIRECTORY_MODE);
        new AtomicFiles(directory, group).write(revision(directory), files);
    }

    /** Named by its time, as the kubelet's, and unlike any that is there. */
    private String revision(Path directory) {
        Instant now = clock.instant();
        LocalDateTime time = LocalDateTime.ofEpochSecond(now.getEpochSecond(), 0, ZoneOffset.UTC);
        String prefix = "%04d_%02d_%02d_%02d_%02d_%02d."
                .formatted(
                        time.getYear(),
                        time.getMonthValue(),
                        time.getDayOfMonth(),
                        time.getHour(),
                        time.getMinute(),
                        time.getSecond());
        long number = now.getNano();
        while (Files.exists(directory.resolve(".." + prefix + number))) {
            number++;
        }
        return prefix + number;
    }
}
