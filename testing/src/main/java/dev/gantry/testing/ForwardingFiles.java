package dev.gantry.testing;

import dev.gantry.linux.DirectoryEntry;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.FileStatus;
import dev.gantry.linux.FileSystemStatus;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Hands every call on: the base of fakes that answer some calls themselves, e.g. with a full disk. */
public abstract class ForwardingFiles implements FileCalls {
    private final FileCalls delegate;

    protected ForwardingFiles(FileCalls delegate) {
        this.delegate = delegate;
    }

    @Override
    public Fd openat(Fd directory, String path, int flags, int mode) throws ErrnoException {
        return delegate.openat(directory, path, flags, mode);
    }

    @Override
    public Fd openat2(Fd directory, String path, int flags, int mode, long resolve) throws ErrnoException {
        return delegate.openat2(directory, path, flags, mode, resolve);
    }

    @Override
    public int read(Fd file, byte[] buffer, int offset, int length) throws ErrnoException {
        return delegate.read(file, buffer, offset, length);
    }

    @Override
    public int read(Fd file, ByteBuffer buffer) throws ErrnoException {
        return delegate.read(file, buffer);
    }

    @Override
    public int write(Fd file, byte[] buffer, int offset, int length) throws ErrnoException {
        return delegate.write(file, buffer, offset, length);
    }

    @Override
    public int write(Fd file, ByteBuffer buffer) throws ErrnoException {
        return delegate.write(file, buffer);
    }

    @Override
    public int pread(Fd file, ByteBuffer buffer, long offset) throws ErrnoException {
        return delegate.pread(file, buffer, offset);
    }

    @Override
    public int pwrite(Fd file, ByteBuffer buffer, long offset) throws ErrnoException {
        return delegate.pwrite(file, buffer, offset);
    }

    @Override
    public long lseek(Fd file, long offset, int whence) throws ErrnoException {
        return delegate.lseek(file, offset, whence);
    }

    @Override
    public long copyFileRange(Fd from, Fd to, long length) throws ErrnoException {
        return delegate.copyFileRange(from, to, length);
    }

    @Override
    public Fd dup(Fd file) throws ErrnoException {
        return delegate.dup(file);
    }

    @Override
    public int fcntl(Fd file, int command, int argument) throws ErrnoException {
        return delegate.fcntl(file, command, argument);
    }

    @Override
    public FileStatus fstat(Fd file) throws ErrnoException {
        return delegate.fstat(file);
    }

    @Override
    public FileStatus fstatat(Fd directory, String path, int flags) throws ErrnoException {
        return delegate.fstatat(directory, path, flags);
    }

    @Override
    public FileSystemStatus fstatfs(Fd file) throws ErrnoException {
        return delegate.fstatfs(file);
    }

    @Override
    public FileSystemStatus statfs(String path) throws ErrnoException {
        return delegate.statfs(path);
    }

    @Override
    public void faccessat(Fd directory, String path, int mode) throws ErrnoException {
        delegate.faccessat(directory, path, mode);
    }

    @Override
    public void mkdirat(Fd directory, String path, int mode) throws ErrnoException {
        delegate.mkdirat(directory, path, mode);
    }

    @Override
    public void mknodat(Fd directory, String path, int mode, int major, int minor) throws ErrnoException {
        delegate.mknodat(directory, path, mode, major, minor);
    }

    @Override
    public void symlinkat(String target, Fd directory, String path) throws ErrnoException {
        delegate.symlinkat(target, directory, path);
    }

    @Override
    public void linkat(Fd oldDirectory, String oldPath, Fd newDirectory, String newPath, int flags)
            throws ErrnoException {
        delegate.linkat(oldDirectory, oldPath, newDirectory, newPath, flags);
    }

    @Override
    public void unlinkat(Fd directory, String path, int flags) throws ErrnoException {
        delegate.unlinkat(directory, path, flags);
    }

