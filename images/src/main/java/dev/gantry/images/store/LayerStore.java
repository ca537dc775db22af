package dev.gantry.images.store;

import dev.gantry.images.Digest;
import dev.gantry.images.StoreUsage;
import dev.gantry.images.layer.LayeredTree;
import dev.gantry.images.layer.OverlayFlavour;
import dev.gantry.images.layer.UnpackedLayer;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.FileStatus;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The unpacked layers by chain id. Guarded by itself. */
final class LayerStore {
    /** The layer of an image that has none: overlayfs wants a lower directory. */
    static final String EMPTY = "0";

    private static final String NONE = "-";

    private final StoreDirectory directory;
    private final OverlayFlavour flavour;
    private final String bootId;
    private final Map<Digest, Layer> layers = new HashMap<>();
    private final Map<String, Layer> byName = new HashMap<>();
    private final Set<String> pending = new HashSet<>();
    private long last;

    /**
     * A layer that is complete.
     *
     * @param name of its directory
     * @param parent name of the directory of the layer below; null for the lowest
     */
    record Layer(Digest chain, String name, @Nullable String parent, StoreUsage usage) {}

    LayerStore(StoreDirectory directory, OverlayFlavour flavour, String bootId) {
        this.directory = directory;
        this.flavour = flavour;
        this.bootId = bootId;
    }

    /** Reads the records and clears away what has none. Returns what was dropped though it had been complete. */
    synchronized List<String> load() throws ErrnoException {
        List<String> problems = new ArrayList<>();
        dropUnsynced(problems);
        Set<String> present = new HashSet<>(directory.names(StoreDirectory.LAYERS));
        for (String record : directory.names(StoreDirectory.CHAINS)) {
            Layer layer = parse(record).orElse(null);
            if (layer == null || !present.contains(layer.name())) {
                problems.add("layer " + record + " has lost its directory");
                directory.removeRecord(StoreDirectory.CHAINS, record);
            } else {
                put(layer);
            }
        }
        dropOrphans(problems);
        for (String name : present) {
            last = Math.max(last, number(name));
            if (!byName.containsKey(name) && !name.equals(EMPTY)) {
                directory.discard(StoreDirectory.LAYERS, name);
            }
        }
        if (!present.contains(EMPTY)) {
            String stage = directory.stage();
            directory.rename(stage, StoreDirectory.LAYERS + "/" + EMPTY);
        }
        return problems;
    }

    /** After a crash of the machine, what was written just before may be holes and empty files. */
    private void dropUnsynced(List<String> problems) throws ErrnoException {
        for (String name : directory.names(StoreDirectory.PENDING)) {
            int dot = name.indexOf('.');
            String record = name.substring(dot + 1);
            if (dot > 0 && name.substring(0, dot).equals(bootId)) {
                pending.add(record);
                continue;
            }
            if (directory.record(StoreDirectory.CHAINS, record).isPresent()) {
                problems.add("layer " + record + " may not have reached the disk before the machine stopped");
                directory.removeRecord(StoreDirectory.CHAINS, record);
            }
            directory.removeRecord(StoreDirectory.PENDING, name);
        }
    }

    private void dropOrphans(List<String> problems) throws ErrnoException {
        boolean changed = true;
        while (changed) {
            changed = false;
            for (Layer layer : List.copyOf(layers.values())) {
                if (layer.parent() != null && !byName.containsKey(layer.parent())) {
                    problems.add("layer " + layer.chain() + " has lost the layer below it");
                    forget(layer);
                    changed = true;
                }
            }
        }
    }

    private Optional<Layer> parse(String record) throws ErrnoException {
        Optional<Digest> chain = StoreDirectory.digest(record);
        Optional<String> text = directory.record(StoreDirectory.CHAINS, record);
        if (chain.isEmpty() || text.isEmpty()) {
            return Optional.empty();
        }
        String[] fields = text.get().split(" ", -1);
        try {
            return Optional.of(new Layer(
                    chain.get(),
                    fields[0],
                    fields[1].equals(NONE) ? null : fields[1],
                    new StoreUsage(Long.parseLong(fields[2]), Long.parseLong(fields[3]))));
        } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }

    private void put(Layer layer) {
        layers.put(layer.chain(), layer);
        byName.put(layer.name(), layer);
    }

