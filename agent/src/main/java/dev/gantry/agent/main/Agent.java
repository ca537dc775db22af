package dev.gantry.agent.main;

import dev.gantry.agent.api.ApiLimits;
import dev.gantry.agent.api.ApiServer;
import dev.gantry.agent.api.Backend;
import dev.gantry.agent.check.Finding;
import dev.gantry.agent.check.MachineCheck;
import dev.gantry.agent.cli.Node;
import dev.gantry.agent.config.AgentConfig;
import dev.gantry.agent.config.NodePaths;
import dev.gantry.agent.config.RestartConfig;
import dev.gantry.agent.cri.CriImages;
import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.agent.cri.PodCgroups;
import dev.gantry.agent.cri.RuntimeWatch;
import dev.gantry.agent.event.EventStore;
import dev.gantry.agent.hook.Hooks;
import dev.gantry.agent.hook.LifecycleHooks;
import dev.gantry.agent.node.NodeEvents;
import dev.gantry.agent.pod.CrashLoop;
import dev.gantry.agent.pod.CriPodEngine;
import dev.gantry.agent.pod.NodeFacts;
import dev.gantry.agent.pod.PodDns;
import dev.gantry.agent.pod.PodEngineSettings;
import dev.gantry.agent.pod.PodPaths;
import dev.gantry.agent.pod.PodSource;
import dev.gantry.agent.pod.PodSupport;
import dev.gantry.agent.pod.RevisionFiles;
import dev.gantry.agent.pod.SerialExecutor;
import dev.gantry.agent.probe.CriExecRunner;
import dev.gantry.agent.probe.PodProbes;
import dev.gantry.agent.probe.ProbeLoop;
import dev.gantry.agent.probe.ProbeManager;
import dev.gantry.agent.probe.ProbeRecords;
import dev.gantry.agent.resource.HostCgroups;
import dev.gantry.images.ImageStore;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Linux;
import dev.gantry.linux.WorkerPool;
import dev.gantry.probes.ExecRunner;
import dev.gantry.runtime.NativeRuntime;
import dev.gantry.staticpods.ManifestNode;
import dev.gantry.staticpods.ManifestSnapshot;
import dev.gantry.staticpods.ManifestWatcher;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node agent, put together: runtime, pod engine, static pods and local API. Closing it stops all of them and no pod.
 *
 * <p>The order of the start is made for a short way to the first container: while the runtime opens its rooms, the classes that the other rooms need are loaded on
 * a second thread.
 */
final class Agent implements Node.RunningAgent {
    private static final Logger LOG = LoggerFactory.getLogger(Agent.class);

    /** An operation that hangs holds one thread of the pool until its deadline; so many pods may hang before others wait. */
    private static final int POOL_THREADS = 32;
    /** A volume whose server does not answer holds one for as long as that lasts. */
    private static final int VOLUME_THREADS = 512;
    /** So long the API may stay silent for pods of an earlier agent to be looked at, so that nobody sees one as if it had not started. */
    private static final long ADOPTION_MILLIS = 2000;

    private final AgentConfig config;
    private final Deque<AutoCloseable> rooms;
    private final Heartbeat heartbeat;
    private final RuntimeWatch runtimeWatch;
    private final CompletableFuture<ManifestSnapshot> firstManifests;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Agent(
            AgentConfig config,
            Deque<AutoCloseable> rooms,
            Heartbeat heartbeat,
            RuntimeWatch runtimeWatch,
            CompletableFuture<ManifestSnapshot> firstManifests) {
        this.config = config;
        this.rooms = rooms;
        this.heartbeat = heartbeat;
        this.runtimeWatch = runtimeWatch;
        this.firstManifests = firstManifests;
    }

    /**
     * Starts everything; returns when the API answers and the manifests have been read.
     *
     * @param watchManifests whether static pods are run; without, those that run are left alone
     * @param serveCri whether others may speak CRI to the built-in runtime
     * @throws IOException if it cannot run here; the message says why
     */
    static Agent start(AgentConfig config, boolean watchManifests, boolean serveCri)
            throws IOException, InterruptedException {
        Deque<AutoCloseable> rooms = new ArrayDeque<>();
        try {
            return new Start(config, watchManifests, serveCri, rooms).run();
        } catch (IOException | InterruptedException | RuntimeException e) {
            closeAll(rooms);
            throw e;
        }
    }

    /** One start, step by step. */
    private static final class Start {
        private final AgentConfig config;
        private final boolean watchManifests;
        private final boolean serveCri;
        private final Deque<AutoCloseable> rooms;
        private final Clock clock = Clock.systemUTC();

