package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerEventType;
import dev.gantry.images.Image;
import dev.gantry.images.Snapshot;
import dev.gantry.linux.Errno;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Sched;
import dev.gantry.runtime.ContainerPhase.Created;
import dev.gantry.runtime.pause.Pause;
import dev.gantry.runtime.pause.ProcessSpec;
import dev.gantry.runtime.pause.Started;
import dev.gantry.runtime.pause.Stdio;
import dev.gantry.runtime.program.Program;
import dev.gantry.runtime.program.ProgramFailedException;
import dev.gantry.runtime.program.StepResult;
import dev.gantry.runtime.spec.ContainerProgram;
import dev.gantry.runtime.spec.ContainerSpec;
import dev.gantry.runtime.spec.ContainerSpec.PidMode;
import dev.gantry.runtime.spec.SpecException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Starts a container's first process, or records why it could not be. */
final class ContainerStart {
    /** A mount may wait for a server; a stop of the pod ends the wait earlier. */
    private static final Duration DEADLINE = Duration.ofMinutes(2);

    private final Machine machine;

    ContainerStart(Machine machine) {
        this.machine = machine;
    }

    /** Within the queue. */
    void start(Sandbox sandbox, Container container) throws IOException, SpecException, InterruptedException {
        if (!(container.phase() instanceof Created created)) {
            throw CriErrors.wrongState("start %s: it was started before", container);
        }
        Pause pause = sandbox.pause();
        try {
            Started started = run(sandbox, container, pause);
            container.setPidfd(started.pidfd());
            ContainerRecord next = container.record().in(created.started(started.startedAt()));
            sandbox.become(container, next.withNotices(notices(next, started)));
            sandbox.announce(container.id(), ContainerEventType.CONTAINER_STARTED_EVENT, started.startedAt());
        } catch (IOException | SpecException | RuntimeException e) {
            failed(sandbox, container, created, pause, e);
            throw e;
        }
    }

    private static List<String> notices(ContainerRecord record, Started started) {
        List<String> notices = new ArrayList<>(record.notices());
        for (StepResult step : started.tolerated()) {
            notices.add("step %d: %s".formatted(step.index() + 1, step.reason()));
        }
        return notices;
    }

    private Started run(Sandbox sandbox, Container container, Pause pause)
            throws IOException, SpecException, InterruptedException {
        Image image = image(container);
        Optional<ContainerSpec> kept = container.spec();
        ContainerSpec spec = kept.isPresent()
                ? kept.get()
                : new ContainerCreation(machine).compile(sandbox, container.id(), container.config(), image);
        Snapshot snapshot = machine.images().prepare(container.id(), image);
        Program program = ContainerProgram.write(
                spec,
                container.record().context(),
                ImageVolumes.layers(snapshot),
                ImageVolumes.prepare(machine.images(), container.id(), container.config())
                        .layers(),
                machine.maxFiles());
        List<Fd> descriptors = new ArrayList<>();
        descriptors.add(machine.hostMounts());
        if (spec.pid() == PidMode.TARGET) {
            descriptors.add(target(sandbox, container));
        }
        Optional<Fd> log = LogFiles.open(machine.linux().files(), container);
        try (Fd cgroup = container.cgroup().open()) {
            Stdio stdio = spec.terminal() ? new Stdio.LoggedTerminal(log) : new Stdio.Logged(spec.stdin(), log);
            long flags = spec.pid() == PidMode.CONTAINER ? Sched.CLONE_NEWPID : 0;
            return Waiting.await(
                    pause.start(
                            new ProcessSpec(container.id(), program, descriptors, stdio, flags, Optional.of(cgroup))),
                    DEADLINE,
                    "start " + container);
        } finally {
            log.ifPresent(Fd::close);
        }
    }

    private Image image(Container container) {
        return machine.images()
                .find(container.record().imageId())
                .orElseThrow(() -> CriErrors.notFound(
                        "start %s: its image %s is not present any more",
                        container, container.record().imageId()));
    }

    private static Fd target(Sandbox sandbox, Container container) {
        String id = container
                .config()
                .getLinux()
                .getSecurityContext()
                .getNamespaceOptions()
                .getTargetId();
        return sandbox.container(id)
                .flatMap(Container::pidfd)
                .orElseThrow(() -> CriErrors.wrongState(
                        "start %s: its target container '%s' does not run in this pod", container, id));
    }

    private void failed(Sandbox sandbox, Container container, Created created, Pause pause, Exception cause) {
        Instant now = machine.clock().instant();
        try {
            container.cgroup().kill();
            var unused = pause.acknowledge(container.id());
            sandbox.become(
                    container,
                    container.record().in(created.notStarted(now, reason(cause), String.valueOf(cause.getMessage()))));
            sandbox.announce(container.id(), ContainerEventType.CONTAINER_STOPPED_EVENT, now);
        } catch (IOException | RuntimeException more) {
            cause.addSuppressed(more);
        }
    }

    /** The image's or the user's mistake, or the machine's. */
    private static String reason(Exception cause) {
        boolean cannotRun = cause instanceof ProgramFailedException failure
                && (failure.errno() == Errno.ENOENT
                        || failure.errno() == Errno.EACCES
                        || failure.errno() == Errno.ENOEXEC)
                && String.valueOf(failure.getMessage()).matches("step \\d+, (execute|find) .*");
        return cannotRun ? ContainerPhase.CANNOT_RUN : ContainerPhase.START_ERROR;
    }
}