    @Override
    public void renameat2(Fd oldDirectory, String oldPath, Fd newDirectory, String newPath, int flags)
            throws ErrnoException {
        delegate.renameat2(oldDirectory, oldPath, newDirectory, newPath, flags);
    }

    @Override
    public String readlinkat(Fd directory, String path) throws ErrnoException {
        return delegate.readlinkat(directory, path);
    }

    @Override
    public void fchownat(Fd directory, String path, int uid, int gid, int flags) throws ErrnoException {
        delegate.fchownat(directory, path, uid, gid, flags);
    }

    @Override
    public void fchown(Fd file, int uid, int gid) throws ErrnoException {
        delegate.fchown(file, uid, gid);
    }

    @Override
    public void fchmodat(Fd directory, String path, int mode) throws ErrnoException {
        delegate.fchmodat(directory, path, mode);
    }

    @Override
    public void fchmod(Fd file, int mode) throws ErrnoException {
        delegate.fchmod(file, mode);
    }

    @Override
    public void utimensat(
            Fd directory, String path, @Nullable Instant accessTime, @Nullable Instant modificationTime, int flags)
            throws ErrnoException {
        delegate.utimensat(directory, path, accessTime, modificationTime, flags);
    }

    @Override
    public void futimens(Fd file, @Nullable Instant accessTime, @Nullable Instant modificationTime)
            throws ErrnoException {
        delegate.futimens(file, accessTime, modificationTime);
    }

    @Override
    public Optional<byte[]> fgetxattr(Fd file, String name) throws ErrnoException {
        return delegate.fgetxattr(file, name);
    }

    @Override
    public Optional<byte[]> lgetxattr(String path, String name) throws ErrnoException {
        return delegate.lgetxattr(path, name);
    }

    @Override
    public void fsetxattr(Fd file, String name, byte[] value, int flags) throws ErrnoException {
        delegate.fsetxattr(file, name, value, flags);
    }

    @Override
    public void lsetxattr(String path, String name, byte[] value, int flags) throws ErrnoException {
        delegate.lsetxattr(path, name, value, flags);
    }

    @Override
    public List<String> flistxattr(Fd file) throws ErrnoException {
        return delegate.flistxattr(file);
    }

    @Override
    public List<String> llistxattr(String path) throws ErrnoException {
        return delegate.llistxattr(path);
    }

    @Override
    public void fremovexattr(Fd file, String name) throws ErrnoException {
        delegate.fremovexattr(file, name);
    }

    @Override
    public void lremovexattr(String path, String name) throws ErrnoException {
        delegate.lremovexattr(path, name);
    }

    @Override
    public void fsync(Fd file) throws ErrnoException {
        delegate.fsync(file);
    }

    @Override
    public void fdatasync(Fd file) throws ErrnoException {
        delegate.fdatasync(file);
    }

    @Override
    public void syncfs(Fd file) throws ErrnoException {
        delegate.syncfs(file);
    }

    @Override
    public void ftruncate(Fd file, long length) throws ErrnoException {
        delegate.ftruncate(file, length);
    }

    @Override
    public void fallocate(Fd file, int mode, long offset, long length) throws ErrnoException {
        delegate.fallocate(file, mode, offset, length);
    }

    @Override
    public void flock(Fd file, int operation) throws ErrnoException {
        delegate.flock(file, operation);
    }

    @Override
    public int ioctl(Fd file, long request, long argument) throws ErrnoException {
        return delegate.ioctl(file, request, argument);
    }

    @Override
    public int ioctl(Fd file, long request, byte[] argument) throws ErrnoException {
        return delegate.ioctl(file, request, argument);
    }

    @Override
    public List<DirectoryEntry> list(Fd directory) throws ErrnoException {
        return delegate.list(directory);
    }

    @Override
    public byte[] readSmallFile(Fd directory, String path) throws ErrnoException {
        return delegate.readSmallFile(directory, path);
    }

    @Override
    public void writeSmallFile(Fd directory, String path, String value) throws ErrnoException {
        delegate.writeSmallFile(directory, path, value);
    }
}
