package dev.gantry.linux;

import java.util.Map;
import java.util.TreeMap;

/** Flags by name, for messages. */
final class Names {
    private static final Map<Long, String> OPEN = names(
            "O_WRONLY", Fcntl.O_WRONLY,
            "O_RDWR", Fcntl.O_RDWR,
            "O_CREAT", Fcntl.O_CREAT,
            "O_EXCL", Fcntl.O_EXCL,
            "O_NOCTTY", Fcntl.O_NOCTTY,
            "O_TRUNC", Fcntl.O_TRUNC,
            "O_APPEND", Fcntl.O_APPEND,
            "O_NONBLOCK", Fcntl.O_NONBLOCK,
            "O_DIRECTORY", Fcntl.O_DIRECTORY,
            "O_NOFOLLOW", Fcntl.O_NOFOLLOW,
            "O_CLOEXEC", Fcntl.O_CLOEXEC,
            "O_PATH", Fcntl.O_PATH);

    private static final Map<Long, String> RESOLVE = names(
            "RESOLVE_NO_XDEV", Fcntl.RESOLVE_NO_XDEV,
            "RESOLVE_NO_MAGICLINKS", Fcntl.RESOLVE_NO_MAGICLINKS,
            "RESOLVE_NO_SYMLINKS", Fcntl.RESOLVE_NO_SYMLINKS,
            "RESOLVE_BENEATH", Fcntl.RESOLVE_BENEATH,
            "RESOLVE_IN_ROOT", Fcntl.RESOLVE_IN_ROOT);

    private static final Map<Long, String> MOUNT = names(
            "MS_RDONLY", MountFlags.MS_RDONLY,
            "MS_NOSUID", MountFlags.MS_NOSUID,
            "MS_NODEV", MountFlags.MS_NODEV,
            "MS_NOEXEC", MountFlags.MS_NOEXEC,
            "MS_REMOUNT", MountFlags.MS_REMOUNT,
            "MS_NOATIME", MountFlags.MS_NOATIME,
            "MS_BIND", MountFlags.MS_BIND,
            "MS_MOVE", MountFlags.MS_MOVE,
            "MS_REC", MountFlags.MS_REC,
            "MS_SILENT", MountFlags.MS_SILENT,
            "MS_UNBINDABLE", MountFlags.MS_UNBINDABLE,
            "MS_PRIVATE", MountFlags.MS_PRIVATE,
            "MS_SLAVE", MountFlags.MS_SLAVE,
            "MS_SHARED", MountFlags.MS_SHARED,
            "MS_RELATIME", MountFlags.MS_RELATIME,
            "MS_STRICTATIME", MountFlags.MS_STRICTATIME);

    private static final Map<Long, String> CLONE = names(
            "CLONE_FS", Sched.CLONE_FS,
            "CLONE_FILES", Sched.CLONE_FILES,
            "CLONE_NEWTIME", Sched.CLONE_NEWTIME,
            "CLONE_NEWNS", Sched.CLONE_NEWNS,
            "CLONE_NEWCGROUP", Sched.CLONE_NEWCGROUP,
            "CLONE_NEWUTS", Sched.CLONE_NEWUTS,
            "CLONE_NEWIPC", Sched.CLONE_NEWIPC,
            "CLONE_NEWUSER", Sched.CLONE_NEWUSER,
            "CLONE_NEWPID", Sched.CLONE_NEWPID,
            "CLONE_NEWNET", Sched.CLONE_NEWNET);

    private Names() {}

    static String openFlags(int flags) {
        boolean readOnly = (flags & (Fcntl.O_WRONLY | Fcntl.O_RDWR | Fcntl.O_PATH)) == 0;
        if (!readOnly) {
            return format(flags, OPEN);
        }
        return flags == 0 ? "O_RDONLY" : "O_RDONLY|" + format(flags, OPEN);
    }

    static String resolveFlags(long flags) {
        return format(flags, RESOLVE);
    }

    static String mountFlags(long flags) {
        return format(flags, MOUNT);
    }

    static String cloneFlags(long flags) {
        return format(flags, CLONE);
    }

    private static String format(long flags, Map<Long, String> names) {
        if (flags == 0) {
            return "0";
        }
        StringBuilder text = new StringBuilder();
        long rest = flags;
        for (Map.Entry<Long, String> name : names.entrySet()) {
            if ((rest & name.getKey()) == name.getKey()) {
                text.append(text.isEmpty() ? "" : "|").append(name.getValue());
                rest &= ~name.getKey();
            }
        }
        if (rest != 0) {
            text.append(text.isEmpty() ? "" : "|").append(Kernel.hex(rest));
        }
        return text.toString();
    }

    private static Map<Long, String> names(Object... pairs) {
        Map<Long, String> names = new TreeMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            names.put(((Number) pairs[i + 1]).longValue(), (String) pairs[i]);
        }
        return names;
    }
}
