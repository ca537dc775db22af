package dev.gantry.runtime.program;

import dev.gantry.linux.Errno;

/**
 * One step's answer.
 *
 * @param index of the step in its program, from 0
 * @param errno the kernel's number; 0 if the process was killed while it was in this step, or is still in it
 */
public record StepResult(int index, int errno) {
    public Errno reason() {
        return Errno.of(errno);
    }
}
