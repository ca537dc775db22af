package dev.gantry.images.store;

import dev.gantry.images.Digest;
import dev.gantry.images.Snapshot;
import dev.gantry.images.StoreUsage;
import dev.gantry.images.layer.LayeredTree;
import dev.gantry.images.layer.OverlayFlavour;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A container's writable directories in the store. */
final class LocalSnapshot implements Snapshot {
    static final String UPPER = "upper";
    static final String WORK = "work";

    private final StoreDirectory directory;
    private final OverlayFlavour flavour;
    private final String containerId;
    private final Digest imageId;
    private final List<String> layers;

    LocalSnapshot(
            StoreDirectory directory,
            OverlayFlavour flavour,
            String containerId,
            Digest imageId,
            List<String> layersTopFirst) {
        this.directory = directory;
        this.flavour = flavour;
        this.containerId = containerId;
        this.imageId = imageId;
        this.layers = List.copyOf(layersTopFirst);
    }

    @Override
    public String containerId() {
        return containerId;
    }

    @Override
    public Digest imageId() {
        return imageId;
    }

    @Override
    public Path linkDir() {
        return directory.path(StoreDirectory.LAYERS);
    }

    @Override
    public List<String> lowerDirs() {
        return layers;
    }

    @Override
    public Path upperDir() {
        return directory.path(relative(UPPER));
    }

    @Override
    public Path workDir() {
        return directory.path(relative(WORK));
    }

    private String relative(String name) {
        return StoreDirectory.SNAPSHOTS + "/" + containerId + "/" + name;
    }

    @Override
    public String mountOptions() {
        return mountOptions("../" + StoreDirectory.SNAPSHOTS + "/" + containerId + "/");
    }

    @Override
    public String mountOptionsElsewhere() {
        return mountOptions(directory.path(StoreDirectory.SNAPSHOTS + "/" + containerId) + "/");
    }

    private String mountOptions(String above) {
        String option = flavour.mountOption();
        return "lowerdir=" + String.join(":", layers) + ",upperdir=" + above + UPPER + ",workdir=" + above + WORK
                + (option.isEmpty() ? "" : "," + option);
    }

    @Override
    public Optional<byte[]> readFile(String path, int maxBytes) throws IOException {
        return look(tree -> tree.read(path, maxBytes));
    }

    @Override
    public Optional<FileStatus> status(String path) throws IOException {
        return look(tree -> tree.status(path));
    }

    private interface Look<T> {
        T at(LayeredTree tree) throws IOException;
    }

    private <T> T look(Look<T> look) throws IOException {
        List<Fd> open = new ArrayList<>();
        try {
            open.add(directory.openDirectory(relative(UPPER)));
            for (String layer : layers) {
                open.add(directory.openDirectory(StoreDirectory.LAYERS + "/" + layer));
            }
            return look.at(new LayeredTree(directory.files(), open, flavour));
        } finally {
            open.forEach(Fd::close);
        }
    }

    @Override
    public StoreUsage usage() throws IOException {
        return directory.measure(relative(UPPER));
    }
}
