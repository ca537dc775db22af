package dev.gantry.linux;

import java.util.List;
import org.jspecify.annotations.Nullable;

final class SystemMounts implements Mounts {
    private static final int LOG_MESSAGE_BYTES = 4096;

    private final FileCalls files;

    SystemMounts(FileCalls files) {
        this.files = files;
    }

    @Override
    public void mount(
            @Nullable String source, String target, @Nullable String fileSystemType, long flags, @Nullable String data)
            throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(
                            Syscall.MOUNT,
                            scratch.nullableString(source),
                            scratch.string(target),
                            scratch.nullableString(fileSystemType),
                            flags,
                            scratch.nullableString(data),
                            0),
                    () -> "mount(%s, %s, %s, %s, %s)"
                            .formatted(
                                    Kernel.quote(source),
                                    Kernel.quote(target),
                                    Kernel.quote(fileSystemType),
                                    Names.mountFlags(flags),
                                    Kernel.quote(data)));
        }
    }

    @Override
    public void umount2(String target, int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(Syscall.UMOUNT2, scratch.string(target), flags),
                    () -> "umount2(%s, %s)".formatted(Kernel.quote(target), Kernel.hex(flags)));
        }
    }

    @Override
    public void pivotRoot(String newRoot, String putOld) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(Syscall.PIVOT_ROOT, scratch.string(newRoot), scratch.string(putOld)),
                    () -> "pivot_root(%s, %s)".formatted(Kernel.quote(newRoot), Kernel.quote(putOld)));
        }
    }

    @Override
    public Fd openTree(Fd directory, String path, int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            return Kernel.checkFd(
                    Kernel.raw(
                            Syscall.OPEN_TREE,
                            directory.number(),
                            scratch.string(path),
                            flags | MountFlags.OPEN_TREE_CLOEXEC),
                    () -> "open_tree(%s, %s)".formatted(Kernel.describe(directory, path), Kernel.hex(flags)));
        }
    }

    @Override
    public void moveMount(Fd fromDirectory, String fromPath, Fd toDirectory, String toPath, int flags)
            throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Kernel.check(
                    Kernel.raw(
                            Syscall.MOVE_MOUNT,
                            fromDirectory.number(),
                            scratch.string(fromPath),
                            toDirectory.number(),
                            scratch.string(toPath),
                            flags,
                            0),
                    () -> "move_mount(%s, %s, %s)"
                            .formatted(
                                    Kernel.describe(fromDirectory, fromPath),
                                    Kernel.describe(toDirectory, toPath),
                                    Kernel.hex(flags)));
        }
    }

    @Override
    public Fd fsopen(String fileSystemType) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            return Kernel.checkFd(
                    Kernel.raw(Syscall.FSOPEN, scratch.string(fileSystemType), MountFlags.FSOPEN_CLOEXEC),
                    () -> "fsopen(%s)".formatted(Kernel.quote(fileSystemType)));
        }
    }

    @Override
    public Fd fspick(Fd directory, String path, int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            return Kernel.checkFd(
                    Kernel.raw(
                            Syscall.FSPICK,
                            directory.number(),
                            scratch.string(path),
                            flags | MountFlags.FSPICK_CLOEXEC),
                    () -> "fspick(%s, %s)".formatted(Kernel.describe(directory, path), Kernel.hex(flags)));
        }
    }

    @Override
    public void fsconfigString(Fd context, String key, String value) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            fsconfig(
                    context,
                    MountFlags.FSCONFIG_SET_STRING,
                    scratch.string(key),
                    scratch.string(value),
                    0,
                    "FSCONFIG_SET_STRING, %s, %s".formatted(Kernel.quote(key), Kernel.quote(value)));
        }
    }

    @Override
    public void fsconfigFlag(Fd context, String key) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            fsconfig(
                    context,
                    MountFlags.FSCONFIG_SET_FLAG,
                    scratch.string(key),
                    0,
                    0,
                    "FSCONFIG_SET_FLAG, %s".formatted(Kernel.quote(key)));
        }
    }

    @Override
    public void fsconfigFd(Fd context, String key, Fd value) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            fsconfig(
                    context,
                    MountFlags.FSCONFIG_SET_FD,
                    scratch.string(key),
                    0,
                    value.number(),
                    "FSCONFIG_SET_FD, %s, %s".formatted(Kernel.quote(key), value));
        }
    }

    @Override
    public void fsconfigCreate(Fd context) throws ErrnoException {
        fsconfig(context, MountFlags.FSCONFIG_CMD_CREATE, 0, 0, 0, "FSCONFIG_CMD_CREATE");
    }

    @Override
    public void fsconfigReconfigure(Fd context) throws ErrnoException {
        fsconfig(context, MountFlags.FSCONFIG_CMD_RECONFIGURE, 0, 0, 0, "FSCONFIG_CMD_RECONFIGURE");
    }

    private void fsconfig(Fd context, int command, long key, long value, int aux, String words) throws ErrnoException {
        long result = Kernel.raw(Syscall.FSCONFIG, context.number(), command, key, value, aux, 0);
        checkWithLog(result, context, "fsconfig(%s, %s)", words);
    }

    @Override
    public Fd fsmount(Fd context, long attributes) throws ErrnoException {
        long result = Kernel.raw(Syscall.FSMOUNT, context.number(), MountFlags.FSMOUNT_CLOEXEC, attributes);
        checkWithLog(result, context, "fsmount(%s, %s)", Kernel.hex(attributes));
        return Fd.of((int) result);
    }

    private void checkWithLog(long result, Fd context, String format, String words) throws ErrnoException {
        if (Kernel.isError(result)) {
            throw new ErrnoException(
                    format.formatted(Kernel.describe(context), words), (int) -result, contextLog(context));
        }
    }

    /** What the file system said since the last time; one message per read(2), ENODATA after the last. */
    private String contextLog(Fd context) {
        StringBuilder log = new StringBuilder();
        byte[] message = new byte[LOG_MESSAGE_BYTES];
        try {
            while (log.length() < LOG_MESSAGE_BYTES) {
                int length = files.read(context, message, 0, message.length);
                log.append(log.isEmpty() ? "" : "; ")
                        .append(RawName.decode(message, 0, length).strip());
            }
        } catch (ErrnoException endOfLog) {
            // nothing more to add to the failure that is being reported
        }
        return log.toString();
    }

    @Override
    public void mountSetattr(
            Fd directory, String path, int flags, long set, long clear, long propagation, @Nullable Fd userNamespace)
            throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block attributes = scratch.allocate(MountFlags.MOUNT_ATTR_SIZE_VER0);
            attributes.putLong(0, set);
            attributes.putLong(8, clear);
            attributes.putLong(16, propagation);
            attributes.putLong(24, userNamespace == null ? 0 : userNamespace.number());
            Kernel.check(
                    Kernel.raw(
                            Syscall.MOUNT_SETATTR,
                            directory.number(),
                            scratch.string(path),
                            flags,
                            attributes.address(),
                            attributes.size(),
                            0),
                    () -> "mount_setattr(%s, %s, set %s, clear %s, propagation %s)"
                            .formatted(
                                    Kernel.describe(directory, path),
                                    Kernel.hex(flags),
                                    Kernel.hex(set),
                                    Kernel.hex(clear),
                                    Names.mountFlags(propagation)));
        }
    }

    @Override
    public List<MountInfo> mountInfo() throws ErrnoException {
        return MountInfo.parse(files.readSmallFile("/proc/thread-self/mountinfo"));
    }
}
