package dev.gantry.agent.hook;

import java.util.Optional;

/**
 * How a hook ended.
 *
 * @param failure what went wrong, with the output of a command; empty if it succeeded
 */
public record HookResult(Optional<String> failure) {
    public static final HookResult SUCCEEDED = new HookResult(Optional.empty());

    public static HookResult failed(String reason) {
        return new HookResult(Optional.of(reason));
    }
}
