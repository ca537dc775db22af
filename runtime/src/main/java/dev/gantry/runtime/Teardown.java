package dev.gantry.runtime;

import dev.gantry.cgroups.Cgroup;
import dev.gantry.cri.v1.ContainerEventType;
import dev.gantry.linux.Poll;
import dev.gantry.runtime.ContainerPhase.Running;
import dev.gantry.runtime.pause.Pause;
import dev.gantry.runtime.pause.ProcessExit;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Takes containers and sandboxes down. Every step can be repeated: what is gone already is no error, so that a failed or
 * interrupted removal is finished by the next.
 */
final class Teardown {
    /** For what was killed to be gone. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Machine machine;

    Teardown(Machine machine) {
        this.machine = machine;
    }

    /** Within the queue: removes a container, ending it first if need be. */
    void remove(Sandbox sandbox, Container container) throws IOException {
        sandbox.become(container, container.record().beingRemoved());
        end(sandbox, List.of(container));
        free(sandbox, container);
        sandbox.announce(
                container.id(),
                ContainerEventType.CONTAINER_DELETED_EVENT,
                machine.clock().instant());
    }

    /** What a container holds beside its processes. */
    private void free(Sandbox sandbox, Container container) throws IOException {
        if (container.cgroup().exists()) {
            container.cgroup().removeRecursively(PATIENCE);
        }
        ImageVolumes.remove(machine.images(), container.id(), container.config());
        machine.run().removeContainer(sandbox.id(), container.id());
        sandbox.drop(container);
    }

    /** Within the queue: ends all containers and pause, gives the address back. Records stay. */
    void stop(Sandbox sandbox) throws IOException {
        end(sandbox, List.copyOf(sandbox.containers()));
        endPause(sandbox);
        if (sandbox.record().networked()) {
            machine.network().remove(sandbox.id());
        }
        if (sandbox.record().phase() != SandboxRecord.Phase.STOPPED
                || sandbox.record().networked()) {
            boolean wasReady = sandbox.isReady();
            sandbox.become(sandbox.record().withoutNetwork());
            if (wasReady) {
                sandbox.announce(
                        sandbox.id(),
                        ContainerEventType.CONTAINER_STOPPED_EVENT,
                        machine.clock().instant());
            }
        }
    }

    /** Within the queue: stops the sandbox and removes all traces of it. */
    void erase(Sandbox sandbox) throws IOException {
        stop(sandbox);
        sandbox.become(sandbox.record().in(SandboxRecord.Phase.REMOVING));
        for (Container container : List.copyOf(sandbox.containers())) {
            remove(sandbox, container);
        }
        if (sandbox.pauseCgroup().exists()) {
            sandbox.pauseCgroup().removeRecursively(PATIENCE);
        }
        Cgroup keeper = sandbox.cgroup().keeper(sandbox.id());
        if (keeper.exists()) {
            keeper.removeRecursively(PATIENCE);
        }
        if (sandbox.record().ownsCgroup()) {
            // Fails harmlessly while another sandbox of the same pod has processes in it.
            var unused = sandbox.cgroup().cgroup().tryRemove();
        }
        machine.run().removeSandbox(sandbox.id());
    }

    private static void endPause(Sandbox sandbox) throws IOException {
        Optional<Pause> connected = sandbox.pauseIfConnected();
        if (connected.isPresent()) {
            Pause pause = connected.get();
            pause.kill();
            int events =
                    sandbox.machine().linux().polling().poll(pause.pidfd(), Poll.EPOLLIN, (int) PATIENCE.toMillis());
            if (events == 0) {
                throw CriErrors.deadline(
                        "stop pod sandbox %s: its processes are killed, but not gone after %d s; one hangs in the kernel",
                        sandbox.id(), PATIENCE.toSeconds());
            }
            sandbox.disconnect();
        }
        if (sandbox.pauseCgroup().exists()) {
            sandbox.pauseCgroup().kill();
        }
    }

    /** Kills them together, then takes the reports, which would otherwise wait behind us in the queue. */
    private void end(Sandbox sandbox, List<Container> containers) throws IOException {
        List<Container> running =
                containers.stream().filter(Container::isRunning).toList();
        running.forEach(new ContainerStop(machine)::kill);
        for (Container container : running) {
            Optional<ProcessExit> exit = report(container);
            if (exit.isPresent()) {
                sandbox.containerExited(exit.get());
            } else if (container.phase() instanceof Running phase) {
                Instant now = machine.clock().instant();
                sandbox.become(container, container.record().in(phase.lost(now, "its end was not reported")));
                sandbox.announce(container.id(), ContainerEventType.CONTAINER_STOPPED_EVENT, now);
            }
        }
    }

    private static Optional<ProcessExit> report(Container container) {
        try {
            return Optional.of(container.reported().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        } catch (ExecutionException | TimeoutException e) {
            return Optional.empty();
        }
    }
}
