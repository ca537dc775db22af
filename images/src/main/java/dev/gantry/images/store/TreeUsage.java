package dev.gantry.images.store;

import dev.gantry.images.StoreUsage;
import dev.gantry.linux.DirectoryEntry;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.FileStatus;
import java.util.ArrayDeque;
import java.util.Deque;

/** Counts what a directory takes, while others may be changing it. */
final class TreeUsage {
    private static final long STRICT = Fcntl.RESOLVE_BENEATH | Fcntl.RESOLVE_NO_SYMLINKS;
    private static final int SECTOR = 512;

    private TreeUsage() {}

    static StoreUsage of(FileCalls files, Fd parent, String path) throws ErrnoException {
        long bytes = 0;
        long inodes = 0;
        Deque<String> left = new ArrayDeque<>();
        left.push(path);
        while (!left.isEmpty()) {
            String at = left.pop();
            try (Fd directory = files.openat2(parent, at, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY, 0, STRICT)) {
                bytes += files.fstat(directory).blocks() * SECTOR;
                inodes++;
                for (DirectoryEntry entry : files.list(directory)) {
                    FileStatus status = files.fstatat(directory, entry.name(), Fcntl.AT_SYMLINK_NOFOLLOW);
                    if (status.isDirectory()) {
                        left.push(at + "/" + entry.name());
                    } else {
                        // each of n links is met once
                        bytes += status.blocks() * SECTOR / Math.max(1, status.links());
                        inodes++;
                    }
                }
            } catch (ErrnoException e) {
                if (!e.is(Errno.ENOENT, Errno.ENOTDIR, Errno.ELOOP, Errno.ENAMETOOLONG)) {
                    throw e;
                }
                // removed meanwhile, or nested so deep that it can only be meant to annoy
            }
        }
        return new StoreUsage(bytes, inodes);
    }
}
