package dev.gantry.runtime.program;

import dev.gantry.linux.Architecture;
import dev.gantry.linux.Errno;
import java.util.List;

/**
 * An ordered list of system calls that a new process executes, ending in execve.
 *
 * <p>A step either succeeds, or fails in a way it tolerates, or ends the program. Jumps go forward only, so every
 * program ends. Made by a {@link ProgramBuilder}; immutable.
 */
public final class Program {
    private final Architecture architecture;
    private final List<Step> steps;
    private final int[] relocations;
    private final byte[] data;
    private final int slots;
    private final List<String> passedFds;

    Program(
            Architecture architecture,
            List<Step> steps,
            int[] relocations,
            byte[] data,
            int slots,
            List<String> passedFds) {
        this.architecture = architecture;
        this.steps = List.copyOf(steps);
        this.relocations = relocations;
        this.data = data;
        this.slots = slots;
        this.passedFds = List.copyOf(passedFds);
    }

    /** Starts a program for this machine. */
    public static ProgramBuilder builder() {
        return new ProgramBuilder(Architecture.current());
    }

    public static ProgramBuilder builder(Architecture architecture) {
        return new ProgramBuilder(architecture);
    }

    /** The bytes that pause executes, see docs/pause.md. */
    public byte[] encode() {
        return ProgramFormat.encode(architecture, steps, relocations, data, slots, passedFds.size());
    }

    public int stepCount() {
        return steps.size();
    }

    /** How many descriptors have to be passed along with the program. */
    public int passedFds() {
        return passedFds.size();
    }

    /** One line per step, as strace would show it: number, call, result, tolerated errors, purpose. */
    public String explain() {
        int digits = Integer.toString(steps.size()).length();
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < steps.size(); i++) {
            text.append(("%" + digits + "d  ").formatted(i + 1))
                    .append(steps.get(i).explain(i))
                    .append('\n');
        }
        return text.toString();
    }

    /** What a step is for, or its call if it has no name; {@code index} from 0. */
    public String stepName(int index) {
        return index >= 0 && index < steps.size() ? steps.get(index).name() : "unknown step";
    }

    /**
     * Says what went wrong, e.g. {@code step 17, mount proc on /proc: EPERM (Operation not permitted)}. Steps are
     * numbered from 1 as in {@link #explain()}.
     *
     * @param index from 0
     * @param errno 0 if the process was killed in this step
     */
    public String failure(int index, int errno) {
        String reason = errno == 0
                ? "the process was killed"
                : Errno.of(errno) == Errno.UNKNOWN
                        ? "errno " + errno
                        : "%s (%s)".formatted(Errno.of(errno), Errno.of(errno).text());
        return "step %d, %s: %s".formatted(index + 1, stepName(index), reason);
    }

    public String failure(StepResult result) {
        return failure(result.index(), result.errno());
    }

    @Override
    public String toString() {
        return "program of " + steps.size() + " steps";
    }
}
