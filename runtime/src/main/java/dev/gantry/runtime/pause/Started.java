package dev.gantry.runtime.pause;

import dev.gantry.linux.Fd;
import dev.gantry.runtime.program.StepResult;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A process whose program is done: it runs what execve gave it.
 *
 * @param pidfd a handle on it, readable when it ends; the caller closes it
 * @param startedAt by CLOCK_REALTIME
 * @param tolerated steps that failed in a way that the program allows, e.g. a clamped oom_score_adj
 * @param terminal the master side, for {@link Stdio.Terminal}; the caller closes it
 */
public record Started(Fd pidfd, Instant startedAt, List<StepResult> tolerated, Optional<Fd> terminal) {}
