package dev.gantry.agent.pod;

import dev.gantry.agent.hook.HookCall;
import dev.gantry.agent.hook.HookResult;
import dev.gantry.agent.hook.Hooks;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Hooks that end when the test says so. */
final class FakeHooks implements Hooks {
    /** A hook that was asked for. */
    record Call(HookCall call, Duration timeout, CompletableFuture<HookResult> result) {}

    final List<Call> calls = new ArrayList<>();

    @Override
    public CompletableFuture<HookResult> run(HookCall call, Duration timeout) {
        Call made = new Call(call, timeout, new CompletableFuture<>());
        calls.add(made);
        return made.result();
    }

    Call last() {
        return calls.get(calls.size() - 1);
    }
}
