package dev.gantry.linux;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Files, directories and their attributes. */
public interface FileCalls {
    /** Largest file that {@link #readSmallFile} takes, in bytes; procfs and cgroupfs have none that is near. */
    int SMALL_FILE_BYTES = 4 << 20;

    /** {@code openat} with {@link Fcntl#O_CLOEXEC} added; {@code mode} counts with O_CREAT and O_TMPFILE only. */
    Fd openat(Fd directory, String path, int flags, int mode) throws ErrnoException;

    default Fd open(String path, int flags, int mode) throws ErrnoException {
        return openat(Fd.AT_FDCWD, path, flags, mode);
    }

    default Fd open(String path, int flags) throws ErrnoException {
        return openat(Fd.AT_FDCWD, path, flags, 0);
    }

    /**
     * Opens with restrictions on how the path is resolved. EAGAIN (a rename raced with {@code ..}) is retried a few
     * times.
     *
     * @param resolve RESOLVE_* of {@link Fcntl}
     */
    Fd openat2(Fd directory, String path, int flags, int mode, long resolve) throws ErrnoException;

    /** Returns the bytes read; 0 at the end of the file. May be fewer than asked. */
    int read(Fd file, byte[] buffer, int offset, int length) throws ErrnoException;

    /** Reads into the buffer's remaining space and moves its position; without a copy if it is direct. */
    int read(Fd file, ByteBuffer buffer) throws ErrnoException;

    int write(Fd file, byte[] buffer, int offset, int length) throws ErrnoException;

    int write(Fd file, ByteBuffer buffer) throws ErrnoException;

    int pread(Fd file, ByteBuffer buffer, long offset) throws ErrnoException;

    int pwrite(Fd file, ByteBuffer buffer, long offset) throws ErrnoException;

    /** Writes all of it, with as many calls as it takes. Not for files of procfs and cgroupfs. */
    default void writeFully(Fd file, byte[] data) throws ErrnoException {
        int done = 0;
        while (done < data.length) {
            done += write(file, data, done, data.length - done);
        }
    }

    default void writeFully(Fd file, ByteBuffer data) throws ErrnoException {
        while (data.hasRemaining()) {
            write(file, data);
        }
    }

    long lseek(Fd file, long offset, int whence) throws ErrnoException;

    /** Copies inside the kernel, from and to the files' positions; 0 at the end of the source. */
    long copyFileRange(Fd from, Fd to, long length) throws ErrnoException;

    /** A second number for the same open file. */
    Fd dup(Fd file) throws ErrnoException;

    int fcntl(Fd file, int command, int argument) throws ErrnoException;

    FileStatus fstat(Fd file) throws ErrnoException;

    /** {@code flags}: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH … */
    FileStatus fstatat(Fd directory, String path, int flags) throws ErrnoException;

    default FileStatus lstat(String path) throws ErrnoException {
        return fstatat(Fd.AT_FDCWD, path, Fcntl.AT_SYMLINK_NOFOLLOW);
    }

    FileSystemStatus fstatfs(Fd file) throws ErrnoException;

    FileSystemStatus statfs(String path) throws ErrnoException;

    void faccessat(Fd directory, String path, int mode) throws ErrnoException;

    void mkdirat(Fd directory, String path, int mode) throws ErrnoException;

    /** {@code mode} includes the type, S_IF*; the device counts for S_IFCHR and S_IFBLK only. */
    void mknodat(Fd directory, String path, int mode, int major, int minor) throws ErrnoException;

    void symlinkat(String target, Fd directory, String path) throws ErrnoException;

    void linkat(Fd oldDirectory, String oldPath, Fd newDirectory, String newPath, int flags) throws ErrnoException;

    void unlinkat(Fd directory, String path, int flags) throws ErrnoException;

    void renameat2(Fd oldDirectory, String oldPath, Fd newDirectory, String newPath, int flags) throws ErrnoException;

