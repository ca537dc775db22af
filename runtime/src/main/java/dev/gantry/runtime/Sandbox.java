package dev.gantry.runtime;

import dev.gantry.cgroups.Cgroup;
import dev.gantry.cgroups.PodCgroup;
import dev.gantry.cri.v1.ContainerEventType;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxMetadata;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Poll;
import dev.gantry.runtime.ContainerPhase.Running;
import dev.gantry.runtime.pause.LogHealth;
import dev.gantry.runtime.pause.Pause;
import dev.gantry.runtime.pause.PauseListener;
import dev.gantry.runtime.pause.ProcessExit;
import dev.gantry.runtime.spec.SandboxFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One pod sandbox with its containers.
 *
 * <ul>
 *   <li>Serial: everything that changes it or its containers runs in {@link #queue}, one after the other.
 *   <li>Everybody may read the latest records at any time, without waiting.
 *   <li>A record is on disk before anybody hears of what it says.
 * </ul>
 */
final class Sandbox implements PauseListener {
    private static final Logger LOG = LoggerFactory.getLogger(Sandbox.class);

    private final String id;
    private final PodSandboxConfig config;
    private final Machine machine;
    private final Announcer announcer;
    private final SerialQueue queue;
    private final PodCgroup cgroup;
    private final Map<String, Container> containers = new ConcurrentHashMap<>();
    private final Map<String, CompletableFuture<ProcessExit>> execs = new ConcurrentHashMap<>();
    private volatile SandboxRecord record;
    private volatile @Nullable Pause pause;
    private volatile EventLoop.@Nullable Registration death;

    /** Tells the world what happened to a sandbox or container. */
    interface Announcer {
        /** {@code containerId}: the sandbox's own id for the sandbox. */
        void announce(Sandbox sandbox, String containerId, ContainerEventType type, Instant at);
    }

    Sandbox(String id, PodSandboxConfig config, Machine machine, Announcer announcer, SandboxRecord record) {
        this.id = id;
        this.config = config;
        this.machine = machine;
        this.announcer = announcer;
        this.queue = new SerialQueue(machine.executor());
        this.cgroup = machine.cgroups().pod(record.cgroup());
        this.record = record;
    }

    /** Unique among the sandboxes that exist at one time. */
    static String name(PodSandboxMetadata pod) {
        return "%s_%s_%s_%d".formatted(pod.getName(), pod.getNamespace(), pod.getUid(), pod.getAttempt());
    }

    String id() {
        return id;
    }

    PodSandboxConfig config() {
        return config;
    }

    Machine machine() {
        return machine;
    }

    SerialQueue queue() {
        return queue;
    }

    PodCgroup cgroup() {
        return cgroup;
    }

    /** Of pause itself. */
    Cgroup pauseCgroup() {
        return cgroup.container(id);
    }

    SandboxRecord record() {
        return record;
    }

    boolean isReady() {
        return record.phase() == SandboxRecord.Phase.READY;
    }

    /** As inside the pod, also where that is the host's. */
    String hostname() {
        return record.hostname();
    }

    boolean hostNetwork() {
        return namespaces().getNetwork() == NamespaceMode.NODE;
    }

    boolean hostIpc() {
        return namespaces().getIpc() == NamespaceMode.NODE;
    }

    boolean hostPid() {
        return namespaces().getPid() == NamespaceMode.NODE;
    }

    private dev.gantry.cri.v1.NamespaceOption namespaces() {
        return config.getLinux().getSecurityContext().getNamespaceOptions();
    }

    /** The files that its containers share, as far as they were written. */
    SandboxFiles files() {
        Path directory = machine.run().sandbox(id);
        return new SandboxFiles(
                existing(directory.resolve("hosts")),
                existing(directory.resolve("hostname")),
                existing(directory.resolve("resolv.conf")));
    }

    private static Optional<String> existing(Path file) {
        return Files.exists(file) ? Optional.of(file.toString()) : Optional.empty();
    }

    /** The connection to a pod that runs; otherwise FAILED_PRECONDITION. */
    Pause pause() {
        Pause connected = pause;
        if (connected == null || !isReady()) {
            throw CriErrors.wrongState(
                    "pod sandbox '%s' (%s) is not ready", config.getMetadata().getName(), id);
        }
        return connected;
    }

    Optional<Pause> pauseIfConnected() {
        return Optional.ofNullable(pause);
    }

    /** From now on pause's end is noticed. */
    void connected(Pause connection) throws IOException {
        pause = connection;
        death = machine.loop()
                .register("end of pod " + id, connection.pidfd(), Poll.EPOLLIN, events -> pauseEnded(connection));
    }

    /** Lets go of the connection; pause lives on, unless it was killed. */
    void disconnect() {
        EventLoop.Registration registration = death;
        death = null;
        if (registration != null) {
            registration.close();
        }
        Pause connection = pause;
        pause = null;
        if (connection != null) {
            connection.close();
        }
        IOException gone = new IOException("pod sandbox %s has ended".formatted(id));
        execs.values().forEach(exit -> exit.completeExceptionally(gone));
        execs.clear();
        containers.values().forEach(container -> container.reported().completeExceptionally(gone));
    }

    // ---- records: only within the queue

    void become(SandboxRecord next) throws IOException {
        machine.run().write(id, next);
        record = next;
    }

    void become(Container container, ContainerRecord next) throws IOException {
        machine.run().write(id, container.id(), next);
        container.recorded(next);
    }

    // ---- containers

    Collection<Container> containers() {
        return containers.values();
    }

    Optional<Container> container(String containerId) {
        return Optional.ofNullable(containers.get(containerId));
    }

    void add(Container container) {
        containers.put(container.id(), container);
    }

    void drop(Container container) {
        containers.remove(container.id());
        container.forget();
    }

    void announce(String containerId, ContainerEventType type, Instant at) {
        announcer.announce(this, containerId, type, at);
    }

    /** Completes with the end of a process that is no container: an exec. */
    CompletableFuture<ProcessExit> expectExec(String execId) {
        return execs.computeIfAbsent(execId, key -> new CompletableFuture<>());
    }

    void forgetExec(String execId) {
        execs.remove(execId);
    }

    // ---- what pause says, on the event loop

    @Override
    public void exited(ProcessExit exit) {
        CompletableFuture<ProcessExit> exec = execs.remove(exit.id());
        if (exec != null) {
            Pause connection = pause;
            if (connection != null) {
                var unused = connection.acknowledge(exit.id());
            }
            exec.complete(exit);
            return;
        }
        Container container = containers.get(exit.id());
        if (container != null) {
            container.reported().complete(exit);
        }
        var unused = queue.submit(() -> {
            containerExited(exit);
            return exit.id();
        });
    }

    /** Within the queue: records the end, then lets pause forget it. A second report changes nothing. */
    void containerExited(ProcessExit exit) throws IOException {
        Container container = containers.get(exit.id());
        if (container != null && container.phase() instanceof Running running) {
            boolean oomKilled = exit.exitCode() != 0 && oomKills(container) > 0;
            endLeftovers(container);
            become(container, container.record().in(running.exited(exit.finishedAt(), exit.exitCode(), oomKilled)));
            announce(container.id(), ContainerEventType.CONTAINER_STOPPED_EVENT, exit.finishedAt());
        }
        Pause connection = pause;
        if (connection != null) {
            var unused = connection.acknowledge(exit.id());
        }
    }

    private static long oomKills(Container container) {
        try {
            return container.cgroup().oomKills();
        } catch (IOException e) {
            LOG.debug("Could not read memory.events of {}", container, e);
            return 0;
        }
    }

    /** In a shared PID namespace the container's other processes outlive its first one. */
    private static void endLeftovers(Container container) {
        try {
            if (container.cgroup().isPopulated()) {
                container.cgroup().kill();
            }
        } catch (IOException e) {
            LOG.debug("Could not end the remaining processes of {}", container, e);
        }
    }

    @Override
    public void logChanged(String containerId, LogHealth health) {
        LOG.debug("Log of container {} changed: {}", containerId, health);
    }

    @Override
    public void attachmentCut(String containerId) {
        LOG.debug("A reader of container {} was too slow and was cut off", containerId);
    }

    @Override
    public void disconnected(@Nullable IOException cause) {
        // Its pidfd tells for certain whether it is gone.
        LOG.debug("Connection to pause of sandbox {} ended", id, cause);
    }

    /** Pause has ended by itself or by somebody else's hand, and the kernel has ended the pod with it. */
    private void pauseEnded(Pause connection) {
        EventLoop.Registration registration = death;
        if (registration != null) {
            registration.close();
        }
        var unused = queue.submit(() -> {
            if (pause == connection) {
                died("the pod's first process ended");
            }
            return id;
        });
    }

    /** Within the queue: the pod is gone without having been stopped. */
    void died(String message) throws IOException {
        disconnect();
        Instant now = machine.clock().instant();
        for (Container container : containers.values()) {
            if (container.phase() instanceof Running running) {
                endLeftovers(container);
                become(container, container.record().in(running.lost(now, message)));
                announce(container.id(), ContainerEventType.CONTAINER_STOPPED_EVENT, now);
            }
        }
        if (isReady()) {
            // Its address is given back by StopPodSandbox, as of any other pod.
            become(record.in(SandboxRecord.Phase.STOPPED));
            announce(id, ContainerEventType.CONTAINER_STOPPED_EVENT, now);
        }
    }
}
