package dev.gantry.agent.main;

import dev.gantry.agent.config.AgentConfig;
import dev.gantry.agent.event.EventStore;
import dev.gantry.agent.oom.OomEvents;
import dev.gantry.agent.oom.OomEvents.Watched;
import dev.gantry.agent.pod.CriPodEngine;
import dev.gantry.agent.pod.NodeFacts;
import dev.gantry.agent.pod.PodChange;
import dev.gantry.agent.pod.RunningContainer;
import dev.gantry.agent.resource.EmptyCgroups;
import dev.gantry.agent.resource.HostCgroups;
import dev.gantry.agent.resource.NodeCgroups;
import dev.gantry.agent.rotation.LogRotator;
import dev.gantry.agent.rotation.LogRotator.RunningLog;
import dev.gantry.agent.storage.StorageWatch;
import dev.gantry.cgroups.CgroupTree;
import dev.gantry.cgroups.SliceManager;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Linux;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What goes on beside the pods and follows them: rotation of their logs, what they take of the disk, the cgroups of their classes, events of
 * out-of-memory kills.
 */
final class NodeServices implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeServices.class);

    private final AgentConfig config;
    private final CriPodEngine engine;
    private final Executor pool;
    private final Deque<AutoCloseable> services = new ArrayDeque<>();

    private NodeServices(AgentConfig config, CriPodEngine engine, Executor pool) {
        this.config = config;
        this.engine = engine;
        this.pool = pool;
    }

    /**
     * Begins.
     *
     * @param tree of the built-in runtime
     * @param host where another runtime makes its cgroups and leaves those of pods to others, if that can be had
     */
    static NodeServices start(
            AgentConfig config,
            CriPodEngine engine,
            Optional<CgroupTree> tree,
            Optional<HostCgroups> host,
            EventStore events,
            Clock clock,
            Executor pool,
            ScheduledExecutorService timers)
            throws IOException {
        NodeServices services = new NodeServices(config, engine, pool);
        try {
            if (tree.isPresent()) {
                services.levels(tree.get(), SliceManager.NONE, events);
            } else if (host.isPresent()) {
                services.levels(host.get().tree(), host.get().slices(), events);
                host.get().sweep(services.cgroupsInUse());
                services.sweepCgroups(host.get()::remove);
            } else {
                services.sweepCgroups(new EmptyCgroups(Path.of("/sys/fs/cgroup"))::remove);
            }
            services.services.push(LogRotator.start(
                    config.resources().logs(), services::logs, engine::reopenLog, clock, pool, timers));
            services.services.push(new StorageWatch(
                            engine::limitedPods,
                            engine::writableBytes,
                            engine::evict,
                            Linux.system().files(),
                            pool)
                    .start(timers));
            services.outOfMemory(tree, events);
            return services;
        } catch (IOException | RuntimeException e) {
            services.close();
            throw e;
        }
    }

    private List<RunningLog> logs() {
        return engine.runningContainers().stream()
                .filter(container -> container.logPath().startsWith("/"))
                .map(container -> new RunningLog(container.id(), Path.of(container.logPath())))
                .toList();
    }

    private Set<String> cgroupsInUse() {
        return engine.pods().stream().map(engine.node()::cgroupParent).collect(Collectors.toSet());
    }

    private void sweepCgroups(Consumer<String> remove) {
        services.push(engine.watch(change -> {
            if (change.type() == PodChange.Type.DELETED) {
                pool.execute(() -> remove.accept(engine.node().cgroupParent(change.pod())));
            }
        }));
    }

    private void levels(CgroupTree tree, SliceManager slices, EventStore events) throws IOException {
        NodeFacts node = engine.node();
        NodeCgroups cgroups = NodeCgroups.of(
                tree,
                slices,
                node.resources(),
                node.policy(),
                config.resources().enforcePods(),
                events.ofNode());
        follow(() -> {
            synchronized (cgroups) {
                cgroups.update(engine.runningSpecs());
            }
        });
    }

    private void outOfMemory(Optional<CgroupTree> tree, EventStore events) throws IOException {
        Linux linux = Linux.system();
        EventLoop loop = EventLoop.start(
                linux,
                "kernel-log",
                (name, error) -> LOG.atError()
                        .addKeyValue("task", name)
                        .setCause(error)
                        .log("Failed to follow the kernel's log"));
        services.push(loop);
        OomEvents oom = OomEvents.start(linux, loop, events, events.ofNode(), engine::owner);
        services.push(oom);
        if (oom.needsCgroups() && tree.isPresent()) {
            follow(() -> oom.watch(engine.runningContainers().stream()
                    .map(container -> watched(engine.node(), container, tree.get()))
                    .toList()));
        }
    }

    private static Watched watched(NodeFacts node, RunningContainer container, CgroupTree tree) {
        String uid = container.pod().getMetadata().getUid();
        String parent = node.cgroupParent(container.pod());
        return new Watched(uid, container.id(), tree.pod(parent).container(container.id()));
    }

    /** Runs it now and after every change of a pod, one or several of them. */
    private void follow(Runnable update) {
        AtomicBoolean due = new AtomicBoolean();
        Runnable later = () -> {
            if (due.compareAndSet(false, true)) {
                pool.execute(() -> {
                    due.set(false);
                    update.run();
                });
            }
        };
        later.run();
        services.push(engine.watch(change -> later.run()));
    }

    @Override
    public void close() {
        while (!services.isEmpty()) {
            try {
                services.pop().close();
            } catch (Exception e) {
                LOG.atWarn().setCause(e).log("Could not close a service of the node, going on");
            }
        }
    }
}
