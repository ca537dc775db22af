package dev.gantry.runtime.pause;

import java.time.Instant;

/**
 * The end of a process, as its parent saw it.
 *
 * @param code what it gave exit(2), 0 to 255; 0 if a signal ended it
 * @param signal the signal that ended it, 1 to 64; 0 if it exited by itself
 * @param coreDumped whether the kernel wrote a core
 * @param startedAt when the program's last step took effect
 * @param finishedAt when pause learned of the end
 * @param log the state of its log after the last byte
 */
public record ProcessExit(
        String id, int code, int signal, boolean coreDumped, Instant startedAt, Instant finishedAt, LogHealth log) {
    /** One number as shells and Kubernetes give it: 128 and the signal if a signal ended it. */
    public int exitCode() {
        return signal == 0 ? code : 128 + signal;
    }
}
