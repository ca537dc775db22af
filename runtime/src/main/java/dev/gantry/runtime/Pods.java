package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerEventResponse;
import dev.gantry.cri.v1.ContainerEventType;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.netns.NetworkFiles;
import dev.gantry.runtime.spec.SpecException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * All sandboxes of this runtime and what can be done with them. Nothing here waits and nothing locks more than one
 * sandbox: what takes time is in that sandbox's queue.
 */
final class Pods implements Sandbox.Announcer {
    private final Machine machine;
    private final EventHub events;
    private final Map<String, Sandbox> sandboxes = new ConcurrentHashMap<>();
    private final NameRegistry sandboxNames = new NameRegistry();
    private final NameRegistry containerNames = new NameRegistry();

    Pods(Machine machine, EventHub events) {
        this.machine = machine;
        this.events = events;
    }

    Machine machine() {
        return machine;
    }

    Collection<Sandbox> sandboxes() {
        return sandboxes.values();
    }

    List<Container> containers() {
        return sandboxes.values().stream()
                .flatMap(sandbox -> sandbox.containers().stream())
                .toList();
    }

    /** By id, or by the start of an id that only one has. */
    Optional<Sandbox> sandbox(String id) {
        Sandbox exact = sandboxes.get(id);
        if (exact != null || id.isEmpty()) {
            return Optional.ofNullable(exact);
        }
        List<Sandbox> matching = sandboxes.values().stream()
                .filter(sandbox -> sandbox.id().startsWith(id))
                .limit(2)
                .toList();
        return matching.size() == 1 ? Optional.of(matching.get(0)) : Optional.empty();
    }

    Sandbox existingSandbox(String id) {
        return sandbox(id).orElseThrow(() -> CriErrors.notFound("no pod sandbox '%s'", id));
    }

    /** A container with its sandbox. */
    record Located(Sandbox sandbox, Container container) {}

    /** By id, or by the start of an id that only one has. */
    Optional<Located> container(String id) {
        if (id.isEmpty()) {
            return Optional.empty();
        }
        Located match = null;
        for (Sandbox sandbox : sandboxes.values()) {
            Optional<Container> exact = sandbox.container(id);
            if (exact.isPresent()) {
                return Optional.of(new Located(sandbox, exact.get()));
            }
            for (Container container : sandbox.containers()) {
                if (container.id().startsWith(id)) {
                    if (match != null) {
                        return Optional.empty();
                    }
                    match = new Located(sandbox, container);
                }
            }
        }
        return Optional.ofNullable(match);
    }

    Located existingContainer(String id) {
        return container(id).orElseThrow(() -> CriErrors.notFound("no container '%s'", id));
    }

    // ---- sandboxes

    /** Starts a sandbox; completes with its id when it is ready. */
    CompletableFuture<String> run(PodSandboxConfig config, String handler) throws SpecException {
        RequestChecks.pod(config);
        return sandboxNames.create(
                Sandbox.name(config.getMetadata()),
                () -> start(config, handler),
                id -> CriErrors.exists(
                        "pod sandbox '%s' of namespace '%s' exists as %s: remove it first, or raise the attempt",
                        config.getMetadata().getName(), config.getMetadata().getNamespace(), id));
    }

    private CompletableFuture<String> start(PodSandboxConfig config, String handler) {
        Optional<Spare> spare =
                SandboxStart.takesSpare(config) ? machine.spares().take() : Optional.empty();
        String id = spare.map(Spare::id).orElseGet(Ids::random);
        String cgroup = cgroup(config);
        SandboxRecord record = new SandboxRecord(
                SandboxRecord.Phase.CREATING,
                machine.clock().instant(),
                handler,
                hostname(config),
                cgroup,
                owns(cgroup),
                config.getLinux().getSecurityContext().getNamespaceOptions().getNetwork() != NamespaceMode.NODE,
                List.of());
        Sandbox sandbox = new Sandbox(id, config, machine, this, record);
        return sandbox.queue().submit(() -> {
            try {
                machine.run().create(id, config, record);
                new SandboxStart(machine).start(sandbox, spare);
                sandboxes.put(id, sandbox);
                return id;
            } finally {
                spare.ifPresent(Spare::close);
                machine.spares().refill();
            }
        });
    }

    /** A pod with the host's network has the host's name, whatever it asks for: they share the UTS namespace. */
    private static String hostname(PodSandboxConfig config) {
        if (config.getLinux().getSecurityContext().getNamespaceOptions().getNetwork() == NamespaceMode.NODE) {
            return HostName.read();
        }
        return NetworkFiles.hostnameOf(
                config.getHostname(), config.getMetadata().getName());
    }

    private String cgroup(PodSandboxConfig config) {
        String parent = config.getLinux().getCgroupParent();
        return parent.isEmpty()
                ? machine.cgroups()
                        .naming()
                        .pod(
                                dev.gantry.cgroups.QosClass.BEST_EFFORT,
                                config.getMetadata().getUid())
                : parent;
    }

