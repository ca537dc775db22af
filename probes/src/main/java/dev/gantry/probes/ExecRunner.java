package dev.gantry.probes;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Runs the commands of exec probes and hooks. */
@FunctionalInterface
public interface ExecRunner {
    /**
     * Runs {@code command} in a container, without blocking the caller. When {@code timeout} has passed, the command and its
     * children are killed before the future completes.
     *
     * @return the result; {@link ProbeResult.NotTried} where the runtime could not be asked. Never completes exceptionally.
     */
    CompletableFuture<ProbeResult> run(String containerId, List<String> command, Duration timeout);
}