    default void rename(String from, String to) throws ErrnoException {
        renameat2(Fd.AT_FDCWD, from, Fd.AT_FDCWD, to, 0);
    }

    String readlinkat(Fd directory, String path) throws ErrnoException;

    /** -1 for an id leaves it alone. */
    void fchownat(Fd directory, String path, int uid, int gid, int flags) throws ErrnoException;

    void fchown(Fd file, int uid, int gid) throws ErrnoException;

    void fchmodat(Fd directory, String path, int mode) throws ErrnoException;

    void fchmod(Fd file, int mode) throws ErrnoException;

    /** A null time is left alone (UTIME_OMIT). */
    void utimensat(
            Fd directory, String path, @Nullable Instant accessTime, @Nullable Instant modificationTime, int flags)
            throws ErrnoException;

    void futimens(Fd file, @Nullable Instant accessTime, @Nullable Instant modificationTime) throws ErrnoException;

    /** Empty if there is no such attribute (ENODATA). */
    Optional<byte[]> fgetxattr(Fd file, String name) throws ErrnoException;

    Optional<byte[]> lgetxattr(String path, String name) throws ErrnoException;

    void fsetxattr(Fd file, String name, byte[] value, int flags) throws ErrnoException;

    void lsetxattr(String path, String name, byte[] value, int flags) throws ErrnoException;

    List<String> flistxattr(Fd file) throws ErrnoException;

    List<String> llistxattr(String path) throws ErrnoException;

    void fremovexattr(Fd file, String name) throws ErrnoException;

    void lremovexattr(String path, String name) throws ErrnoException;

    void fsync(Fd file) throws ErrnoException;

    void fdatasync(Fd file) throws ErrnoException;

    /** Writes out the whole file system that the file is on. */
    void syncfs(Fd file) throws ErrnoException;

    void ftruncate(Fd file, long length) throws ErrnoException;

    void fallocate(Fd file, int mode, long offset, long length) throws ErrnoException;

    /** With LOCK_NB, a lock that another holds is EAGAIN. */
    void flock(Fd file, int operation) throws ErrnoException;

    int ioctl(Fd file, long request, long argument) throws ErrnoException;

    /** {@code argument} is handed in and out by pointer. */
    int ioctl(Fd file, long request, byte[] argument) throws ErrnoException;

    /** What is in a directory, {@code .} and {@code ..} left out, in the file system's order. */
    List<DirectoryEntry> list(Fd directory) throws ErrnoException;

    /** Reads a whole file of procfs, sysfs, cgroupfs or such, up to {@link #SMALL_FILE_BYTES}; longer is EFBIG. */
    byte[] readSmallFile(Fd directory, String path) throws ErrnoException;

    default String readSmallFile(String path) throws ErrnoException {
        return RawName.decode(readSmallFile(Fd.AT_FDCWD, path));
    }

    /**
     * Writes a value with a single write(2) to a file that exists, as procfs and cgroupfs want it. The message of a
     * failure has the value.
     */
    void writeSmallFile(Fd directory, String path, String value) throws ErrnoException;

    default void writeSmallFile(String path, String value) throws ErrnoException {
        writeSmallFile(Fd.AT_FDCWD, path, value);
    }

    /**
     * Replaces a file so that a reader, or a start after a crash, sees the old or the new content, never a part: a
     * temporary file, fsync if {@code durable}, rename.
     */
    default void replaceFile(String path, byte[] content, int mode, boolean durable) throws ErrnoException {
        String temporary = path + ".new";
        try (Fd file = open(temporary, Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_TRUNC | Fcntl.O_NOFOLLOW, mode)) {
            writeFully(file, content);
            if (durable) {
                fsync(file);
            }
        }
        rename(temporary, path);
    }

    default void replaceFile(String path, String content, int mode, boolean durable) throws ErrnoException {
        replaceFile(path, content.getBytes(StandardCharsets.UTF_8), mode, durable);
    }
}
