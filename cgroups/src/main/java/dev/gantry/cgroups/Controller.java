package dev.gantry.cgroups;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** The cgroup v2 controllers of which this agent has use; any other that the kernel lists is ignored. */
public enum Controller {
    CPU,
    MEMORY,
    PIDS,
    IO,
    HUGETLB,
    CPUSET;

    /** As {@code cgroup.controllers} spells it. */
    public String kernelName() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<Controller> of(String kernelName) {
        return Arrays.stream(values())
                .filter(controller -> controller.kernelName().equals(kernelName))
                .findFirst();
    }

    /** From the content of {@code cgroup.controllers} or {@code cgroup.subtree_control}. */
    static Set<Controller> parse(String list) {
        Set<Controller> controllers = EnumSet.noneOf(Controller.class);
        for (String word : list.strip().split("\\s+", -1)) {
            of(word).ifPresent(controllers::add);
        }
        return controllers;
    }

    /** The one that a file such as {@code memory.max} belongs to; empty for {@code cgroup.} and unknown ones. */
    static Optional<Controller> ofFile(String file) {
        int dot = file.indexOf('.');
        return dot < 0 ? Optional.empty() : of(file.substring(0, dot));
    }
}
