package dev.gantry.agent.hook;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Runs {@code lifecycle.postStart} and {@code lifecycle.preStop}. */
public interface Hooks {
    /**
     * Runs one, without blocking the caller.
     *
     * @param timeout after which it is ended and counts as failed
     * @return its result; never completes exceptionally but by being cancelled, which ends the command and its children
     */
    CompletableFuture<HookResult> run(HookCall call, Duration timeout);
}