        Start(AgentConfig config, boolean watchManifests, boolean serveCri, Deque<AutoCloseable> rooms) {
            this.config = config;
            this.watchManifests = watchManifests;
            this.serveCri = serveCri;
            this.rooms = rooms;
        }

        Agent run() throws IOException, InterruptedException {
            NodePaths paths = config.paths();
            kept(AgentLock.take(paths.lock()));
            Files.createDirectories(paths.state());
            Files.createDirectories(paths.podLogs());
            CompletableFuture<Void> warm = WarmUp.start();
            WorkerPool pool = new WorkerPool("pod", POOL_THREADS);
            rooms.push(() -> stop(pool));
            ThreadPoolExecutor blocking = elasticPool("volume", VOLUME_THREADS);
            rooms.push(blocking::shutdownNow);
            ScheduledThreadPoolExecutor timers = timers();
            rooms.push(timers::shutdownNow);
            PodRuntime runtime = kept(PodRuntime.open(config));
            warm.join();
            EventStore events = kept(EventStore.open(
                    paths.state().resolve("events.json"), config.nodeName(), clock, new SerialExecutor(pool), timers));
            Optional<HostCgroups> host = runtime.builtIn().isPresent()
                    ? Optional.empty()
                    : HostCgroups.ofHost(Linux.system(), runtime.cgroups(), pool);
            CriRuntime cri = new CriRuntime(runtime.channel());
            ExecRunner exec = new CriExecRunner(cri);
            ProbeLoop loop = kept(new ProbeLoop(exec));
            CriPodEngine engine = kept(CriPodEngine.open(
                    settings(
                            NodeProbe.facts(config).withCgroups(runtime.cgroups()),
                            events,
                            probes(loop, events, new SerialExecutor(pool)),
                            new LifecycleHooks(exec, loop, timers, events),
                            pool,
                            blocking,
                            timers),
                    runtime.channel(),
                    host.<PodCgroups>map(cgroups -> cgroups).orElse(PodCgroups.OF_THE_RUNTIME)));
            CompletableFuture<ManifestSnapshot> firstManifests = manifests(engine);
            Heartbeat heartbeat = Heartbeat.start(pool, timers, System::nanoTime);
            RuntimeWatch watch = kept(RuntimeWatch.start(cri::status, engine::runtimeReady, timers));
            Agent agent = new Agent(config, rooms, heartbeat, watch, firstManifests);
            NodeView node = nodeView(agent, engine, runtime, host, events);
            Backend backend = backend(agent, engine, runtime, node);
            firstManifests.join();
            awaitAdoption(engine);
            kept(ApiServer.start(paths.socket(), backend, ApiLimits.STANDARD, clock));
            kept(node.follow(blocking, timers));
            // Last: nobody waits for these, and the first pods are on their way.
            kept(NodeServices.start(
                    config, engine, runtime.builtIn().map(NativeRuntime::cgroups), host, events, clock, pool, timers));
            if (serveCri && runtime.builtIn().isPresent()) {
                kept(PodRuntime.serve(runtime.builtIn().get(), paths.criSocket()));
            }
            return agent;
        }

