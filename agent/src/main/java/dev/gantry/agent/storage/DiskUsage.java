package dev.gantry.agent.storage;

import dev.gantry.linux.DirectoryEntry;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.FileStatus;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;

/** Counts what a directory of a pod takes on its file system, while the pod may be changing it. */
final class DiskUsage {
    /** What lies beyond is not counted, so that a pod with very many files does not keep the node busy. */
    static final int MAX_ENTRIES = 200_000;

    /** No link that a container makes leads outside, and no mount to another file system. */
    private static final long STRICT = Fcntl.RESOLVE_BENEATH | Fcntl.RESOLVE_NO_SYMLINKS | Fcntl.RESOLVE_NO_XDEV;

    private static final int SECTOR = 512;

    private DiskUsage() {}

    /**
     * Counts.
     *
     * @param most entries that are looked at
     * @return bytes in blocks on disk, the directory's own included; of a file with several names its part for each
     * @throws ErrnoException if the directory cannot be read; what is below it and cannot be reached is left out
     */
    static long of(FileCalls files, Path top, int most) throws ErrnoException {
        long bytes = 0;
        int seen = 0;
        Deque<String> left = new ArrayDeque<>();
        left.push(".");
        try (Fd root = files.open(top.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW)) {
            while (!left.isEmpty()) {
                String at = left.pop();
                try (Fd directory = files.openat2(root, at, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY, 0, STRICT)) {
                    bytes += files.fstat(directory).blocks() * SECTOR;
                    for (DirectoryEntry entry : files.list(directory)) {
                        if (++seen > most) {
                            return bytes;
                        }
                        if (entry.type() == DirectoryEntry.DT_DIR) {
                            left.push(at + "/" + entry.name());
                        } else {
                            bytes += ofFile(files, directory, entry.name());
                        }
                    }
                } catch (ErrnoException e) {
                    if (!e.is(Errno.ENOENT, Errno.ENOTDIR, Errno.ELOOP, Errno.ENAMETOOLONG, Errno.EXDEV)) {
                        throw e;
                    }
                    // Gone or replaced meanwhile, a mount, or nested too deep.
                }
            }
        }
        return bytes;
    }

    private static long ofFile(FileCalls files, Fd directory, String name) throws ErrnoException {
        try {
            FileStatus status = files.fstatat(directory, name, Fcntl.AT_SYMLINK_NOFOLLOW);
            return status.blocks() * SECTOR / Math.max(1, status.links());
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT)) {
                return 0;
            }
            throw e;
        }
    }
}
