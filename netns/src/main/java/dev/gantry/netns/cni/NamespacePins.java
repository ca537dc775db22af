package dev.gantry.netns.cni;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.MountFlags;
import dev.gantry.linux.Stat;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Gives network namespaces a path ({@code /run/netns/cni-…}), under which plugins and their daemons find them, and which keeps
 * them until DEL has seen them, whoever dies before. A reboot takes the mounts, and often the files.
 */
final class NamespacePins {
    private final Linux linux;
    private final Path directory;

    NamespacePins(Linux linux, Path directory) {
        this.linux = linux;
        this.directory = directory;
    }

    /** Mounts a namespace. */
    Path pin(String sandboxId, Fd netns) throws IOException {
        Files.createDirectories(directory);
        Path file = file(sandboxId);
        try {
            Files.createFile(file);
        } catch (FileAlreadyExistsException e) {
            unpin(sandboxId);
            Files.createFile(file);
        }
        try {
            linux.mounts()
                    .mount("/proc/thread-self/fd/" + netns.number(), file.toString(), null, MountFlags.MS_BIND, null);
        } catch (ErrnoException e) {
            Files.deleteIfExists(file);
            throw e;
        }
        return file;
    }

    /** Where the namespace is mounted; empty if it is not, or not any more. */
    String path(String sandboxId) throws IOException {
        String file = file(sandboxId).toString();
        try {
            return linux.files().statfs(file).type() == Stat.NSFS_MAGIC ? file : "";
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT)) {
                return "";
            }
            throw e;
        }
    }

    /** The namespace then goes with its last process. Does nothing if it is not mounted. */
    void unpin(String sandboxId) throws IOException {
        Path file = file(sandboxId);
        try {
            linux.mounts().umount2(file.toString(), MountFlags.MNT_DETACH | MountFlags.UMOUNT_NOFOLLOW);
        } catch (ErrnoException e) {
            // EINVAL: a file that nothing is mounted on.
            if (!e.is(Errno.ENOENT) && !e.is(Errno.EINVAL)) {
                throw e;
            }
        }
        Files.deleteIfExists(file);
    }

    private Path file(String sandboxId) {
        return directory.resolve("cni-" + sandboxId);
    }
}