    private static long number(String name) {
        try {
            return Long.parseLong(name, Character.MAX_RADIX);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    synchronized @Nullable Layer find(Digest chain) {
        return layers.get(chain);
    }

    synchronized List<Layer> all() {
        return List.copyOf(layers.values());
    }

    /** Names of the layer and all below it, itself first; the empty layer for none. */
    synchronized List<String> stack(@Nullable String top) {
        List<String> result = new ArrayList<>();
        String name = top;
        while (name != null) {
            result.add(name);
            Layer layer = byName.get(name);
            name = layer == null ? null : layer.parent();
        }
        return result.isEmpty() ? List.of(EMPTY) : result;
    }

    synchronized boolean hasDirectory(String name) {
        return name.equals(EMPTY) || byName.containsKey(name);
    }

    /**
     * Takes in an unpacked layer whose parent is in already.
     *
     * @param staged its directory, relative to the store
     */
    Layer commit(Digest chain, @Nullable Layer parent, String staged, UnpackedLayer unpacked) throws IOException {
        adoptFromBelow(staged, unpacked.implicitDirectories(), stack(parent == null ? null : parent.name()));
        synchronized (this) {
            Layer there = layers.get(chain);
            if (there != null) {
                directory.discard("", staged);
                return there;
            }
            String name = Long.toString(++last, Character.MAX_RADIX);
            Layer layer = new Layer(chain, name, parent == null ? null : parent.name(), unpacked.usage());
            String record = StoreDirectory.name(chain);
            // in this order: without its mark a layer counts as safe on disk
            directory.putEmptyFile(StoreDirectory.PENDING, bootId + "." + record);
            pending.add(record);
            directory.rename(staged, StoreDirectory.LAYERS + "/" + name);
            directory.putRecord(
                    StoreDirectory.CHAINS,
                    record,
                    name + " " + (layer.parent() == null ? NONE : layer.parent()) + " "
                            + layer.usage().bytes() + " " + layer.usage().inodes());
            put(layer);
            return layer;
        }
    }

    /** Directories that a layer only passes through look as below it; those that are new stay as they were made. */
    private void adoptFromBelow(String staged, List<String> implicit, List<String> below) throws IOException {
        if (implicit.isEmpty() || below.equals(List.of(EMPTY))) {
            return;
        }
        FileCalls files = directory.files();
        List<Fd> open = new ArrayList<>();
        try (Fd root = directory.openDirectory(staged)) {
            for (String name : below) {
                open.add(directory.openDirectory(StoreDirectory.LAYERS + "/" + name));
            }
            LayeredTree tree = new LayeredTree(files, open, flavour);
            for (String path : implicit) {
                Optional<FileStatus> status = tree.status("/" + path);
                if (status.isPresent() && status.get().isDirectory()) {
                    adopt(files, root, path, status.get());
                }
            }
        } finally {
            open.forEach(Fd::close);
        }
    }

    private static void adopt(FileCalls files, Fd root, String path, FileStatus status) throws ErrnoException {
        int flags = Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW;
        long resolve = Fcntl.RESOLVE_BENEATH | Fcntl.RESOLVE_NO_SYMLINKS;
        try (Fd directory = files.openat2(root, path.isEmpty() ? "." : path, flags, 0, resolve)) {
            files.fchown(directory, status.uid(), status.gid());
            files.fchmod(directory, status.permissions());
            files.futimens(directory, status.modificationTime(), status.modificationTime());
        } catch (ErrnoException e) {
            if (!e.is(dev.gantry.linux.Errno.ENOENT, dev.gantry.linux.Errno.ENOTDIR, dev.gantry.linux.Errno.ELOOP)) {
                throw e;
            }
            // a later entry of the layer replaced it
        }
    }

    /** Removes a layer; its space is freed when the trash is emptied. */
    synchronized void forget(Layer layer) throws ErrnoException {
        String record = StoreDirectory.name(layer.chain());
        directory.removeRecord(StoreDirectory.CHAINS, record);
        layers.remove(layer.chain());
        byName.remove(layer.name());
        directory.discard(StoreDirectory.LAYERS, layer.name());
        if (pending.remove(record)) {
            directory.removeRecord(StoreDirectory.PENDING, bootId + "." + record);
        }
    }

    synchronized boolean hasUnsynced() {
        return !pending.isEmpty();
    }

    /** Writes all to the disk, then says so. May take as long as the disk is slow. */
    void sync() throws ErrnoException {
        List<String> before;
        synchronized (this) {
            before = List.copyOf(pending);
        }
        if (before.isEmpty()) {
            return;
        }
        directory.files().syncfs(directory.rootFd());
        synchronized (this) {
            for (String record : before) {
                if (pending.remove(record)) {
                    directory.removeRecord(StoreDirectory.PENDING, bootId + "." + record);
                }
            }
        }
    }
}
