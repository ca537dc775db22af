package dev.gantry.images.store;

import dev.gantry.images.Digest;
import dev.gantry.images.Image;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.Quoted;
import dev.gantry.images.Snapshot;
import dev.gantry.images.layer.OverlayFlavour;
import dev.gantry.images.store.LayerStore.Layer;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.FileStatus;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/** The writable directories of containers. Changes are made under the store's lock. */
final class SnapshotStore {
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}");
    private static final String FROM = "from";

    private final StoreDirectory directory;
    private final LayerStore layers;
    private final OverlayFlavour flavour;
    private final Map<String, LocalSnapshot> snapshots = new ConcurrentHashMap<>();

    SnapshotStore(StoreDirectory directory, LayerStore layers, OverlayFlavour flavour) {
        this.directory = directory;
        this.layers = layers;
        this.flavour = flavour;
    }

    /** Reads the records; what has none was not finished. */
    List<String> load() throws ErrnoException {
        List<String> problems = new ArrayList<>();
        for (String id : directory.names(StoreDirectory.SNAPSHOTS)) {
            Optional<String> from = directory.record(StoreDirectory.SNAPSHOTS + "/" + id, FROM);
            String[] fields = from.orElse("").split(" ", -1);
            if (fields.length == 2 && layers.hasDirectory(fields[1])) {
                try {
                    put(id, Digest.parse(fields[0]), fields[1]);
                    continue;
                } catch (IllegalArgumentException e) {
                    // falls through: no record of ours
                }
            }
            if (from.isPresent()) {
                problems.add("the root file system of container " + id + " has lost its layers");
            }
            directory.discard(StoreDirectory.SNAPSHOTS, id);
        }
        return problems;
    }

    private LocalSnapshot put(String id, Digest image, String top) {
        List<String> stack = layers.stack(top.equals(LayerStore.EMPTY) ? null : top);
        LocalSnapshot snapshot = new LocalSnapshot(directory, flavour, id, image, stack);
        snapshots.put(id, snapshot);
        return snapshot;
    }

    Snapshot prepare(String id, Image image) throws ImageException, ErrnoException {
        if (!ID.matcher(id).matches()) {
            throw new IllegalArgumentException("container id '" + Quoted.cut(id) + "'");
        }
        LocalSnapshot there = snapshots.get(id);
        if (there != null) {
            if (there.imageId().equals(image.id())) {
                return there;
            }
            throw new ImageException(
                    Code.STORE,
                    "container " + id + " has a root file system already, made from image " + there.imageId());
        }
        String top = top(image);
        String staged = directory.stage();
        makeDirectories(staged, top);
        directory.files().symlinkat(image.id() + " " + top, directory.rootFd(), staged + "/" + FROM);
        directory.rename(staged, StoreDirectory.SNAPSHOTS + "/" + id);
        return put(id, image.id(), top);
    }

    private String top(Image image) throws ImageException {
        if (image.layers().isEmpty()) {
            return LayerStore.EMPTY;
        }
        Layer layer = layers.find(image.layers().get(image.layers().size() - 1));
        if (layer == null) {
            throw new ImageException(
                    Code.NOT_FOUND, "image " + image.id() + " has been removed from the store; pull or load it again");
        }
        return layer.name();
    }

    /** The root of the container looks as its upper directory does, so that one has to look as the image's root. */
    private void makeDirectories(String staged, String top) throws ErrnoException {
        FileCalls files = directory.files();
        Fd root = directory.rootFd();
        FileStatus model = files.fstatat(root, StoreDirectory.LAYERS + "/" + top, Fcntl.AT_SYMLINK_NOFOLLOW);
        String upper = staged + "/" + LocalSnapshot.UPPER;
        files.mkdirat(root, upper, 0755);
        files.fchownat(root, upper, model.uid(), model.gid(), Fcntl.AT_SYMLINK_NOFOLLOW);
        files.fchmodat(root, upper, model.permissions());
        files.mkdirat(root, staged + "/" + LocalSnapshot.WORK, 0700);
    }

    Optional<Snapshot> find(String id) {
        return Optional.ofNullable(snapshots.get(id));
    }

    Set<String> ids() {
        return Set.copyOf(snapshots.keySet());
    }

    boolean remove(String id) throws ErrnoException {
        if (snapshots.get(id) == null) {
            return false;
        }
        directory.discard(StoreDirectory.SNAPSHOTS, id);
        snapshots.remove(id);
        return true;
    }

    /** Directory names of all layers that snapshots lie upon. */
    Set<String> usedLayers() {
        Set<String> result = new HashSet<>();
        snapshots.values().forEach(snapshot -> result.addAll(snapshot.lowerDirs()));
        return result;
    }
}
