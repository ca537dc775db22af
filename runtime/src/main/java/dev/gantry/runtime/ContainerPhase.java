package dev.gantry.runtime;

import java.time.Instant;

/**
 * Where a container is in its life. Every edge is recorded on disk before anyone hears of it.
 *
 * <pre>
 *   Created ──started──▶ Running ──exited──▶ Exited
 *      └─────────────notStarted─────────────▶
 * </pre>
 */
sealed interface ContainerPhase {
    /** containerd's, which users know. */
    String COMPLETED = "Completed";

    String ERROR = "Error";
    String OOM_KILLED = "OOMKilled";
    String START_ERROR = "StartError";
    String CANNOT_RUN = "ContainerCannotRun";

    /** containerd's exit code of a container that never ran. */
    int START_ERROR_CODE = 128;

    /** Ready to be started. */
    record Created() implements ContainerPhase {
        Running started(Instant at) {
            return new Running(at);
        }

        Exited notStarted(Instant at, String reason, String message) {
            return new Exited(Instant.EPOCH, at, START_ERROR_CODE, reason, message);
        }
    }

    /** Its first process runs. */
    record Running(Instant startedAt) implements ContainerPhase {
        Exited exited(Instant at, int exitCode, boolean oomKilled) {
            String reason = oomKilled ? OOM_KILLED : exitCode == 0 ? COMPLETED : ERROR;
            return new Exited(startedAt, at, exitCode, reason, "");
        }

        /** Its end was not seen: the pod died with it. */
        Exited lost(Instant at, String message) {
            return new Exited(startedAt, at, 137, ERROR, message);
        }
    }

    /**
     * Its first process is gone.
     *
     * @param startedAt the epoch if it never ran
     * @param exitCode 0 to 255
     * @param reason one of the constants above
     * @param message for people, may be empty
     */
    record Exited(Instant startedAt, Instant finishedAt, int exitCode, String reason, String message)
            implements ContainerPhase {}
}