    /** One that is there, and that no sandbox of ours brought, has its limits from whoever made it. */
    private boolean owns(String cgroup) {
        return !machine.cgroups().pod(cgroup).cgroup().exists()
                || sandboxes.values().stream()
                        .map(Sandbox::record)
                        .anyMatch(other -> other.ownsCgroup() && other.cgroup().equals(cgroup));
    }

    CompletableFuture<Void> stopSandbox(Sandbox sandbox) {
        interruptStart(sandbox);
        return sandbox.queue().submit(() -> {
            new Teardown(machine).stop(sandbox);
            return null;
        });
    }

    CompletableFuture<Void> removeSandbox(Sandbox sandbox) {
        interruptStart(sandbox);
        return sandbox.queue().submit(() -> {
            if (sandboxes.get(sandbox.id()) != sandbox) {
                return null;
            }
            List<Container> containers = List.copyOf(sandbox.containers());
            new Teardown(machine).erase(sandbox);
            sandboxes.remove(sandbox.id());
            containers.forEach(container -> freeName(sandbox, container));
            sandboxNames.free(Sandbox.name(sandbox.config().getMetadata()), sandbox.id());
            sandbox.announce(
                    sandbox.id(),
                    ContainerEventType.CONTAINER_DELETED_EVENT,
                    machine.clock().instant());
            return null;
        });
    }

    /** A container whose start hangs in a mount would keep the queue until its deadline. */
    private static void interruptStart(Sandbox sandbox) {
        for (Container container : sandbox.containers()) {
            if (container.isCreated()) {
                try {
                    if (container.cgroup().isPopulated()) {
                        container.cgroup().kill();
                    }
                } catch (IOException e) {
                    // Its deadline ends it.
                }
            }
        }
    }

    // ---- containers

    CompletableFuture<String> create(Sandbox sandbox, ContainerConfig config) {
        String id = Ids.random();
        return containerNames.create(
                Container.name(config.getMetadata(), sandbox.config().getMetadata()),
                () -> sandbox.queue().submit(() -> {
                    new ContainerCreation(machine).create(sandbox, id, config);
                    return id;
                }),
                existing -> CriErrors.exists(
                        "container '%s' of pod '%s' exists as %s: remove it first, or raise the attempt",
                        config.getMetadata().getName(),
                        sandbox.config().getMetadata().getName(),
                        existing));
    }

    CompletableFuture<Void> start(Located located) {
        return located.sandbox().queue().submit(() -> {
            new ContainerStart(machine).start(located.sandbox(), located.container());
            return null;
        });
    }

    CompletableFuture<Void> stop(Located located, Duration grace) {
        return new ContainerStop(machine).stop(located.sandbox(), located.container(), grace);
    }

    CompletableFuture<Void> remove(Located located) {
        Sandbox sandbox = located.sandbox();
        Container container = located.container();
        return sandbox.queue().submit(() -> {
            if (sandbox.container(container.id()).isPresent()) {
                new Teardown(machine).remove(sandbox, container);
                freeName(sandbox, container);
            }
            return null;
        });
    }

    /** Within the queue: one that an earlier run had begun. */
    void finishRemoval(Sandbox sandbox, Container container) throws IOException {
        new Teardown(machine).remove(sandbox, container);
        freeName(sandbox, container);
    }

    private void freeName(Sandbox sandbox, Container container) {
        containerNames.free(
                Container.name(
                        container.config().getMetadata(), sandbox.config().getMetadata()),
                container.id());
    }

    /** Takes over what an earlier run left, and is alive or at least whole. */
    void adopt(Sandbox sandbox) {
        sandboxes.put(sandbox.id(), sandbox);
        sandboxNames.adopt(Sandbox.name(sandbox.config().getMetadata()), sandbox.id());
        sandbox.containers()
                .forEach(container -> containerNames.adopt(
                        Container.name(
                                container.config().getMetadata(),
                                sandbox.config().getMetadata()),
                        container.id()));
    }

    // ---- events

    @Override
    public void announce(Sandbox sandbox, String containerId, ContainerEventType type, Instant at) {
        if (!events.isHeard()) {
            return;
        }
        ContainerEventResponse.Builder event = ContainerEventResponse.newBuilder()
                .setContainerId(containerId)
                .setContainerEventType(type)
                .setCreatedAt(Times.nanos(at));
        boolean sandboxGone = type == ContainerEventType.CONTAINER_DELETED_EVENT && containerId.equals(sandbox.id());
        if (!sandboxGone) {
            event.setPodSandboxStatus(CriView.status(sandbox));
            sandbox.containers().forEach(container -> event.addContainersStatuses(CriView.status(container)));
        }
        events.publish(event.build());
    }
}
