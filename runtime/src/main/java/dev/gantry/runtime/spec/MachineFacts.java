package dev.gantry.runtime.spec;

import dev.gantry.linux.LinuxCapability;
import java.util.Set;

/**
 * What this machine lets the runtime do.
 *
 * @param capabilities the runtime's own, i.e. what it can pass on
 * @param oomScoreAdjFloor the lowest value the kernel lets us set: our own, without CAP_SYS_RESOURCE; else -1000
 * @param appArmor whether the kernel enforces AppArmor
 * @param seLinux whether the kernel enforces SELinux
 */
public record MachineFacts(Set<LinuxCapability> capabilities, int oomScoreAdjFloor, boolean appArmor, boolean seLinux) {
    public MachineFacts {
        capabilities = Set.copyOf(capabilities);
    }
}
