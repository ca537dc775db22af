package dev.gantry.runtime;

import dev.gantry.cgroups.CgroupResources;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.linux.Fd;
import dev.gantry.runtime.ContainerPhase.Exited;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Changes to what runs. */
final class Updates {
    private final Machine machine;

    Updates(Machine machine) {
        this.machine = machine;
    }

    /** All of it or nothing. */
    CompletableFuture<Void> container(Sandbox sandbox, Container container, LinuxContainerResources update) {
        return sandbox.queue().submit(() -> {
            if (container.phase() instanceof Exited) {
                throw CriErrors.wrongState("update %s: it has exited", container);
            }
            LinuxContainerResources after = Limits.merged(container.record().resources(), update);
            container.cgroup().change(Limits.of(after));
            sandbox.become(container, container.record().withResources(after));
            return null;
        });
    }

    CompletableFuture<Void> sandbox(Sandbox sandbox, LinuxContainerResources resources) {
        return sandbox.queue().submit(() -> {
            CgroupResources limits = Limits.of(resources);
            // A cgroup of somebody else's was changed by them before they told us.
            if (sandbox.record().ownsCgroup()) {
                sandbox.cgroup().cgroup().change(limits);
            }
            return null;
        });
    }

    /** The file was renamed by whoever rotates: from now on lines go to a new one at the old path. */
    CompletableFuture<Void> reopenLog(Sandbox sandbox, Container container) {
        return sandbox.queue().submit(() -> {
            if (!container.isRunning()) {
                throw CriErrors.wrongState("reopen the log of %s: it does not run", container);
            }
            Optional<Fd> log = LogFiles.open(machine.linux().files(), container);
            try {
                Waiting.await(
                        sandbox.pause().rotate(container.id(), log), Waiting.ANSWER, "rotate the log of " + container);
            } finally {
                log.ifPresent(Fd::close);
            }
            return null;
        });
    }
}
