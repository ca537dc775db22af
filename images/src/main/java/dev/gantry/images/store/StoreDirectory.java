package dev.gantry.images.store;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.StoreUsage;
import dev.gantry.images.layer.RemovedTree;
import dev.gantry.linux.DirectoryEntry;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/** The directories of a store, its records, and how things come into it and go: by rename, at once. */
final class StoreDirectory implements Closeable {
    static final String BLOBS = "blobs";
    static final String LAYERS = "layers";
    static final String CHAINS = "chains";
    static final String PENDING = "pending";
    static final String IMAGES = "images";
    static final String NAMES = "names";
    static final String SNAPSHOTS = "snapshots";
    static final String STAGING = "staging";
    static final String TRASH = "trash";

    private static final List<String> DIRECTORIES =
            List.of(BLOBS, LAYERS, CHAINS, PENDING, IMAGES, NAMES, SNAPSHOTS, STAGING, TRASH);
    private static final String FORMAT = "1";

    private final FileCalls files;
    private final Path root;
    private final Fd rootFd;
    private final Fd lock;
    private final AtomicLong counter = new AtomicLong();

    private StoreDirectory(FileCalls files, Path root, Fd rootFd, Fd lock) {
        this.files = files;
        this.root = root;
        this.rootFd = rootFd;
        this.lock = lock;
    }

    static StoreDirectory open(FileCalls files, Path root) throws ImageException {
        try {
            makeDirectories(files, root.toAbsolutePath().normalize());
            Fd rootFd = files.open(root.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY);
            try {
                return locked(files, root, rootFd);
            } catch (IOException | RuntimeException e) {
                rootFd.close();
                throw e;
            }
        } catch (ErrnoException e) {
            throw failed("open the image store at " + root, e);
        }
    }

    private static void makeDirectories(FileCalls files, Path path) throws ErrnoException {
        try {
            files.mkdirat(Fd.AT_FDCWD, path.toString(), 0700);
        } catch (ErrnoException e) {
            Path parent = path.getParent();
            if (e.is(Errno.ENOENT) && parent != null) {
                makeDirectories(files, parent);
                makeDirectories(files, path);
            } else if (!e.is(Errno.EEXIST)) {
                throw e;
            }
        }
    }

