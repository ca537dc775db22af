package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.Mount;
import dev.gantry.images.Image;
import dev.gantry.images.ImageStore;
import dev.gantry.images.Snapshot;
import dev.gantry.linux.FileStatus;
import dev.gantry.runtime.spec.ContainerProgram;
import dev.gantry.runtime.spec.HostFiles;
import dev.gantry.runtime.spec.VolumeImages;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The images that a container mounts. Each mount has a snapshot of its own, into which nothing is written: it keeps the
 * layers as long as the container is there, whatever becomes of the image.
 */
final class ImageVolumes implements VolumeImages {
    private final Map<Integer, Snapshot> snapshots = new TreeMap<>();

    private ImageVolumes() {}

    /**
     * Says of each image volume which image it is, in {@code image_ref}. Later steps look at that only: a name may
     * belong to another image by then.
     */
    static ContainerConfig resolved(ImageStore images, ContainerConfig config) {
        ContainerConfig.Builder resolved = config.toBuilder();
        for (int i = 0; i < config.getMountsCount(); i++) {
            ImageSpec image = config.getMounts(i).getImage();
            if (!image.getImage().isEmpty()) {
                Image found = images.find(image.getImage())
                        .orElseThrow(() -> CriErrors.notFound(
                                "create container '%s': image '%s' of a volume is not present, pull it first",
                                config.getMetadata().getName(), image.getImage()));
                resolved.getMountsBuilder(i)
                        .getImageBuilder()
                        .setImageRef(found.id().toString());
            }
        }
        return resolved.build();
    }

    /** Prepares those of a container whose configuration is {@link #resolved}; again after a restart, with the same result. */
    static ImageVolumes prepare(ImageStore images, String containerId, ContainerConfig config) throws IOException {
        ImageVolumes volumes = new ImageVolumes();
        for (int i = 0; i < config.getMountsCount(); i++) {
            ImageSpec image = config.getMounts(i).getImage();
            if (!image.getImage().isEmpty()) {
                String snapshot = snapshotId(containerId, i);
                Optional<Snapshot> there = images.snapshot(snapshot);
                if (there.isPresent()) {
                    volumes.snapshots.put(i, there.get());
                } else {
                    Image found = images.find(image.getImageRef())
                            .orElseThrow(() -> CriErrors.notFound(
                                    "prepare container '%s': image %s of a volume is not present any more",
                                    config.getMetadata().getName(), image.getImageRef()));
                    volumes.snapshots.put(i, images.prepare(snapshot, found));
                }
            }
        }
        return volumes;
    }

    /** The snapshots of a container beside that of its root. */
    static List<String> snapshotIds(String containerId, ContainerConfig config) {
        List<String> ids = new ArrayList<>();
        List<Mount> mounts = config.getMountsList();
        for (int i = 0; i < mounts.size(); i++) {
            if (!mounts.get(i).getImage().getImage().isEmpty()) {
                ids.add(snapshotId(containerId, i));
            }
        }
        return ids;
    }

    private static String snapshotId(String containerId, int mount) {
        return containerId + "-mount-" + mount;
    }

    @Override
    public HostFiles.Kind kind(int mount, String path) throws IOException {
        Optional<FileStatus> status =
                Objects.requireNonNull(snapshots.get(mount)).status(path);
        return status.map(file -> file.isDirectory() ? HostFiles.Kind.DIRECTORY : HostFiles.Kind.OTHER)
                .orElse(HostFiles.Kind.MISSING);
    }

    Map<Integer, ContainerProgram.Layers> layers() {
        Map<Integer, ContainerProgram.Layers> layers = new TreeMap<>();
        snapshots.forEach((mount, snapshot) -> layers.put(mount, layers(snapshot)));
        return layers;
    }

    static ContainerProgram.Layers layers(Snapshot snapshot) {
        return new ContainerProgram.Layers(
                snapshot.linkDir().toString(),
                snapshot.mountOptions(),
                snapshot.upperDir().toString(),
                snapshot.mountOptionsElsewhere());
    }

    /** Removes all snapshots of a container; those that are gone are no error. */
    static void remove(ImageStore images, String containerId, ContainerConfig config) throws IOException {
        images.removeSnapshot(containerId);
        for (String id : snapshotIds(containerId, config)) {
            images.removeSnapshot(id);
        }
    }
}
