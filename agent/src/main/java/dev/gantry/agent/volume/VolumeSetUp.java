package dev.gantry.agent.volume;

import dev.gantry.agent.event.EventSink;
import dev.gantry.agent.event.PodReference;
import dev.gantry.linux.FileCalls;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.Volume;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;

/** Makes one volume, of whatever kind; doing it again changes nothing but what its sources changed. May block. */
final class VolumeSetUp {
    private static final int FILES_PER_LOOK = 128;
    private static final Duration REPORT_EVERY = Duration.ofSeconds(30);

    private final EmptyDirs emptyDirs;
    private final ContentVolumes contents;
    private final ClaimedVolumes claims;
    private final FileCalls files;
    private final EventSink events;
    private final InstantSource clock;
    /** What has been given to the fsGroup of its pod, once. */
    private final Set<Owned> owned = ConcurrentHashMap.newKeySet();

    private record Owned(String uid, String volume) {}

    VolumeSetUp(
            EmptyDirs emptyDirs,
            ContentVolumes contents,
            ClaimedVolumes claims,
            FileCalls files,
            EventSink events,
            InstantSource clock) {
        this.emptyDirs = emptyDirs;
        this.contents = contents;
        this.claims = claims;
        this.files = files;
        this.events = events;
        this.clock = clock;
    }

    /** The pod is gone. */
    void forget(String uid) {
        owned.removeIf(one -> one.uid().equals(uid));
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
            PodReference reference = PodReference.of(pod);
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
            return MountSource.ofPods(directory.toString());
        }
        if (ContentVolumes.isContent(volume)) {
            contents.write(directory, pod, volume, fsGroup(pod));
            return MountSource.ofPods(directory.toString()).asReadOnly();
        }
        if (volume.getHostPath() != null) {
            HostPaths.check(
                    Path.of(volume.getHostPath().getPath()),
                    volume.getHostPath().getType());
            return MountSource.ofHost(volume.getHostPath().getPath());
        }
        if (volume.getPersistentVolumeClaim() != null) {
            return claimed(pod, volume, abandoned);
        }
        throw new VolumeException("its source is not supported");
    }

    private MountSource claimed(Pod pod, Volume volume, BooleanSupplier abandoned) throws IOException, VolumeException {
        ClaimedVolumes.Claimed claimed = claims.find(
                pod.getMetadata().getNamespace(),
                volume.getPersistentVolumeClaim().getClaimName());
        String path = claimed.path().toString();
        MountSource source = claimed.managed() ? MountSource.ofPods(path) : MountSource.ofHost(path);
        if (Boolean.TRUE.equals(volume.getPersistentVolumeClaim().getReadOnly())) {
            return source.asReadOnly();
        }
        Owned key = new Owned(pod.getMetadata().getUid(), volume.getName());
        OptionalInt group = fsGroup(pod);
        if (claimed.managed() && group.isPresent() && !owned.contains(key)) {
            boolean onRootMismatch =
                    "OnRootMismatch".equals(pod.getSpec().getSecurityContext().getFsGroupChangePolicy());
            FsGroup.apply(files, claimed.path(), group.getAsInt(), onRootMismatch, abandoned, progress(pod, volume));
            owned.add(key);
        }
        return source;
    }

    /** A large volume takes its time: an event every half minute. */
    private LongConsumer progress(Pod pod, Volume volume) {
        Instant[] next = {clock.instant().plus(REPORT_EVERY)};
        return done -> {
            if (done % FILES_PER_LOOK == 0 && !clock.instant().isBefore(next[0])) {
                next[0] = clock.instant().plus(REPORT_EVERY);
                events.record(
                        PodReference.of(pod),
                        Optional.empty(),
                        true,
                        "VolumePermissionChangeInProgress",
                        ("Setting volume ownership for %s/volumes/%s/%s is taking longer than expected, consider using"
                                        + " OnRootMismatch; processed %d files")
                                .formatted(
                                        pod.getMetadata().getUid(),
                                        VolumeDirectories.plugin(volume),
                                        volume.getName(),
                                        done));
            }
        };
    }

    private static OptionalInt fsGroup(Pod pod) {
        PodSecurityContext context = pod.getSpec().getSecurityContext();
        return context == null || context.getFsGroup() == null
                ? OptionalInt.empty()
                : OptionalInt.of(context.getFsGroup().intValue());
    }
}
