package dev.gantry.agent.volume;

import dev.gantry.linux.DirectoryEntry;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.FileStatus;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;

/**
 * Gives all files of a volume to a pod's {@code fsGroup}: that group, readable and writable for it, directories with the
 * set-group-id bit. Links are not followed, also if somebody changes the volume meanwhile.
 *
 * @see <a href="https://kubernetes.io/docs/tasks/configure-pod-container/security-context/">fsGroupChangePolicy</a>
 */
final class FsGroup {
    /** More than any real tree has; each level holds a descriptor. */
    private static final int MAX_DEPTH = 256;

    private static final int SET_GROUP_ID = 02000;
    private static final int FILE_MODE = 0660;
    private static final int DIRECTORY_MODE = SET_GROUP_ID | 0770;

    private final FileCalls files;
    private final int group;
    private final BooleanSupplier abandoned;
    private final LongConsumer progress;
    private long done;

    private FsGroup(FileCalls files, int group, BooleanSupplier abandoned, LongConsumer progress) {
        this.files = files;
        this.group = group;
        this.abandoned = abandoned;
        this.progress = progress;
    }

    /**
     * Walks the volume.
     *
     * @param onRootMismatch whether nothing is done if the volume's root is right already
     * @param abandoned asked between files; true ends the walk
     * @param progress told after each file how many are done
     */
    static void apply(
            FileCalls files,
            Path volume,
            int group,
            boolean onRootMismatch,
            BooleanSupplier abandoned,
            LongConsumer progress)
            throws IOException {
        int flags = Fcntl.O_RDONLY | Fcntl.O_DIRECTORY;
        try (Fd root = files.open(volume.toString(), flags)) {
            FileStatus status = files.fstat(root);
            boolean right = status.gid() == group && (status.permissions() & DIRECTORY_MODE) == DIRECTORY_MODE;
            if (!(onRootMismatch && right)) {
                FsGroup walk = new FsGroup(files, group, abandoned, progress);
                walk.children(root, 0);
                // Last: a walk that was cut off is done again from its beginning.
                walk.give(root, status);
            }
        }
    }

    private void children(Fd directory, int depth) throws IOException {
        if (depth > MAX_DEPTH) {
            throw new IOException("change the group of the volume: deeper than " + MAX_DEPTH
                    + " directories; use fsGroupChangePolicy OnRootMismatch and set the group by hand");
        }
        for (DirectoryEntry entry : files.list(directory)) {
            if (abandoned.getAsBoolean()) {
                throw new IOException("change the group of the volume: abandoned after " + done + " files");
            }
            try {
                child(directory, entry.name(), depth);
            } catch (ErrnoException e) {
                // Removed or replaced by its owner meanwhile.
                if (!e.is(Errno.ENOENT) && !e.is(Errno.ELOOP) && !e.is(Errno.ENOTDIR)) {
                    throw e;
                }
            }
        }
    }

    private void child(Fd directory, String name, int depth) throws IOException {
        FileStatus status = files.fstatat(directory, name, Fcntl.AT_SYMLINK_NOFOLLOW);
        if (status.isDirectory()) {
            int flags = Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW;
            try (Fd open = files.openat(directory, name, flags, 0)) {
                children(open, depth + 1);
                give(open, files.fstat(open));
            }
        } else if (status.isRegularFile()) {
            // O_PATH opens what the mode forbids, and never waits as a pipe would that is there by now.
            try (Fd open = files.openat(directory, name, Fcntl.O_PATH | Fcntl.O_NOFOLLOW, 0)) {
                give(open, files.fstat(open));
            }
        } else {
            files.fchownat(directory, name, -1, group, Fcntl.AT_SYMLINK_NOFOLLOW);
            count();
        }
    }

    private void give(Fd file, FileStatus status) throws IOException {
        int mode = status.permissions() | (status.isDirectory() ? DIRECTORY_MODE : FILE_MODE);
        files.fchownat(file, "", -1, group, Fcntl.AT_EMPTY_PATH);
        // By its number: fchmod takes no O_PATH descriptor. After the owner, whose change clears bits.
        files.fchmodat(Fd.AT_FDCWD, "/proc/self/fd/" + file.number(), mode);
        count();
    }

    private void count() {
        done++;
        progress.accept(done);
    }
}
