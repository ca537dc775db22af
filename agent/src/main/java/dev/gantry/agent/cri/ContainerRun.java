package dev.gantry.agent.cri;

import dev.gantry.cri.v1.ContainerStatus;
import java.time.Instant;

/**
 * How far one run of a container is.
 *
 * <pre>
 *   Created ──started──▶ Running ──exited──▶ Exited
 *      └────────────────exited────────────────▲
 * </pre>
 *
 * <p>{@link Lost}: the runtime does not know; it ends by being removed.
 */
public sealed interface ContainerRun {
    /** Made, not started. */
    record Created() implements ContainerRun {}

    record Running(Instant startedAt) implements ContainerRun {}

    /**
     * Ended.
     *
     * @param startedAt {@link Instant#EPOCH} if it never started
     * @param exitCode 128 + signal if a signal ended it
     * @param reason {@code Completed}, {@code Error}, {@code OOMKilled}, {@code StartError} …
     */
    record Exited(Instant startedAt, Instant finishedAt, int exitCode, String reason, String message)
            implements ContainerRun {}

    record Lost() implements ContainerRun {}

    static ContainerRun of(ContainerStatus status) {
        return switch (status.getState()) {
            case CONTAINER_CREATED -> new Created();
            case CONTAINER_RUNNING -> new Running(Instant.ofEpochSecond(0, status.getStartedAt()));
            case CONTAINER_EXITED ->
                new Exited(
                        Instant.ofEpochSecond(0, status.getStartedAt()),
                        Instant.ofEpochSecond(0, status.getFinishedAt()),
                        status.getExitCode(),
                        status.getReason(),
                        status.getMessage());
            case CONTAINER_UNKNOWN, UNRECOGNIZED -> new Lost();
        };
    }
}
