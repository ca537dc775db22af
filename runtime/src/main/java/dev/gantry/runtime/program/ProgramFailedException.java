package dev.gantry.runtime.program;

import dev.gantry.linux.Errno;
import java.io.IOException;

/** A step of a program failed: {@code step 17, mount proc on /proc: EPERM (Operation not permitted)}. */
public final class ProgramFailedException extends IOException {
    private static final long serialVersionUID = 1;

    private final int stepIndex;
    private final int errno;

    public ProgramFailedException(Program program, StepResult failure) {
        super(program.failure(failure.index(), failure.errno()));
        stepIndex = failure.index();
        errno = failure.errno();
    }

    /** From 0, as {@link StepResult#index()}. */
    public int stepIndex() {
        return stepIndex;
    }

    public Errno errno() {
        return Errno.of(errno);
    }

    /** Whether the process was killed before its program was done, e.g. by its cgroup. */
    public boolean wasKilled() {
        return errno == 0;
    }
}
