package dev.gantry.runtime;

import dev.gantry.cgroups.Cgroup;
import dev.gantry.cgroups.CgroupNaming;
import dev.gantry.cri.v1.ContainerEventType;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Signal;
import dev.gantry.runtime.ContainerPhase.Created;
import dev.gantry.runtime.ContainerPhase.Exited;
import dev.gantry.runtime.ContainerPhase.Running;
import dev.gantry.runtime.pause.Pause;
import dev.gantry.runtime.pause.ProcessExit;
import dev.gantry.runtime.pause.ProcessState;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts the records of an earlier run together with what the kernel and the pauses say.
 *
 * <p>The record of a sandbox is written before anything is made for it and deleted after everything is freed, so
 * whatever an interrupted run left is found from the records. Where record and kernel differ, the kernel is right: what
 * runs is taken over as it is, what ended is recorded with the code and time that pause kept.
 */
final class Recovery {
    private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);

    private final Machine machine;
    private final Pods pods;

    Recovery(Machine machine, Pods pods) {
        this.machine = machine;
        this.pods = pods;
    }

    /** To be called once, before anything is served. Sandboxes are taken over side by side. */
    void run() throws IOException {
        List<String> broken = new ArrayList<>();
        List<RunDirectory.Found> found = machine.run().scan(broken);
        for (String id : broken) {
            // Interrupted in its first or last moment: nothing else of it exists.
            RunDirectory.deleteTree(machine.run().sandbox(id));
        }
        Set<String> networked = new HashSet<>();
        for (RunDirectory.Found one : found) {
            if (one.record().networked()) {
                networked.add(one.id());
            }
        }
        machine.network().recover(networked);
        List<CompletableFuture<Void>> takeovers = new ArrayList<>();
        for (RunDirectory.Found one : found) {
            Sandbox sandbox = rebuilt(one);
            takeovers.add(sandbox.queue().submit(() -> {
                takeOver(sandbox);
                return null;
            }));
        }
        for (CompletableFuture<Void> takeover : takeovers) {
            try {
                takeover.join();
            } catch (java.util.concurrent.CompletionException e) {
                // One pod that cannot be taken over must not keep the others from being served; its record stays.
                LOG.debug("Could not take over a pod sandbox", e);
            }
        }
        List<String> snapshots = new ArrayList<>();
        for (Container container : pods.containers()) {
            snapshots.add(container.id());
            snapshots.addAll(ImageVolumes.snapshotIds(container.id(), container.config()));
        }
        machine.images().retainSnapshots(snapshots);
    }

    private Sandbox rebuilt(RunDirectory.Found found) {
        Sandbox sandbox = new Sandbox(found.id(), found.config(), machine, pods, found.record());
        found.containers()
                .forEach((id, one) -> sandbox.add(new Container(
                        id,
                        found.id(),
                        found.config(),
                        one.config(),
                        sandbox.cgroup().container(id),
                        one.record())));
        return sandbox;
    }

    private void takeOver(Sandbox sandbox) throws IOException, InterruptedException {
        Optional<Pause> pause = connect(sandbox);
        if (pause.isPresent()) {
            sandbox.connected(pause.get());
        }
        SandboxRecord.Phase phase = sandbox.record().phase();
        if (phase == SandboxRecord.Phase.CREATING || phase == SandboxRecord.Phase.REMOVING) {
            new Teardown(machine).erase(sandbox);
            return;
        }
        pods.adopt(sandbox);
        if (phase == SandboxRecord.Phase.READY && pause.isPresent()) {
            reconcile(sandbox, pause.get());
        } else {
            // Stopped, interrupted while it stopped, or dead: in any case nothing of it may run.
            if (pause.isPresent()) {
                new Teardown(machine).stop(sandbox);
            }
            sandbox.died("the pod ended while no runtime watched it");
        }
        sweepCgroups(sandbox);
        for (Container container : List.copyOf(sandbox.containers())) {
            if (container.record().removing()) {
                pods.finishRemoval(sandbox, container);
            }
        }
    }

    private Optional<Pause> connect(Sandbox sandbox) {
        if (!Files.exists(machine.run().socket(sandbox.id()))) {
            return Optional.empty();
        }
        try {
            return Optional.of(machine.pauses().connect(machine.run().socket(sandbox.id()), sandbox));
        } catch (IOException e) {
            LOG.debug("No pause answers for pod sandbox {}", sandbox.id(), e);
            return Optional.empty();
        }
    }

    private void reconcile(Sandbox sandbox, Pause pause) throws IOException, InterruptedException {
        Map<String, ProcessState> processes = new HashMap<>();
        for (ProcessState process :
                Waiting.await(pause.processes(), Waiting.ANSWER, "list the processes of pod sandbox " + sandbox.id())) {
            processes.put(process.id(), process);
        }
        for (Container container : sandbox.containers()) {
            reconcile(sandbox, container, Optional.ofNullable(processes.remove(container.id())));
        }
        // Execs whose client is gone, containers whose record is gone.
        for (ProcessState stray : processes.values()) {
            end(sandbox, pause, stray);
        }
    }

    private void reconcile(Sandbox sandbox, Container container, Optional<ProcessState> process) throws IOException {
        ContainerPhase phase = container.phase();
        if (phase instanceof Exited) {
            process.ifPresent(state -> closeAndForget(sandbox, state));
            return;
        }
        if (process.isEmpty()) {
            if (phase instanceof Running running) {
                Instant now = machine.clock().instant();
                sandbox.become(container, container.record().in(running.lost(now, "its process was not found again")));
                sandbox.announce(container.id(), ContainerEventType.CONTAINER_STOPPED_EVENT, now);
            }
            return;
        }
        ProcessState state = process.get();
        switch (state.phase()) {
            case RUNNING -> {
                started(sandbox, container, state);
                state.pidfd().ifPresent(container::setPidfd);
                container.record().killAt().ifPresent(at -> new ContainerStop(machine).resume(container, at));
            }
            case EXITED -> {
                started(sandbox, container, state);
                ProcessExit exit = state.exit().orElseThrow();
                container.reported().complete(exit);
                sandbox.containerExited(exit);
            }
            case STARTING, FAILED -> notStarted(sandbox, container, state);
        }
    }

    /** Interrupted between the start and its record. */
    private static void started(Sandbox sandbox, Container container, ProcessState state) throws IOException {
        if (container.phase() instanceof Created created) {
            Instant at = state.startedAt().orElseThrow();
            sandbox.become(container, container.record().in(created.started(at)));
        }
    }

    private void notStarted(Sandbox sandbox, Container container, ProcessState state) throws IOException {
        container.cgroup().kill();
        state.pidfd().ifPresent(Fd::close);
        if (container.phase() instanceof Created created) {
            String message = "the runtime ended while the container was being started"
                    + state.step()
                            .map(step -> ", at step %d: %s".formatted(step.index() + 1, step.reason()))
                            .orElse("");
            Instant now = machine.clock().instant();
            sandbox.become(
                    container, container.record().in(created.notStarted(now, ContainerPhase.START_ERROR, message)));
        }
        acknowledge(sandbox, state.id());
    }

    private void end(Sandbox sandbox, Pause pause, ProcessState stray) {
        stray.pidfd().ifPresent(process -> {
            try (process) {
                machine.linux().processes().pidfdSendSignal(process, Signal.SIGKILL);
            } catch (IOException e) {
                // Ended meanwhile.
            }
        });
        if (stray.phase() == ProcessState.Phase.EXITED || stray.phase() == ProcessState.Phase.FAILED) {
            var unused = pause.acknowledge(stray.id());
        } else {
            // Acknowledged when its end is reported, as that of any exec.
            var unused = sandbox.expectExec(stray.id());
        }
    }

    private static void closeAndForget(Sandbox sandbox, ProcessState state) {
        state.pidfd().ifPresent(Fd::close);
        acknowledge(sandbox, state.id());
    }

    private static void acknowledge(Sandbox sandbox, String processId) {
        sandbox.pauseIfConnected().ifPresent(pause -> {
            var unused = pause.acknowledge(processId);
        });
    }

    /** Cgroups of containers whose creation was interrupted before their record, and of execs. */
    private void sweepCgroups(Sandbox sandbox) throws IOException {
        Cgroup pod = sandbox.cgroup().cgroup();
        if (!pod.exists()) {
            return;
        }
        Set<String> known = new HashSet<>();
        for (Sandbox one : pods.sandboxes()) {
            known.add(one.pauseCgroup().name());
            one.containers().forEach(container -> known.add(container.cgroup().name()));
        }
        for (Cgroup child : pod.children()) {
            if (known.contains(child.name())) {
                for (Cgroup exec : child.children()) {
                    var unused = exec.tryRemove();
                }
            } else if (CgroupNaming.idOf(child.name())
                    .filter(id -> !machine.run().knows(id))
                    .isPresent()) {
                child.kill();
                child.removeRecursively(Teardown.PATIENCE);
            }
        }
    }
}
