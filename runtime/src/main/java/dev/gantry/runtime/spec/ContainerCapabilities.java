package dev.gantry.runtime.spec;

import dev.gantry.cri.v1.Capability;
import dev.gantry.linux.LinuxCapability;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The capability sets of a container's process; bounding, permitted and effective are one set. Inheritable is empty but
 * for the ambient ones: a non-empty one let programs with file capabilities gain more than intended.
 *
 * @param missing asked for, explicitly or by default, but not ours to give
 */
public record ContainerCapabilities(
        Set<LinuxCapability> bounding, Set<LinuxCapability> ambient, List<LinuxCapability> missing) {
    /** What containers get that ask for nothing; containerd's and Docker's list. */
    static final Set<LinuxCapability> DEFAULT = Collections.unmodifiableSet(EnumSet.of(
            LinuxCapability.CAP_CHOWN,
            LinuxCapability.CAP_DAC_OVERRIDE,
            LinuxCapability.CAP_FSETID,
            LinuxCapability.CAP_FOWNER,
            LinuxCapability.CAP_MKNOD,
            LinuxCapability.CAP_NET_RAW,
            LinuxCapability.CAP_SETGID,
            LinuxCapability.CAP_SETUID,
            LinuxCapability.CAP_SETFCAP,
            LinuxCapability.CAP_SETPCAP,
            LinuxCapability.CAP_NET_BIND_SERVICE,
            LinuxCapability.CAP_SYS_CHROOT,
            LinuxCapability.CAP_KILL,
            LinuxCapability.CAP_AUDIT_WRITE));

    private static final String ALL = "ALL";

    public ContainerCapabilities {
        bounding = Collections.unmodifiableSet(copy(bounding));
        ambient = Collections.unmodifiableSet(copy(ambient));
        missing = List.copyOf(missing);
    }

    /**
     * Adds and drops: ALL first, then the additions, then the removals.
     *
     * @param available what the runtime itself may pass on
     */
    static ContainerCapabilities of(Capability request, boolean privileged, Set<LinuxCapability> available)
            throws SpecException {
        EnumSet<LinuxCapability> wanted = copy(DEFAULT);
        if (privileged || containsAll(request.getAddCapabilitiesList())) {
            wanted = copy(available);
        }
        if (!privileged) {
            if (containsAll(request.getDropCapabilitiesList())) {
                wanted.clear();
            }
            wanted.addAll(parse("add_capabilities", request.getAddCapabilitiesList()));
            wanted.removeAll(parse("drop_capabilities", request.getDropCapabilitiesList()));
        }
        EnumSet<LinuxCapability> ambient = parse("add_ambient_capabilities", request.getAddAmbientCapabilitiesList());
        if (containsAll(request.getAddAmbientCapabilitiesList())) {
            ambient.addAll(available);
        }
        wanted.addAll(ambient);
        List<LinuxCapability> missing = new ArrayList<>();
        for (LinuxCapability capability : wanted) {
            if (!available.contains(capability)) {
                missing.add(capability);
            }
        }
        wanted.retainAll(available);
        ambient.retainAll(available);
        return new ContainerCapabilities(wanted, ambient, missing);
    }

    private static boolean containsAll(List<String> names) {
        return names.stream().anyMatch(name -> name.toUpperCase(Locale.ROOT).equals(ALL));
    }

    private static EnumSet<LinuxCapability> parse(String field, List<String> names) throws SpecException {
        EnumSet<LinuxCapability> set = EnumSet.noneOf(LinuxCapability.class);
        for (String name : names) {
            if (!name.toUpperCase(Locale.ROOT).equals(ALL)) {
                set.add(LinuxCapability.parse(name)
                        .orElseThrow(() -> SpecException.invalid("%s: '%s' is no capability", field, name)));
            }
        }
        return set;
    }

    private static EnumSet<LinuxCapability> copy(Set<LinuxCapability> set) {
        EnumSet<LinuxCapability> copy = EnumSet.noneOf(LinuxCapability.class);
        copy.addAll(set);
        return copy;
    }
}
