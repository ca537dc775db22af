package dev.gantry.runtime;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fd;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Asks a container's first process to end, and ends it when its time is over. Waits on no thread. */
final class ContainerStop {
    /** How long the kernel may take to end what was killed; longer means a process that hangs in the kernel. */
    private static final Duration KILL_PATIENCE = Duration.ofSeconds(10);

    private static final Path PROC = Path.of("/proc");

    private final Machine machine;

    ContainerStop(Machine machine) {
        this.machine = machine;
    }

    /**
     * Stops a running container; nothing to do for any other.
     *
     * @param grace zero or less: kill at once
     * @return completes when it has exited
     */
    CompletableFuture<Void> stop(Sandbox sandbox, Container container, Duration grace) {
        if (!container.isRunning()) {
            return CompletableFuture.completedFuture(null);
        }
        CompletableFuture<Void> result = new CompletableFuture<>();
        EventLoop.Timer timer;
        if (grace.isNegative() || grace.isZero()) {
            timer = killNow(container, result);
        } else {
            Instant deadline = machine.clock().instant().plus(grace);
            var unused = sandbox.queue().submit(() -> {
                if (container.isRunning()) {
                    sandbox.become(container, container.record().toBeKilledAt(deadline));
                }
                return container;
            });
            signal(container, container.record().stopSignal());
            timer = machine.loop().schedule(grace, () -> killNow(container, result));
        }
        var unused = container.ended().thenRun(() -> {
            timer.cancel();
            result.complete(null);
        });
        return result;
    }

    /** Goes on with a stop that an earlier run of ours had begun. */
    void resume(Container container, Instant killAt) {
        Duration rest = Duration.between(machine.clock().instant(), killAt);
        if (rest.isNegative() || rest.isZero()) {
            kill(container);
            return;
        }
        EventLoop.Timer timer = machine.loop().schedule(rest, () -> kill(container));
        var unused = container.ended().thenRun(timer::cancel);
    }

    private EventLoop.Timer killNow(Container container, CompletableFuture<Void> result) {
        kill(container);
        EventLoop.Timer timer = machine.loop()
                .schedule(
                        KILL_PATIENCE,
                        () -> result.completeExceptionally(CriErrors.deadline(
                                "stop %s: killed, but not gone after %d s: %s; it ends when what it waits for answers, or with a"
                                        + " restart of the machine",
                                container,
                                KILL_PATIENCE.toSeconds(),
                                new HungProcesses(PROC).describe(processes(container)))));
        var unused = container.ended().thenRun(timer::cancel);
        return timer;
    }

    /** The whole container at once; its first process by its handle too, should the cgroup not know it. */
    void kill(Container container) {
        try {
            container.cgroup().kill();
        } catch (IOException e) {
            // The handle below does for a container with a PID namespace of its own.
        }
        container.pidfd().ifPresent(process -> send(container, process, dev.gantry.linux.Signal.SIGKILL));
    }

    private void signal(Container container, int number) {
        Optional<Fd> process = container.pidfd();
        process.ifPresent(fd -> {
            try {
                machine.linux().processes().pidfdSendSignal(fd, number);
            } catch (ErrnoException | IllegalStateException e) {
                // ESRCH or closed: it has ended meanwhile, and will be reported.
            }
        });
    }

    private void send(Container container, Fd process, int number) {
        try {
            machine.linux().processes().pidfdSendSignal(process, number);
        } catch (ErrnoException e) {
            if (!e.is(Errno.ESRCH)) {
                throw new IllegalStateException("kill " + container, e);
            }
        } catch (IllegalStateException e) {
            // Closed: it has ended meanwhile.
        }
    }

    private static List<Integer> processes(Container container) {
        try {
            return container.cgroup().allProcesses();
        } catch (IOException e) {
            return List.of();
        }
    }
}
