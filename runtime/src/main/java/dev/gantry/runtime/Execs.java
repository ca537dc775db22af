package dev.gantry.runtime;

import com.google.protobuf.ByteString;
import dev.gantry.cgroups.Cgroup;
import dev.gantry.cgroups.CgroupNaming;
import dev.gantry.cri.transport.CriTransport;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FdPair;
import dev.gantry.runtime.pause.Pause;
import dev.gantry.runtime.pause.ProcessExit;
import dev.gantry.runtime.pause.ProcessSpec;
import dev.gantry.runtime.pause.Started;
import dev.gantry.runtime.pause.Stdio;
import dev.gantry.runtime.program.Program;
import dev.gantry.runtime.spec.ExecProgram;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Processes that join a running container. Each is in a cgroup of its own inside the container's, so that it counts
 * against the container's limits and can be ended with everything it started.
 */
final class Execs {
    private static final Logger LOG = LoggerFactory.getLogger(Execs.class);
    private static final Duration START_DEADLINE = Duration.ofSeconds(30);
    /**
     * Bytes of both outputs of an ExecSync together: a message of CRI, less the exit code and the tags and lengths of
     * its fields, generously.
     */
    static final int MAX_OUTPUT = CriTransport.MAX_MESSAGE_BYTES - 1024;

    private static final Duration KILL_PATIENCE = Duration.ofSeconds(10);

    private final Machine machine;

    Execs(Machine machine) {
        this.machine = machine;
    }

    /**
     * A process that was started.
     *
     * @param exit completes with its end, exceptionally if the pod is gone
     */
    record Running(String id, Sandbox sandbox, Cgroup cgroup, Started started, CompletableFuture<ProcessExit> exit) {
        /** Ends it with everything it started, except what left its cgroup, which nothing can. */
        void kill() {
            try {
                cgroup.kill();
            } catch (IOException e) {
                LOG.debug("Could not kill exec {}", id, e);
            }
        }
    }

    /**
     * Starts a process. Blocks until it runs.
     *
     * @param pipes which of the standard descriptors are pipes of ours
     * @throws IOException with the step that failed
     */
    Running start(
            Sandbox sandbox,
            Container container,
            List<String> command,
            boolean terminal,
            Stdio stdio,
            List<Integer> pipes)
            throws IOException, InterruptedException {
        Fd process =
                container.pidfd().orElseThrow(() -> CriErrors.wrongState("exec in %s: it does not run", container));
        Pause pause = sandbox.pause();
        String id = "exec-" + Ids.shortRandom();
        Program program = ExecProgram.write(container.record().context(), command, terminal, pipes);
        Cgroup cgroup = container.cgroup().child(CgroupNaming.exec(id));
        cgroup.create();
        CompletableFuture<ProcessExit> exit = sandbox.expectExec(id);
        try (Fd directory = cgroup.open()) {
            Started started = Waiting.await(
                    pause.start(new ProcessSpec(id, program, List.of(process), stdio, 0, Optional.of(directory))),
                    START_DEADLINE,
                    "exec in " + container);
            var unused = exit.whenComplete((end, failure) -> clean(cgroup));
            return new Running(id, sandbox, cgroup, started, exit);
        } catch (IOException | RuntimeException | InterruptedException e) {
            sandbox.forgetExec(id);
            cgroup.kill();
            var unused = pause.acknowledge(id);
            clean(cgroup);
            throw e;
        }
    }

    /** What an exec left running keeps its cgroup, until the container goes. */
    private void clean(Cgroup cgroup) {
        machine.executor().execute(() -> {
            try {
                cgroup.tryRemove();
            } catch (IOException e) {
                LOG.debug("Could not remove {}", cgroup, e);
            }
        });
    }

    /**
     * Runs a command to its end. Cancelling the result kills it, with everything it started.
     *
     * @param timeout zero or less: none
     */
    CompletableFuture<ExecSyncResponse> execSync(
            Sandbox sandbox, Container container, List<String> command, Duration timeout) {
        CompletableFuture<ExecSyncResponse> response = new CompletableFuture<>();
        machine.executor().execute(() -> {
            if (response.isCancelled()) {
                return;
            }
            try {
                collect(sandbox, container, command, timeout, response);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                response.completeExceptionally(e);
            } catch (IOException | RuntimeException e) {
                response.completeExceptionally(e);
            }
        });
        return response;
    }

