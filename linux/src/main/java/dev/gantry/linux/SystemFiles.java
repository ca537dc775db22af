package dev.gantry.linux;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

final class SystemFiles implements FileCalls {
    private static final int PATH_MAX = 4096;
    private static final int OPENAT2_ATTEMPTS = 32;
    private static final int SIZE_OF_OPEN_HOW = 24;
    private static final int SIZE_OF_STATX = 256;
    private static final int SIZE_OF_STATFS = 120;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_MNT_ID = 0x1000;
    private static final int XATTR_SIZE_MAX = 65536;
    private static final int XATTR_USUAL_BYTES = 1024;
    private static final long UTIME_OMIT = (1L << 30) - 2;

    @Override
    public Fd openat(Fd directory, String path, int flags, int mode) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            return Kernel.checkFd(
                    Kernel.raw(Syscall.OPENAT, directory.number(), scratch.string(path), flags | Fcntl.O_CLOEXEC, mode),
                    () -> "open(%s, %s)".formatted(Kernel.describe(directory, path), Names.openFlags(flags)));
        }
    }

    @Override
    public Fd openat2(Fd directory, String path, int flags, int mode, long resolve) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block how = scratch.allocate(SIZE_OF_OPEN_HOW);
            how.putLong(0, (flags | Fcntl.O_CLOEXEC) & 0xffffffffL);
            how.putLong(8, mode);
            how.putLong(16, resolve);
            long name = scratch.string(path);
            long result = 0;
            for (int attempt = 0; attempt < OPENAT2_ATTEMPTS; attempt++) {
                result = Kernel.raw(Syscall.OPENAT2, directory.number(), name, how.address(), SIZE_OF_OPEN_HOW);
                if (result != -Errno.EAGAIN.number()) {
                    break;
                }
            }
            return Kernel.checkFd(
                    result,
                    () -> "openat2(%s, %s, %s, %s)"
                            .formatted(
                                    Kernel.describe(directory),
                                    Kernel.quote(path),
                                    Names.openFlags(flags),
                                    Names.resolveFlags(resolve)));
        }
    }

    @Override
    public int read(Fd file, byte[] buffer, int offset, int length) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block block = scratch.allocate(Math.min(length, scratch.remaining()));
            int count = (int) Kernel.check(
                    Kernel.raw(Syscall.READ, file.number(), block.address(), block.size()),
                    () -> "read(%s, %d)".formatted(Kernel.describe(file), block.size()));
            block.get(0, buffer, offset, count);
            return count;
        }
    }

    @Override
    public int read(Fd file, ByteBuffer buffer) throws ErrnoException {
        return transferIn(Syscall.READ, file, buffer, 0);
    }

    @Override
    public int pread(Fd file, ByteBuffer buffer, long offset) throws ErrnoException {
        return transferIn(Syscall.PREAD64, file, buffer, offset);
    }

    private static int transferIn(Syscall call, Fd file, ByteBuffer buffer, long offset) throws ErrnoException {
        int position = buffer.position();
        int length = buffer.remaining();
        int count;
        if (buffer.isDirect()) {
            count = transfer(call, file, Scratch.address(buffer) + position, length, offset);
        } else {
            try (Scratch scratch = Scratch.open()) {
                Scratch.Block block = scratch.allocate(Math.min(length, scratch.remaining()));
                count = transfer(call, file, block.address(), block.size(), offset);
                buffer.put(position, block.get(0, count));
            }
        }
        buffer.position(position + count);
        return count;
    }

    @Override
    public int write(Fd file, byte[] buffer, int offset, int length) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block block = scratch.allocate(Math.min(length, scratch.remaining()));
            block.put(0, buffer, offset, block.size());
            return transfer(Syscall.WRITE, file, block.address(), block.size(), 0);
        }
    }

    @Override
    public int write(Fd file, ByteBuffer buffer) throws ErrnoException {
        return transferOut(Syscall.WRITE, file, buffer, 0);
    }

    @Override
    public int pwrite(Fd file, ByteBuffer buffer, long offset) throws ErrnoException {
        return transferOut(Syscall.PWRITE64, file, buffer, offset);
    }

    private static int transferOut(Syscall call, Fd file, ByteBuffer buffer, long offset) throws ErrnoException {
        int position = buffer.position();
        int length = buffer.remaining();
        int count;
        if (buffer.isDirect()) {
            count = transfer(call, file, Scratch.address(buffer) + position, length, offset);
        } else {
            try (Scratch scratch = Scratch.open()) {
                Scratch.Block block = scratch.allocate(Math.min(length, scratch.remaining()));
                block.put(0, buffer, position, block.size());
                count = transfer(call, file, block.address(), block.size(), offset);
            }
        }
        buffer.position(position + count);
        return count;
    }

    private static int transfer(Syscall call, Fd file, long address, int length, long offset) throws ErrnoException {
        return (int) Kernel.check(
                Kernel.raw(call, file.number(), address, length, offset),
                () -> "%s(%s, %d bytes)".formatted(call.callName(), Kernel.describe(file), length));
    }

    @Override
    public long lseek(Fd file, long offset, int whence) throws ErrnoException {
        return Kernel.check(
                Kernel.raw(Syscall.LSEEK, file.number(), offset, whence),
                () -> "lseek(%s, %d, %d)".formatted(Kernel.describe(file), offset, whence));
    }

    @Override
    public long copyFileRange(Fd from, Fd to, long length) throws ErrnoException {
        return Kernel.check(
                Kernel.raw(Syscall.COPY_FILE_RANGE, from.number(), 0, to.number(), 0, length, 0),
                () -> "copy_file_range(%s, %s, %d)".formatted(Kernel.describe(from), Kernel.describe(to), length));
    }

    @Override
    public Fd dup(Fd file) throws ErrnoException {
        return Fd.of(fcntl(file, Fcntl.F_DUPFD_CLOEXEC, 0));
    }

    @Override
    public int fcntl(Fd file, int command, int argument) throws ErrnoException {
        return (int) Kernel.check(
                Kernel.raw(Syscall.FCNTL, file.number(), command, argument),
                () -> "fcntl(%s, %d, %s)".formatted(Kernel.describe(file), command, Kernel.hex(argument)));
    }

    @Override
    public FileStatus fstat(Fd file) throws ErrnoException {
        return fstatat(file, "", Fcntl.AT_EMPTY_PATH);
    }

    @Override
    public FileStatus fstatat(Fd directory, String path, int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block stat = scratch.allocate(SIZE_OF_STATX);
            Kernel.check(
                    Kernel.raw(
                            Syscall.STATX,
                            directory.number(),
                            scratch.string(path),
                            flags,
                            STATX_BASIC_STATS | STATX_MNT_ID,
                            stat.address(),
                            0),
                    () -> "statx(%s, %s)".formatted(Kernel.describe(directory, path), Kernel.hex(flags)));
            return fileStatus(stat);
        }
    }

    /** struct statx of linux/stat.h, the same on all machines. */
    private static FileStatus fileStatus(Scratch.Block stat) {
        boolean hasMountId = (stat.getInt(0) & STATX_MNT_ID) != 0;
        return new FileStatus(
                stat.getShort(28),
                stat.getLong(32),
                stat.getInt(16),
                stat.getInt(20),
                stat.getInt(24),
                stat.getLong(40),
                stat.getLong(48),
                stat.getInt(128),
                stat.getInt(132),
                (stat.getInt(136) & 0xffffffffL) << 32 | (stat.getInt(140) & 0xffffffffL),
                hasMountId ? stat.getLong(144) : 0,
                instant(stat, 64),
                instant(stat, 112),
                instant(stat, 96));
    }

    private static Instant instant(Scratch.Block stat, int offset) {
        return Instant.ofEpochSecond(stat.getLong(offset), stat.getInt(offset + 8));
    }

    @Override
    public FileSystemStatus fstatfs(Fd file) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block stat = scratch.allocate(SIZE_OF_STATFS);
            Kernel.check(
                    Kernel.raw(Syscall.FSTATFS, file.number(), stat.address()),
                    () -> "fstatfs(%s)".formatted(Kernel.describe(file)));
            return fileSystemStatus(stat);
        }
    }

    @Override
    public FileSystemStatus statfs(String path) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block stat = scratch.allocate(SIZE_OF_STATFS);
            Kernel.check(
                    Kernel.raw(Syscall.STATFS, scratch.string(path), stat.address()),
                    () -> "statfs(%s)".formatted(Kernel.quote(path)));
            return fileSystemStatus(stat);
        }
    }

    private static FileSystemStatus fileSystemStatus(Scratch.Block stat) {
        long block = stat.getLong(8);
        return new FileSystemStatus(
                stat.getLong(0),
                block,
                stat.getLong(16) * block,
                stat.getLong(24) * block,
                stat.getLong(32) * block,
                stat.getLong(40),
                stat.getLong(48),
                stat.getLong(80));
    }

    @Override
    public void faccessat(Fd directory, String path, int mode) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(Syscall.FACCESSAT, directory.number(), scratch.string(path), mode),
                    () -> "faccessat(%s, %d)".formatted(Kernel.describe(directory, path), mode));
        }
    }

    @Override
    public void mkdirat(Fd directory, String path, int mode) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(Syscall.MKDIRAT, directory.number(), scratch.string(path), mode),
                    () -> "mkdir(%s, 0%o)".formatted(Kernel.describe(directory, path), mode));
        }
    }

    @Override
    public void mknodat(Fd directory, String path, int mode, int major, int minor) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(
                            Syscall.MKNODAT,
                            directory.number(),
                            scratch.string(path),
                            mode,
                            deviceNumber(major, minor)),
                    () -> "mknod(%s, 0%o, %d:%d)".formatted(Kernel.describe(directory, path), mode, major, minor));
        }
    }

    /** new_encode_dev of linux/kdev_t.h. */
    static long deviceNumber(int major, int minor) {
        return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) & 0xffffffffL;
    }

    @Override
    public void symlinkat(String target, Fd directory, String path) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(Syscall.SYMLINKAT, scratch.string(target), directory.number(), scratch.string(path)),
                    () -> "symlink(%s, %s)".formatted(Kernel.quote(target), Kernel.describe(directory, path)));
        }
    }

    @Override
    public void linkat(Fd oldDirectory, String oldPath, Fd newDirectory, String newPath, int flags)
            throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(
                            Syscall.LINKAT,
                            oldDirectory.number(),
                            scratch.string(oldPath),
                            newDirectory.number(),
                            scratch.string(newPath),
                            flags,
                            0),
                    () -> "link(%s, %s)"
                            .formatted(Kernel.describe(oldDirectory, oldPath), Kernel.describe(newDirectory, newPath)));
        }
    }

    @Override
    public void unlinkat(Fd directory, String path, int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(Syscall.UNLINKAT, directory.number(), scratch.string(path), flags),
                    () -> "%s(%s)"
                            .formatted(
                                    flags == Fcntl.AT_REMOVEDIR ? "rmdir" : "unlink",
                                    Kernel.describe(directory, path)));
        }
    }

    @Override
    public void renameat2(Fd oldDirectory, String oldPath, Fd newDirectory, String newPath, int flags)
            throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(
                            Syscall.RENAMEAT2,
                            oldDirectory.number(),
                            scratch.string(oldPath),
                            newDirectory.number(),
                            scratch.string(newPath),
                            flags,
                            0),
                    () -> "rename(%s, %s)"
                            .formatted(Kernel.describe(oldDirectory, oldPath), Kernel.describe(newDirectory, newPath)));
        }
    }

    @Override
    public String readlinkat(Fd directory, String path) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block target = scratch.allocate(PATH_MAX);
            int length = (int) Kernel.check(
                    Kernel.raw(
                            Syscall.READLINKAT,
                            directory.number(),
                            scratch.string(path),
                            target.address(),
                            target.size()),
                    () -> "readlink(%s)".formatted(Kernel.describe(directory, path)));
            return RawName.decode(target.get(0, length));
        }
    }

    @Override
    public void fchownat(Fd directory, String path, int uid, int gid, int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(Syscall.FCHOWNAT, directory.number(), scratch.string(path), uid, gid, flags, 0),
                    () -> "chown(%s, %d, %d)".formatted(Kernel.describe(directory, path), uid, gid));
        }
    }

    @Override
    public void fchown(Fd file, int uid, int gid) throws ErrnoException {
        Kernel.check(
                Kernel.raw(Syscall.FCHOWN, file.number(), uid, gid),
                () -> "fchown(%s, %d, %d)".formatted(Kernel.describe(file), uid, gid));
    }

    @Override
    public void fchmodat(Fd directory, String path, int mode) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(Syscall.FCHMODAT, directory.number(), scratch.string(path), mode),
                    () -> "chmod(%s, 0%o)".formatted(Kernel.describe(directory, path), mode));
        }
    }

    @Override
    public void fchmod(Fd file, int mode) throws ErrnoException {
        Kernel.check(
                Kernel.raw(Syscall.FCHMOD, file.number(), mode),
                () -> "fchmod(%s, 0%o)".formatted(Kernel.describe(file), mode));
    }

    @Override
    public void utimensat(
            Fd directory, String path, @Nullable Instant accessTime, @Nullable Instant modificationTime, int flags)
            throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(
                            Syscall.UTIMENSAT,
                            directory.number(),
                            scratch.string(path),
                            times(scratch, accessTime, modificationTime),
                            flags),
                    () -> "utimensat(%s, %s)".formatted(Kernel.describe(directory, path), modificationTime));
        }
    }

    @Override
    public void futimens(Fd file, @Nullable Instant accessTime, @Nullable Instant modificationTime)
            throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(Syscall.UTIMENSAT, file.number(), 0, times(scratch, accessTime, modificationTime), 0),
                    () -> "futimens(%s, %s)".formatted(Kernel.describe(file), modificationTime));
        }
    }

    private static long times(Scratch scratch, @Nullable Instant access, @Nullable Instant modification) {
        Scratch.Block times = scratch.allocate(32);
        putTime(times, 0, access);
        putTime(times, 16, modification);
        return times.address();
    }

    private static void putTime(Scratch.Block times, int offset, @Nullable Instant time) {
        times.putLong(offset, time == null ? 0 : time.getEpochSecond());
        times.putLong(offset + 8, time == null ? UTIME_OMIT : time.getNano());
    }

    @Override
    public Optional<byte[]> fgetxattr(Fd file, String name) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            return getxattr(Syscall.FGETXATTR, scratch, file.number(), name, () -> Kernel.describe(file));
        }
    }

    @Override
    public Optional<byte[]> lgetxattr(String path, String name) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            return getxattr(Syscall.LGETXATTR, scratch, scratch.string(path), name, () -> Kernel.quote(path));
        }
    }

    private static Optional<byte[]> getxattr(
            Syscall call, Scratch scratch, long file, String name, Supplier<String> words) throws ErrnoException {
        long attribute = scratch.string(name);
        Scratch.Block value = scratch.allocate(XATTR_USUAL_BYTES);
        long size = Kernel.raw(call, file, attribute, value.address(), value.size());
        if (size == -Errno.ERANGE.number()) {
            value = scratch.allocate(XATTR_SIZE_MAX);
            size = Kernel.raw(call, file, attribute, value.address(), value.size());
        }
        if (size == -Errno.ENODATA.number()) {
            return Optional.empty();
        }
        Kernel.check(size, () -> "%s(%s, %s)".formatted(call.callName(), words.get(), Kernel.quote(name)));
        return Optional.of(value.get(0, (int) size));
    }

    @Override
    public void fsetxattr(Fd file, String name, byte[] value, int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            setxattr(Syscall.FSETXATTR, scratch, file.number(), name, value, flags, () -> Kernel.describe(file));
        }
    }

    @Override
    public void lsetxattr(String path, String name, byte[] value, int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            setxattr(Syscall.LSETXATTR, scratch, scratch.string(path), name, value, flags, () -> Kernel.quote(path));
        }
    }

    private static void setxattr(
            Syscall call, Scratch scratch, long file, String name, byte[] value, int flags, Supplier<String> words)
            throws ErrnoException {
        Scratch.Block block = scratch.bytes(value);
        Kernel.check(
                Kernel.raw(call, file, scratch.string(name), block.address(), value.length, flags, 0),
                () -> "%s(%s, %s, %d bytes)".formatted(call.callName(), words.get(), Kernel.quote(name), value.length));
    }

    @Override
    public List<String> flistxattr(Fd file) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            return listxattr(Syscall.FLISTXATTR, scratch, file.number(), () -> Kernel.describe(file));
        }
    }

    @Override
    public List<String> llistxattr(String path) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            return listxattr(Syscall.LLISTXATTR, scratch, scratch.string(path), () -> Kernel.quote(path));
        }
    }

    private static List<String> listxattr(Syscall call, Scratch scratch, long file, Supplier<String> words)
            throws ErrnoException {
        Scratch.Block names = scratch.allocate(XATTR_USUAL_BYTES);
        long size = Kernel.raw(call, file, names.address(), names.size());
        if (size == -Errno.ERANGE.number()) {
            names = scratch.allocate(XATTR_SIZE_MAX);
            size = Kernel.raw(call, file, names.address(), names.size());
        }
        Kernel.check(size, () -> "%s(%s)".formatted(call.callName(), words.get()));
        List<String> list = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < size; i++) {
            if (names.getByte(i) == 0) {
                list.add(RawName.decode(names.get(from, i - from)));
                from = i + 1;
            }
        }
        return list;
    }

    @Override
    public void fremovexattr(Fd file, String name) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(Syscall.FREMOVEXATTR, file.number(), scratch.string(name)),
                    () -> "fremovexattr(%s, %s)".formatted(Kernel.describe(file), Kernel.quote(name)));
        }
    }

    @Override
    public void lremovexattr(String path, String name) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(Syscall.LREMOVEXATTR, scratch.string(path), scratch.string(name)),
                    () -> "lremovexattr(%s, %s)".formatted(Kernel.quote(path), Kernel.quote(name)));
        }
    }

    @Override
    public void fsync(Fd file) throws ErrnoException {
        onFile(Syscall.FSYNC, file);
    }

    @Override
    public void fdatasync(Fd file) throws ErrnoException {
        onFile(Syscall.FDATASYNC, file);
    }

    @Override
    public void syncfs(Fd file) throws ErrnoException {
        onFile(Syscall.SYNCFS, file);
    }

    private static void onFile(Syscall call, Fd file) throws ErrnoException {
        Kernel.check(Kernel.raw(call, file.number()), () -> "%s(%s)".formatted(call.callName(), Kernel.describe(file)));
    }

    @Override
    public void ftruncate(Fd file, long length) throws ErrnoException {
        Kernel.check(
                Kernel.raw(Syscall.FTRUNCATE, file.number(), length),
                () -> "ftruncate(%s, %d)".formatted(Kernel.describe(file), length));
    }

    @Override
    public void fallocate(Fd file, int mode, long offset, long length) throws ErrnoException {
        Kernel.check(
                Kernel.raw(Syscall.FALLOCATE, file.number(), mode, offset, length),
                () -> "fallocate(%s, %d, %d, %d)".formatted(Kernel.describe(file), mode, offset, length));
    }

    @Override
    public void flock(Fd file, int operation) throws ErrnoException {
        Kernel.check(
                Kernel.raw(Syscall.FLOCK, file.number(), operation),
                () -> "flock(%s, %d)".formatted(Kernel.describe(file), operation));
    }

    @Override
    public int ioctl(Fd file, long request, long argument) throws ErrnoException {
        return (int) Kernel.check(
                Kernel.raw(Syscall.IOCTL, file.number(), request, argument),
                () -> "ioctl(%s, %s)".formatted(Kernel.describe(file), Kernel.hex(request)));
    }

    @Override
    public int ioctl(Fd file, long request, byte[] argument) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block block = scratch.bytes(argument);
            int result = ioctl(file, request, block.address());
            block.get(0, argument, 0, argument.length);
            return result;
        }
    }

    @Override
    public List<DirectoryEntry> list(Fd directory) throws ErrnoException {
        List<DirectoryEntry> entries = new ArrayList<>();
        lseek(directory, 0, Fcntl.SEEK_SET);
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block block = scratch.allocate(32 << 10);
            while (true) {
                int size = (int) Kernel.check(
                        Kernel.raw(Syscall.GETDENTS64, directory.number(), block.address(), block.size()),
                        () -> "getdents64(%s)".formatted(Kernel.describe(directory)));
                if (size == 0) {
                    return entries;
                }
                addEntries(block, size, entries);
            }
        }
    }

    /** struct linux_dirent64 of getdents(2). */
    private static void addEntries(Scratch.Block block, int size, List<DirectoryEntry> entries) {
        int at = 0;
        while (at < size) {
            int recordLength = block.getShort(at + 16);
            String name = block.string(at + 19, recordLength - 19);
            if (!name.equals(".") && !name.equals("..")) {
                entries.add(new DirectoryEntry(name, block.getLong(at), block.getByte(at + 18)));
            }
            at += recordLength;
        }
    }

    @Override
    public byte[] readSmallFile(Fd directory, String path) throws ErrnoException {
        try (Fd file = openat(directory, path, Fcntl.O_RDONLY, 0);
                Scratch scratch = Scratch.open()) {
            Scratch.Block block = scratch.allocate(Scratch.BYTES);
            int first = transfer(Syscall.READ, file, block.address(), block.size(), 0);
            // a short read need not be the end: seq_file gives one buffer per call
            if (first < block.size()) {
                int second = transfer(Syscall.READ, file, block.address() + first, block.size() - first, 0);
                if (second == 0) {
                    return block.get(0, first);
                }
                first += second;
            }
            ByteArrayOutputStream content = new ByteArrayOutputStream(2 * Scratch.BYTES);
            content.writeBytes(block.get(0, first));
            for (int count = 1; count > 0; ) {
                count = transfer(Syscall.READ, file, block.address(), block.size(), 0);
                content.writeBytes(block.get(0, count));
                if (content.size() > SMALL_FILE_BYTES) {
                    throw new ErrnoException("read(%s)".formatted(Kernel.describe(directory, path)), Errno.EFBIG);
                }
            }
            return content.toByteArray();
        }
    }

    @Override
    public void writeSmallFile(Fd directory, String path, String value) throws ErrnoException {
        try (Fd file = openat(directory, path, Fcntl.O_WRONLY, 0);
                Scratch scratch = Scratch.open()) {
            Scratch.Block block = scratch.bytes(RawName.encode(value));
            long count = Kernel.check(
                    Kernel.raw(Syscall.WRITE, file.number(), block.address(), block.size()),
                    () -> "write %s to %s".formatted(Kernel.quote(value), place(directory, path)));
            if (count < block.size()) {
                throw new ErrnoException(
                        "write %s to %s".formatted(Kernel.quote(value), place(directory, path)),
                        Errno.EIO.number(),
                        "only %d bytes were taken".formatted(count));
            }
        }
    }

    /** A path to show: the directory's and the name in it. */
    private static String place(Fd directory, String path) {
        return directory == Fd.AT_FDCWD || path.startsWith("/") ? path : Kernel.describe(directory) + "/" + path;
    }
}
