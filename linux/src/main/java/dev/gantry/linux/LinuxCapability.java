package dev.gantry.linux;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** linux/capability.h; the ordinal is the kernel's number. */
public enum LinuxCapability {
    CAP_CHOWN,
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    CAP_FOWNER,
    CAP_FSETID,
    CAP_KILL,
    CAP_SETGID,
    CAP_SETUID,
    CAP_SETPCAP,
    CAP_LINUX_IMMUTABLE,
    CAP_NET_BIND_SERVICE,
    CAP_NET_BROADCAST,
    CAP_NET_ADMIN,
    CAP_NET_RAW,
    CAP_IPC_LOCK,
    CAP_IPC_OWNER,
    CAP_SYS_MODULE,
    CAP_SYS_RAWIO,
    CAP_SYS_CHROOT,
    CAP_SYS_PTRACE,
    CAP_SYS_PACCT,
    CAP_SYS_ADMIN,
    CAP_SYS_BOOT,
    CAP_SYS_NICE,
    CAP_SYS_RESOURCE,
    CAP_SYS_TIME,
    CAP_SYS_TTY_CONFIG,
    CAP_MKNOD,
    CAP_LEASE,
    CAP_AUDIT_WRITE,
    CAP_AUDIT_CONTROL,
    CAP_SETFCAP,
    CAP_MAC_OVERRIDE,
    CAP_MAC_ADMIN,
    CAP_SYSLOG,
    CAP_WAKE_ALARM,
    CAP_BLOCK_SUSPEND,
    CAP_AUDIT_READ,
    CAP_PERFMON,
    CAP_BPF,
    CAP_CHECKPOINT_RESTORE;

    public int number() {
        return ordinal();
    }

    public long mask() {
        return 1L << ordinal();
    }

    /** By name as manifests write it: with or without {@code CAP_}, in any case. */
    public static Optional<LinuxCapability> parse(String name) {
        String upper = name.toUpperCase(Locale.ROOT);
        String full = upper.startsWith("CAP_") ? upper : "CAP_" + upper;
        for (LinuxCapability capability : values()) {
            if (capability.name().equals(full)) {
                return Optional.of(capability);
            }
        }
        return Optional.empty();
    }

    public static Set<LinuxCapability> ofMask(long mask) {
        EnumSet<LinuxCapability> set = EnumSet.noneOf(LinuxCapability.class);
        for (LinuxCapability capability : values()) {
            if ((mask & capability.mask()) != 0) {
                set.add(capability);
            }
        }
        return set;
    }

    public static long maskOf(Iterable<LinuxCapability> set) {
        long mask = 0;
        for (LinuxCapability capability : set) {
            mask |= capability.mask();
        }
        return mask;
    }
}
