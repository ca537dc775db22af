package dev.gantry.runtime;

import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Linux;
import dev.gantry.linux.LinuxCapability;
import dev.gantry.linux.ResourceLimit;
import dev.gantry.linux.Security;
import dev.gantry.runtime.spec.MachineFacts;
import java.util.EnumSet;
import java.util.Set;

/** Finds out what this process may do here. */
final class MachineProbe {
    private static final int LOWEST_OOM_SCORE = -1000;

    private MachineProbe() {}

    static MachineFacts facts(Linux linux) throws ErrnoException {
        Security.CapabilitySets own = linux.security().capget();
        Set<LinuxCapability> capabilities = EnumSet.noneOf(LinuxCapability.class);
        for (LinuxCapability capability : linux.security().boundingSet()) {
            if (own.isEffective(capability)) {
                capabilities.add(capability);
            }
        }
        int floor = capabilities.contains(LinuxCapability.CAP_SYS_RESOURCE)
                ? LOWEST_OOM_SCORE
                : Integer.parseInt(
                        linux.files().readSmallFile("/proc/self/oom_score_adj").strip());
        return new MachineFacts(capabilities, floor, hasAppArmor(linux), hasSeLinux(linux));
    }

    private static boolean hasAppArmor(Linux linux) {
        try {
            return linux.files()
                    .readSmallFile("/sys/module/apparmor/parameters/enabled")
                    .startsWith("Y");
        } catch (ErrnoException e) {
            return false;
        }
    }

    private static boolean hasSeLinux(Linux linux) {
        try {
            linux.files().readSmallFile("/sys/fs/selinux/enforce");
            return true;
        } catch (ErrnoException e) {
            return false;
        }
    }

    /** RLIMIT_NOFILE that no process of ours can exceed. */
    static long maxFiles(Linux linux) throws ErrnoException {
        long hard = linux.processes().getrlimit(0, ResourceLimit.RLIMIT_NOFILE).hard();
        return hard == ResourceLimit.INFINITY ? Long.MAX_VALUE : hard;
    }
}