        private static void awaitAdoption(CriPodEngine engine) throws InterruptedException {
            try {
                engine.adopted().get(ADOPTION_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                LOG.atInfo()
                        .addKeyValue("waited", Duration.ofMillis(ADOPTION_MILLIS))
                        .log("The container runtime has not yet told how all pods stand, serving the API meanwhile");
            } catch (ExecutionException e) {
                throw new IllegalStateException("nothing completes it with an error", e);
            }
        }

        private <T extends AutoCloseable> T kept(T room) {
            rooms.push(room);
            return room;
        }

        private PodProbes.Factory probes(ProbeLoop loop, EventStore events, Executor disk) throws IOException {
            return new ProbeManager(
                    loop,
                    NodeProbe.facts(config).hostIps().stream().findFirst().orElse("127.0.0.1"),
                    new ProbeRecords(podPaths(config.paths()).pods()::resolve),
                    events,
                    clock,
                    disk,
                    new SplittableRandom());
        }

        private PodEngineSettings settings(
                NodeFacts node,
                EventStore events,
                PodProbes.Factory probes,
                Hooks hooks,
                ThreadPoolExecutor pool,
                ThreadPoolExecutor blocking,
                ScheduledThreadPoolExecutor timers)
                throws IOException {
            NodePaths paths = config.paths();
            RestartConfig restarts = config.restarts();
            return new PodEngineSettings(
                    node,
                    podPaths(paths),
                    config.resolvConf(),
                    new PodDns(config.clusterDns(), config.clusterDomain().orElse("")),
                    NodeProbe.policy(config),
                    "",
                    CrashLoop.of(restarts.initial(), restarts.max(), restarts.cleanExitsCount()),
                    // Without the manifests' report, pods of files that run already are nobody's orphans.
                    Set.of(PodSource.API, PodSource.FILE),
                    events,
                    probes,
                    hooks,
                    clock,
                    pool,
                    blocking,
                    timers);
        }

        private CompletableFuture<ManifestSnapshot> manifests(CriPodEngine engine) throws IOException {
            CompletableFuture<ManifestSnapshot> first = new CompletableFuture<>();
            if (!watchManifests) {
                first.complete(ManifestSnapshot.EMPTY);
                return first;
            }
            Path path = config.paths().manifests();
            if (!Files.exists(path)) {
                Files.createDirectories(path);
            }
            Linux linux = Linux.system();
            EventLoop loop = kept(EventLoop.start(
                    linux,
                    "manifest-events",
                    (name, error) -> LOG.atError()
                            .addKeyValue("task", name)
                            .setCause(error)
                            .log("Failed to follow the manifests")));
            WorkerPool serial = new WorkerPool("manifests", 1);
            rooms.push(() -> stop(serial));
            ManifestNode node = new ManifestNode(config.nodeName(), PodSupport::unsupported);
            RevisionFiles revisions = new RevisionFiles(config.paths().state().resolve("manifests"));
            kept(ManifestWatcher.start(linux, loop, serial, path, node, revisions, clock, snapshot -> {
                engine.applyManifests(snapshot);
                first.complete(snapshot);
            }));
            return first;
        }

        private NodeView nodeView(
                Agent agent, CriPodEngine engine, PodRuntime runtime, Optional<HostCgroups> host, EventStore events)
                throws IOException {
            return new NodeView(
                    engine.node(),
                    config.paths(),
                    runtime.builtIn().map(NativeRuntime::cgroups).or(() -> host.map(HostCgroups::tree)),
                    agent.health(),
                    clock,
                    engine::runtime,
                    () -> runtime.builtIn()
                            .map(NativeRuntime::networkLimitations)
                            .orElse(List.of()),
                    new NodeEvents(config.nodeName(), events.ofNode()),
                    Path.of("/"));
        }

        private Backend backend(Agent agent, CriPodEngine engine, PodRuntime runtime, NodeView node) {
            NodePaths paths = config.paths();
            Optional<ImageStore> images = runtime.images();
            return new Backend(
                    engine,
                    images,
                    new CriImages(runtime.channel()),
                    runtime.io(),
                    new StrictManifests(),
                    manifest -> runtime.explain(config, manifest),
                    () -> Finding.json(MachineCheck.ofThisMachine(paths).run()),
                    node::node,
                    agent.health(),
                    out -> {},
                    paths.podLogs(),
                    paths.state().resolve("uploads"));
        }
    }

    static PodPaths podPaths(NodePaths paths) {
        return new PodPaths(
                paths.state().resolve("pods"), paths.podLogs(), paths.state().resolve("seccomp"));
    }

    private Backend.Health health() {
        return new Backend.Health() {
            @Override
            public Optional<String> unhealthy() {
                return heartbeat.problem();
            }

            @Override
            public Optional<String> unready() {
                return firstManifests.isDone() ? runtimeWatch.problem() : Optional.of("manifests: not read yet");
            }
        };
    }

    /** Whether work on pods goes on. */
    boolean isHealthy() {
        return heartbeat.problem().isEmpty();
    }

    AgentConfig config() {
        return config;
    }

    /** A thread for each task that runs, none for later ones. */
    private static ThreadPoolExecutor elasticPool(String name, int maxThreads) {
        return new ThreadPoolExecutor(0, maxThreads, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), threads(name));
    }

    private static ScheduledThreadPoolExecutor timers() {
        ScheduledThreadPoolExecutor timers = new ScheduledThreadPoolExecutor(1, threads("timer"));
        timers.setRemoveOnCancelPolicy(true);
        return timers;
    }

    private static ThreadFactory threads(String name) {
        AtomicInteger count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    private static void stop(ThreadPoolExecutor pool) {
        pool.shutdown();
        try {
            if (!pool.awaitTermination(3, TimeUnit.SECONDS)) {
                // What it waits for goes on without it; the next agent finds out how it ended.
                pool.shutdownNow();
            }
        } catch (InterruptedException e) {
            pool.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            closeAll(rooms);
        }
    }

    private static void closeAll(Deque<AutoCloseable> rooms) {
        while (!rooms.isEmpty()) {
            AutoCloseable room = rooms.pop();
            try {
                room.close();
            } catch (Exception e) {
                LOG.atWarn().setCause(e).log("Could not close a part of the agent, going on");
            }
        }
    }
}