    private void collect(
            Sandbox sandbox,
            Container container,
            List<String> command,
            Duration timeout,
            CompletableFuture<ExecSyncResponse> response)
            throws IOException, InterruptedException {
        FdPair out = machine.linux().polling().pipe2(0);
        FdPair err = machine.linux().polling().pipe2(0);
        OutputCollector stdout = new OutputCollector(machine.linux(), out.first());
        OutputCollector stderr = new OutputCollector(machine.linux(), err.first());
        Running running;
        try (Fd nothing = machine.linux().files().open("/dev/null", Fcntl.O_RDWR)) {
            running = start(
                    sandbox,
                    container,
                    command,
                    false,
                    new Stdio.Passed(nothing, out.second(), err.second()),
                    List.of(1, 2));
        } catch (IOException | RuntimeException | InterruptedException e) {
            out.close();
            err.close();
            throw e;
        }
        out.second().close();
        err.second().close();
        running.started().pidfd().close();
        AtomicBoolean late = new AtomicBoolean();
        machine.loop().execute(() -> {
            try {
                stdout.startOn(machine.loop());
                stderr.startOn(machine.loop());
            } catch (ErrnoException e) {
                response.completeExceptionally(e);
            }
        });
        var unusedKill = response.whenComplete((done, failure) -> {
            if (response.isCancelled()) {
                running.kill();
            }
        });
        if (timeout.compareTo(Duration.ZERO) > 0) {
            limit(running, container, timeout, late, response);
        }
        var unused = running.exit()
                .whenCompleteAsync(
                        (exit, failure) -> finish(exit, failure, stdout, stderr, late, container, timeout, response),
                        machine.loop());
    }

    private void limit(
            Running running,
            Container container,
            Duration timeout,
            AtomicBoolean late,
            CompletableFuture<ExecSyncResponse> response) {
        EventLoop.Timer timer = machine.loop().schedule(timeout, () -> {
            late.set(true);
            running.kill();
            EventLoop.Timer patience = machine.loop()
                    .schedule(KILL_PATIENCE, () -> response.completeExceptionally(late(container, timeout)));
            var unused = response.whenComplete((done, failure) -> patience.cancel());
        });
        var unused = response.whenComplete((done, failure) -> timer.cancel());
    }

    private static void finish(
            ProcessExit exit,
            Throwable failure,
            OutputCollector stdout,
            OutputCollector stderr,
            AtomicBoolean late,
            Container container,
            Duration timeout,
            CompletableFuture<ExecSyncResponse> response) {
        try {
            ByteString out = stdout.finish();
            ByteString err = stderr.finish();
            if (late.get()) {
                response.completeExceptionally(late(container, timeout));
            } else if (failure != null) {
                response.completeExceptionally(failure);
            } else {
                response.complete(answer(out, err, exit.exitCode()));
            }
        } catch (ErrnoException e) {
            response.completeExceptionally(e);
        } finally {
            stdout.close();
            stderr.close();
        }
    }

    /** Clients take messages of 16 MiB, and would take nothing of a larger one: the longer output loses its end. */
    static ExecSyncResponse answer(ByteString out, ByteString err, int exitCode) {
        int ofOut = Math.max(MAX_OUTPUT - err.size(), MAX_OUTPUT / 2);
        int ofErr = Math.max(MAX_OUTPUT - out.size(), MAX_OUTPUT / 2);
        return ExecSyncResponse.newBuilder()
                .setStdout(out.substring(0, Math.min(out.size(), ofOut)))
                .setStderr(err.substring(0, Math.min(err.size(), ofErr)))
                .setExitCode(exitCode)
                .build();
    }

    private static RuntimeException late(Container container, Duration timeout) {
        return CriErrors.deadline("exec in %s: not ended after %d s, and killed", container, timeout.toSeconds());
    }
}