    private static StoreDirectory locked(FileCalls files, Path root, Fd rootFd) throws ImageException, ErrnoException {
        Fd lock = files.openat(rootFd, "lock", Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_NOFOLLOW, 0600);
        try {
            files.flock(lock, Fcntl.LOCK_EX | Fcntl.LOCK_NB);
            StoreDirectory directory = new StoreDirectory(files, root, rootFd, lock);
            directory.prepare();
            return directory;
        } catch (ErrnoException e) {
            lock.close();
            if (e.is(Errno.EAGAIN)) {
                throw new ImageException(
                        Code.LOCKED,
                        "the image store at " + root + " is in use by another process;"
                                + " stop that one, or give this one a --root of its own",
                        e);
            }
            throw e;
        } catch (ImageException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private void prepare() throws ImageException, ErrnoException {
        Optional<String> format = record("", "format");
        if (format.isPresent() && !format.get().equals(FORMAT)) {
            throw new ImageException(
                    Code.STORE,
                    "the image store at " + root + " has the format '" + format.get() + "', this program knows "
                            + FORMAT + ": use the program that made it, or move the directory away");
        }
        for (String name : DIRECTORIES) {
            try {
                files.mkdirat(rootFd, name, 0700);
            } catch (ErrnoException e) {
                if (!e.is(Errno.EEXIST)) {
                    throw e;
                }
            }
        }
        if (format.isEmpty()) {
            files.symlinkat(FORMAT, rootFd, "format");
        }
        for (String name : names(TRASH)) {
            counter.accumulateAndGet(number(name), Math::max);
        }
        for (String name : names(STAGING)) {
            discard(STAGING, name);
        }
    }

    private static long number(String name) {
        try {
            return Long.parseLong(name);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** The exception for a failed call, with the remedy where there is one. */
    static ImageException failed(String operation, IOException e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof ErrnoException errno && errno.is(Errno.ENOSPC, Errno.EDQUOT)) {
                return new ImageException(
                        Code.NO_SPACE,
                        operation + ": no space or no inodes left; remove images or files, or enlarge the disk ("
                                + e.getMessage() + ")",
                        e);
            }
        }
        return new ImageException(Code.STORE, operation + ": " + e.getMessage(), e);
    }

    Path path(String directory) {
        return root.resolve(directory);
    }

    Fd rootFd() {
        return rootFd;
    }

    FileCalls files() {
        return files;
    }

    /** File name of a digest. */
    static String name(Digest digest) {
        return digest.algorithm() + "-" + digest.hex();
    }

    /** The digest of such a file name; empty if it is none. */
    static Optional<Digest> digest(String name) {
        int dash = name.indexOf('-');
        try {
            return dash < 0
                    ? Optional.empty()
                    : Optional.of(new Digest(name.substring(0, dash), name.substring(dash + 1)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    List<String> names(String directory) throws ErrnoException {
        try (Fd fd = files.openat(rootFd, directory, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY, 0)) {
            List<String> result = new ArrayList<>();
            for (DirectoryEntry entry : files.list(fd)) {
                result.add(entry.name());
            }
            return result;
        }
    }

    // --- records

    private static String join(String directory, String name) {
        return directory.isEmpty() ? name : directory + "/" + name;
    }

    Optional<String> record(String directory, String name) throws ErrnoException {
        try {
            return Optional.of(files.readlinkat(rootFd, join(directory, name)));
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT, Errno.EINVAL)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Makes or replaces a record, at once. */
    void putRecord(String directory, String name, String text) throws ErrnoException {
        String temporary = STAGING + "/" + next();
        files.symlinkat(text, rootFd, temporary);
        files.renameat2(rootFd, temporary, rootFd, join(directory, name), 0);
    }

    /** Removes a record or an empty file, if it is there. */
    void removeRecord(String directory, String name) throws ErrnoException {
        try {
            files.unlinkat(rootFd, join(directory, name), 0);
        } catch (ErrnoException e) {
            if (!e.is(Errno.ENOENT)) {
                throw e;
            }
        }
    }

    void putEmptyFile(String directory, String name) throws ErrnoException {
        files.openat(rootFd, join(directory, name), Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_NOFOLLOW, 0600)
                .close();
    }

    // --- blobs

    boolean hasBlob(Digest digest) throws ErrnoException {
        try {
            return files.fstatat(rootFd, BLOBS + "/" + name(digest), Fcntl.AT_SYMLINK_NOFOLLOW)
                    .isRegularFile();
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT)) {
                return false;
            }
            throw e;
        }
    }

    /** Empty if it is missing or is not what its name says. */
    Optional<byte[]> blob(Digest digest) throws ErrnoException {
        try {
            byte[] content = files.readSmallFile(rootFd, BLOBS + "/" + name(digest));
            return Digest.of(digest.algorithm(), content).equals(digest) ? Optional.of(content) : Optional.empty();
        } catch (ErrnoException e) {
            if (e.is(Errno.ENOENT, Errno.EFBIG)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    void putBlob(Digest digest, byte[] content) throws ErrnoException {
        String temporary = STAGING + "/" + next();
        int flags = Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_EXCL | Fcntl.O_NOFOLLOW;
        try (Fd file = files.openat(rootFd, temporary, flags, 0600)) {
            files.writeFully(file, content);
        }
        files.renameat2(rootFd, temporary, rootFd, BLOBS + "/" + name(digest), 0);
    }

    // --- directories

    /** A new directory under {@code staging}; returns its path relative to the store. */
    String stage() throws ErrnoException {
        String path = STAGING + "/" + next();
        files.mkdirat(rootFd, path, 0755);
        files.fchmodat(rootFd, path, 0755);
        return path;
    }

    private long next() {
        return counter.incrementAndGet();
    }

    Fd openDirectory(String path) throws ErrnoException {
        return files.openat(rootFd, path, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_NOFOLLOW, 0);
    }

    void rename(String from, String to) throws ErrnoException {
        files.renameat2(rootFd, from, rootFd, to, 0);
    }

    /** Takes something out of use at once; {@link #emptyTrash} frees its space. Nothing there is no error. */
    void discard(String directory, String name) throws ErrnoException {
        try {
            rename(join(directory, name), TRASH + "/" + next());
        } catch (ErrnoException e) {
            if (!e.is(Errno.ENOENT)) {
                throw e;
            }
        }
    }

    void emptyTrash() throws ErrnoException {
        try (Fd trash = openDirectory(TRASH)) {
            for (DirectoryEntry entry : files.list(trash)) {
                RemovedTree.remove(files, trash, entry.name());
            }
        }
    }

    /** Blocks and inodes of a directory tree, its own inode included. */
    StoreUsage measure(String path) throws ErrnoException {
        return TreeUsage.of(files, rootFd, path);
    }

    @Override
    public void close() {
        lock.close();
        rootFd.close();
    }
}
