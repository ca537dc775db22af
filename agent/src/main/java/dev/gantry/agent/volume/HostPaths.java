package dev.gantry.agent.volume;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Files of the host as volumes: each type checked as the kubelet checks it, and refused in its words. */
final class HostPaths {
    private static final int TYPE = 0170000;
    private static final int SOCKET = 0140000;
    private static final int CHARACTER_DEVICE = 0020000;
    private static final int BLOCK_DEVICE = 0060000;

    private HostPaths() {}

    /**
     * Checks the type of a path, and makes what is to be made.
     *
     * @param type of the API; a path of the empty type is left to the runtime, which makes a directory where there is none
     */
    static void check(Path path, @Nullable String type) throws IOException, VolumeException {
        // Asked in any case: what hangs is to hang here, and not in the runtime.
        boolean exists = Files.exists(path);
        switch (type == null ? "" : type) {
            case "" -> {}
            case "DirectoryOrCreate" -> {
                if (!exists) {
                    Files.createDirectories(path);
                    Files.setAttribute(path, "unix:mode", 0755);
                }
                require(Files.isDirectory(path), path, "directory");
            }
            case "FileOrCreate" -> {
                if (!exists) {
                    makeFile(path);
                }
                require(Files.isRegularFile(path), path, "file");
            }
            case "Directory" -> require(Files.isDirectory(path), path, "directory");
            case "File" -> require(Files.isRegularFile(path), path, "file");
            case "Socket" -> require(isOfType(path, SOCKET), path, "socket file");
            case "CharDevice" -> require(isOfType(path, CHARACTER_DEVICE), path, "character device");
            default -> require(isOfType(path, BLOCK_DEVICE), path, "block device");
        }
    }

    private static void makeFile(Path path) throws IOException, VolumeException {
        if (Files.notExists(path.getParent())) {
            throw new VolumeException(
                    "hostPath type check failed: %s is not a file, and cannot become one: there is no directory %s; make it, or use type DirectoryOrCreate on it"
                            .formatted(path, path.getParent()));
        }
        Files.createFile(path);
        Files.setAttribute(path, "unix:mode", 0644);
    }

    private static boolean isOfType(Path path, int type) throws IOException {
        return Files.exists(path) && ((Integer) Files.getAttribute(path, "unix:mode") & TYPE) == type;
    }

    private static void require(boolean is, Path path, String kind) throws VolumeException {
        if (!is) {
            throw new VolumeException("hostPath type check failed: %s is not a %s".formatted(path, kind)
                    + (Files.exists(path) ? "" : ": it does not exist"));
        }
    }
}
