package dev.gantry.runtime.pause;

import dev.gantry.linux.Fd;
import dev.gantry.runtime.program.StepResult;
import java.time.Instant;
import java.util.Optional;

/**
 * What pause knows of one process. Lives from {@link Pause#start} to {@link Pause#acknowledge}.
 *
 * <pre>
 *   STARTING ──program done──▶ RUNNING ──ended──▶ EXITED
 *      └─────a step failed─────────────────────▶ FAILED
 * </pre>
 *
 * @param pidfd a handle on a process that has not ended; the caller closes it
 * @param step in STARTING the step that runs now, in FAILED the one that failed
 * @param startedAt empty before RUNNING
 * @param exit present in EXITED
 */
public record ProcessState(
        String id,
        Phase phase,
        Optional<Fd> pidfd,
        Optional<StepResult> step,
        Optional<Instant> startedAt,
        Optional<ProcessExit> exit,
        LogHealth log) {
    /** See the table of edges above. */
    public enum Phase {
        STARTING,
        RUNNING,
        EXITED,
        FAILED
    }
}
