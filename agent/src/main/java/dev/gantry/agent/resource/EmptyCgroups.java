package dev.gantry.agent.resource;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The cgroups of pods that another runtime made: it makes those of containers with the pod's above, and leaves the pod's, which the
 * kubelet removes. In every hierarchy of version 1, and in version 2's.
 */
public final class EmptyCgroups {
    private final Path root;

    /** @param root where cgroups are mounted, {@code /sys/fs/cgroup} */
    public EmptyCgroups(Path root) {
        this.root = root;
    }

    /**
     * Removes a pod's cgroup wherever it is and nothing is in it.
     *
     * @param parent as CRI names it, {@code /kubepods/besteffort/pod…}
     * @return whether it is nowhere any more
     */
    public boolean remove(String parent) {
        String path = parent.startsWith("/") ? parent.substring(1) : parent;
        if (path.isEmpty()) {
            return false;
        }
        boolean gone = true;
        for (Path hierarchy : hierarchies()) {
            Path directory = hierarchy.resolve(path).normalize();
            if (directory.startsWith(hierarchy) && !directory.equals(hierarchy)) {
                gone &= remove(directory);
            }
        }
        return gone;
    }

    /** A directory of a cgroup file system is removed although it has files, unless it has children or processes. */
    private static boolean remove(Path directory) {
        try {
            Files.deleteIfExists(directory);
            return true;
        } catch (IOException e) {
            // Something is in it still, or again: another pod's end, or the host's.
            return false;
        }
    }

    private List<Path> hierarchies() {
        List<Path> all = new ArrayList<>(List.of(root));
        if (Files.exists(root.resolve("cgroup.controllers"))) {
            return all;
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(root, Files::isDirectory)) {
            // Controllers that are mounted together have links, which lead to the same.
            entries.forEach(all::add);
        } catch (IOException e) {
            // No cgroups are mounted here.
        }
        return all;
    }
}
