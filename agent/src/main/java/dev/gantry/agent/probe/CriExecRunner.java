package dev.gantry.agent.probe;

import com.google.protobuf.ByteString;
import dev.gantry.agent.cri.CriException;
import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.probes.ExecRunner;
import dev.gantry.probes.ProbeResult;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;

/** Runs commands by CRI's ExecSync; the runtime kills those that take too long, with all their children. */
public final class CriExecRunner implements ExecRunner {
    private final CriRuntime runtime;

    /** Runs them in the containers of {@code runtime}. */
    public CriExecRunner(CriRuntime runtime) {
        this.runtime = runtime;
    }

    @Override
    public CompletableFuture<ProbeResult> run(String containerId, List<String> command, Duration timeout) {
        CompletableFuture<ExecSyncResponse> call = runtime.execSync(containerId, command, timeout);
        CompletableFuture<ProbeResult> result = call.handle(
                (response, failure) -> failure == null ? result(response) : failed(failure, command, timeout));
        result.whenComplete((done, failure) -> {
            if (result.isCancelled()) {
                call.cancel(false);
            }
        });
        return result;
    }

    private static ProbeResult result(ExecSyncResponse response) {
        ByteString output = response.getStdout().concat(response.getStderr());
        String text = output.substring(0, Math.min(output.size(), ProbeResult.MAX_OUTPUT_BYTES))
                .toStringUtf8();
        if (response.getExitCode() == 0) {
            return new ProbeResult.Passed(text);
        }
        return new ProbeResult.Failed(
                text.isBlank() ? "command exited with code " + response.getExitCode() : text.stripTrailing());
    }

    private static ProbeResult failed(Throwable failure, List<String> command, Duration timeout) {
        Throwable cause = CriException.unwrap(failure);
        if (cause instanceof CriException e && e.isDeadlineExceeded()) {
            return new ProbeResult.Failed(
                    "command timed out: \"%s\" timed out after %s".formatted(String.join(" ", command), text(timeout)));
        }
        if (cause instanceof CancellationException) {
            return new ProbeResult.NotTried("cancelled");
        }
        return new ProbeResult.NotTried(cause instanceof CriException e ? e.reason() : String.valueOf(cause));
    }

    private static String text(Duration timeout) {
        return timeout.toMillis() % 1000 == 0 ? timeout.toSeconds() + "s" : timeout.toMillis() + "ms";
    }
}
