package dev.gantry.runtime.program;

import dev.gantry.linux.Architecture;
import java.util.StringJoiner;

/** Shows flag words as the headers spell them. */
final class FlagText {
    static final FlagText MOUNT = new FlagText(
            "MS_RDONLY", 1L,
            "MS_NOSUID", 2L,
            "MS_NODEV", 4L,
            "MS_NOEXEC", 8L,
            "MS_SYNCHRONOUS", 0x10L,
            "MS_REMOUNT", 0x20L,
            "MS_NOSYMFOLLOW", 0x100L,
            "MS_NOATIME", 0x400L,
            "MS_NODIRATIME", 0x800L,
            "MS_BIND", 0x1000L,
            "MS_MOVE", 0x2000L,
            "MS_REC", 0x4000L,
            "MS_SILENT", 0x8000L,
            "MS_UNBINDABLE", 0x2_0000L,
            "MS_PRIVATE", 0x4_0000L,
            "MS_SLAVE", 0x8_0000L,
            "MS_SHARED", 0x10_0000L,
            "MS_RELATIME", 0x20_0000L,
            "MS_STRICTATIME", 0x100_0000L);
    static final FlagText UMOUNT =
            new FlagText("MNT_FORCE", 1L, "MNT_DETACH", 2L, "MNT_EXPIRE", 4L, "UMOUNT_NOFOLLOW", 8L);
    static final FlagText AT = new FlagText(
            "AT_SYMLINK_NOFOLLOW", 0x100L,
            "AT_REMOVEDIR", 0x200L,
            "AT_SYMLINK_FOLLOW", 0x400L,
            "AT_NO_AUTOMOUNT", 0x800L,
            "AT_EMPTY_PATH", 0x1000L,
            "AT_RECURSIVE", 0x8000L);
    static final FlagText OPEN_TREE = new FlagText(
            "OPEN_TREE_CLONE", 1L,
            "AT_SYMLINK_NOFOLLOW", 0x100L,
            "AT_NO_AUTOMOUNT", 0x800L,
            "AT_EMPTY_PATH", 0x1000L,
            "AT_RECURSIVE", 0x8000L,
            "OPEN_TREE_CLOEXEC", 0x8_0000L);
    static final FlagText MOVE_MOUNT = new FlagText(
            "MOVE_MOUNT_F_SYMLINKS", 1L,
            "MOVE_MOUNT_F_AUTOMOUNTS", 2L,
            "MOVE_MOUNT_F_EMPTY_PATH", 4L,
            "MOVE_MOUNT_T_SYMLINKS", 0x10L,
            "MOVE_MOUNT_T_AUTOMOUNTS", 0x20L,
            "MOVE_MOUNT_T_EMPTY_PATH", 0x40L,
            "MOVE_MOUNT_SET_GROUP", 0x100L,
            "MOVE_MOUNT_BENEATH", 0x200L);
    static final FlagText FSOPEN = new FlagText("FSOPEN_CLOEXEC", 1L);
    static final FlagText FSMOUNT = new FlagText("FSMOUNT_CLOEXEC", 1L);
    static final FlagText MOUNT_ATTR = new FlagText(
            "MOUNT_ATTR_RDONLY", 1L,
            "MOUNT_ATTR_NOSUID", 2L,
            "MOUNT_ATTR_NODEV", 4L,
            "MOUNT_ATTR_NOEXEC", 8L,
            "MOUNT_ATTR_NOATIME", 0x10L,
            "MOUNT_ATTR_STRICTATIME", 0x20L,
            "MOUNT_ATTR_NODIRATIME", 0x80L,
            "MOUNT_ATTR_IDMAP", 0x10_0000L,
            "MOUNT_ATTR_NOSYMFOLLOW", 0x20_0000L);
    static final FlagText RESOLVE = new FlagText(
            "RESOLVE_NO_XDEV", 1L,
            "RESOLVE_NO_MAGICLINKS", 2L,
            "RESOLVE_NO_SYMLINKS", 4L,
            "RESOLVE_BENEATH", 8L,
            "RESOLVE_IN_ROOT", 0x10L);
    static final FlagText CLONE = new FlagText(
            "CLONE_PARENT", 0x8000L,
            "CLONE_FS", 0x200L,
            "CLONE_FILES", 0x400L,
            "CLONE_NEWNS", 0x2_0000L,
            "CLONE_NEWCGROUP", 0x200_0000L,
            "CLONE_NEWUTS", 0x400_0000L,
            "CLONE_NEWIPC", 0x800_0000L,
            "CLONE_NEWUSER", 0x1000_0000L,
            "CLONE_NEWPID", 0x2000_0000L,
            "CLONE_NEWNET", 0x4000_0000L,
            "CLONE_NEWTIME", 0x80L);
    static final FlagText CLOSE_RANGE = new FlagText("CLOSE_RANGE_UNSHARE", 2L, "CLOSE_RANGE_CLOEXEC", 4L);
    static final FlagText SECCOMP = new FlagText(
            "SECCOMP_FILTER_FLAG_TSYNC", 1L, "SECCOMP_FILTER_FLAG_LOG", 2L, "SECCOMP_FILTER_FLAG_SPEC_ALLOW", 4L);

    private final Object[] namesAndBits;

    private FlagText(Object... namesAndBits) {
        this.namesAndBits = namesAndBits;
    }

    Arg arg(long flags) {
        return Arg.immediate(flags, text(flags));
    }

    String text(long flags) {
        StringJoiner names = new StringJoiner("|");
        long rest = flags;
        for (int i = 0; i < namesAndBits.length; i += 2) {
            long bit = (Long) namesAndBits[i + 1];
            if ((rest & bit) == bit) {
                names.add((String) namesAndBits[i]);
                rest &= ~bit;
            }
        }
        if (rest != 0 || flags == 0) {
            names.add(rest == 0 ? "0" : "0x" + Long.toHexString(rest));
        }
        return names.toString();
    }

    /** {@code O_…} differ between the machines: arm64 numbers four of them as 32-bit arm does. */
    static Arg open(Architecture architecture, long flags) {
        boolean arm = architecture == Architecture.AARCH64;
        Object[] table = {
            "O_PATH", 0x20_0000L,
            "O_TMPFILE", arm ? 0x40_4000L : 0x41_0000L,
            "O_DIRECTORY", arm ? 0x4000L : 0x1_0000L,
            "O_NOFOLLOW", arm ? 0x8000L : 0x2_0000L,
            "O_CREAT", 0x40L,
            "O_EXCL", 0x80L,
            "O_NOCTTY", 0x100L,
            "O_TRUNC", 0x200L,
            "O_APPEND", 0x400L,
            "O_NONBLOCK", 0x800L,
            "O_CLOEXEC", 0x8_0000L,
        };
        String access = (flags & 3) == 0 ? "O_RDONLY" : (flags & 3) == 1 ? "O_WRONLY" : "O_RDWR";
        StringJoiner names = new StringJoiner("|");
        long rest = flags & ~3L;
        if ((flags & 0x20_0000L) == 0) {
            names.add(access);
        }
        for (int i = 0; i < table.length; i += 2) {
            long bit = (Long) table[i + 1];
            if ((rest & bit) == bit) {
                names.add((String) table[i]);
                rest &= ~bit;
            }
        }
        if (rest != 0) {
            names.add("0x" + Long.toHexString(rest));
        }
        return Arg.immediate(flags, names.toString());
    }
}
