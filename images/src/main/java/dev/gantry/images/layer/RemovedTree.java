package dev.gantry.images.layer;

import dev.gantry.linux.DirectoryEntry;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** Removes a directory with all in it, through descriptors: a link in it is removed, never followed. */
public final class RemovedTree {
    private RemovedTree() {}

    /** Descriptors held at once; what lies deeper is moved up first, however deep a container has nested it. */
    private static final int DEEPEST = 64;

    private record Open(Fd directory, Deque<DirectoryEntry> left, String name) {}

    /**
     * Removes the directory, or the file, of this name; nothing there is no error.
     *
     * @return how many names were removed
     */
    public static long remove(FileCalls files, Fd parent, String name) throws ErrnoException {
        long removed = 0;
        long moves = 0;
        Deque<Open> stack = new ArrayDeque<>();
        try {
            if (!push(files, stack, parent, name)) {
                return unlink(files, parent, name, 0);
            }
            while (!stack.isEmpty()) {
                Open top = stack.getLast();
                DirectoryEntry entry = top.left().poll();
                if (entry == null) {
                    stack.removeLast().directory().close();
                    Fd above = stack.isEmpty() ? parent : stack.getLast().directory();
                    removed += unlink(files, above, top.name(), Fcntl.AT_REMOVEDIR);
                } else if (stack.size() >= DEEPEST && entry.type() == DirectoryEntry.DT_DIR) {
                    Open first = stack.getFirst();
                    String moved = ".gantry-deep-" + moves++;
                    files.renameat2(top.directory(), entry.name(), first.directory(), moved, 0);
                    first.left().add(new DirectoryEntry(moved, entry.inode(), entry.type()));
                } else if ((entry.type() != DirectoryEntry.DT_DIR && entry.type() != DirectoryEntry.DT_UNKNOWN)
                        || !push(files, stack, top.directory(), entry.name())) {
                    removed += unlink(files, top.directory(), entry.name(), 0);
                }
            }
            return removed;
        } finally {
            stack.forEach(open -> open.directory().close());
        }
    }

    /** False if it is no directory. */
    private static boolean push(FileCalls files, Deque<Open> stack, Fd parent, String name) throws ErrnoException {
        try {
            Fd directory = files.openat(parent, name, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW, 0);
            stack.addLast(new Open(directory, new ArrayDeque<>(), name));
            List<DirectoryEntry> entries = files.list(directory);
            stack.getLast().left().addAll(entries);
            return true;
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOTDIR, Errno.ELOOP, Errno.ENOENT)) {
                return false;
            }
            throw e;
        }
    }

    private static long unlink(FileCalls files, Fd parent, String name, int flags) throws ErrnoException {
        try {
            files.unlinkat(parent, name, flags);
            return 1;
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT)) {
                return 0;
            }
            throw e;
        }
    }
}
