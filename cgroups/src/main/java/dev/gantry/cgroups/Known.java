package dev.gantry.cgroups;

import dev.gantry.linux.BpfCalls;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fd;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What need not be asked of the kernel again for each container of a tree: which controllers it lacks, and the device
 * filters that are loaded.
 */
final class Known {
    /** For cgroups outside a tree; keeps no program. */
    static final Known NOTHING = new Known(Map.of(), 0);

    private static final int MAX_PROGRAMS = 16;

    private final Map<Controller, Missing> missing;

    /** The least recently used first. */
    private final Map<DeviceFilter, Fd> programs = new LinkedHashMap<>(16, 0.75f, true);

    private final int maxPrograms;

    Known(Map<Controller, Missing> missing) {
        this(missing, MAX_PROGRAMS);
    }

    private Known(Map<Controller, Missing> missing, int maxPrograms) {
        this.missing = Map.copyOf(missing);
        this.maxPrograms = maxPrograms;
    }

    Optional<Missing> missing(Controller controller) {
        return Optional.ofNullable(missing.get(controller));
    }

    /** What is done with a loaded program. */
    @FunctionalInterface
    interface ProgramUse {
        void accept(Fd program) throws ErrnoException;
    }

    /** One at a time, so that no program is given up while it is in use; the kernel does the same. */
    synchronized void withProgram(BpfCalls bpf, DeviceFilter filter, ProgramUse use) throws ErrnoException {
        Fd program = programs.get(filter);
        if (program == null) {
            program = filter.load(bpf);
            programs.put(filter, program);
        }
        try {
            use.accept(program);
        } finally {
            giveUpOldest();
        }
    }

    private void giveUpOldest() {
        if (programs.size() > maxPrograms) {
            Map.Entry<DeviceFilter, Fd> oldest = programs.entrySet().iterator().next();
            programs.remove(oldest.getKey());
            // a program that is attached lives on without the descriptor
            oldest.getValue().close();
        }
    }
}
