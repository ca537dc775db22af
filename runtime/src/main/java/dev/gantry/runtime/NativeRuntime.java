package dev.gantry.runtime;

import dev.gantry.cgroups.CgroupException;
import dev.gantry.cgroups.CgroupNaming;
import dev.gantry.cgroups.CgroupSettings;
import dev.gantry.cgroups.CgroupTree;
import dev.gantry.cri.transport.CriTransport;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ImageServiceGrpc;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.images.ImageStore;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.WorkerPool;
import dev.gantry.netns.NetworkLimitation;
import dev.gantry.netns.NetworkProvider;
import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.pause.NativePauseLauncher;
import dev.gantry.runtime.seccomp.SeccompArchitecture;
import dev.gantry.runtime.seccomp.SeccompFilters;
import dev.gantry.runtime.spec.MachineFacts;
import dev.gantry.runtime.spec.SpecCompiler;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The container runtime inside this process: CRI v1 on an in-process server, and beside it what CRI has no words for.
 *
 * <p>Opening adopts the pods that an earlier run left, closing leaves them running.
 */
public final class NativeRuntime implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NativeRuntime.class);
    private static final AtomicInteger OPENED = new AtomicInteger();

    /** Each holds at most one task of one sandbox; a sandbox that hangs takes one until its deadline. */
    private static final int MAX_THREADS = 64;

    private static final Duration PAUSE_DEADLINE = Duration.ofMinutes(2);

    private final Machine machine;
    private final Pods pods;
    private final EventHub events;
    private final RuntimeServer runtimeServer;
    private final ImageServer imageServer;
    private final ContainerIo io;
    private final Streaming streaming;
    private final String serverName = "gantry-native-" + OPENED.incrementAndGet();
    private final Server server;
    private final ManagedChannel channel;
    private final Deque<AutoCloseable> resources;
    private final boolean ownCgroups;

    private NativeRuntime(Machine machine, NativeRuntimeConfig config, Deque<AutoCloseable> resources)
            throws IOException {
        this.machine = machine;
        this.resources = resources;
        this.ownCgroups = !config.defaultSandbox();
        this.events = new EventHub(machine.executor());
        this.pods = new Pods(machine, events);
        new Recovery(machine, pods).run();
        machine.spares().refill();
        Path imageDirectory = config.root().resolve("images");
        this.io = new PodIo(pods);
        this.streaming = new Streaming(pods, io);
        Stats stats = new Stats(machine, imageDirectory);
        this.runtimeServer = new RuntimeServer(
                pods,
                events,
                new RuntimeStatusView(machine, config.handlers()),
                stats,
                new Metrics(machine, stats, imageDirectory),
                streaming,
                config.handlers());
        this.imageServer = new ImageServer(machine.images(), imageDirectory, machine.executor(), machine.clock());
        // Calls return at once, so that they may run on the caller's thread.
        this.server = CriTransport.startInProcess(serverName, Runnable::run, List.of(runtimeServer, imageServer));
        this.channel = CriTransport.inProcessChannel(serverName);
    }

    /**
     * Adopts what runs, frees what is orphaned and starts to serve.
     *
     * @throws IOException if the directories cannot be used, or another runtime uses them
     */
    public static NativeRuntime open(NativeRuntimeConfig config) throws IOException {
        Deque<AutoCloseable> resources = new ArrayDeque<>();
        try {
            return new NativeRuntime(machine(config, resources), config, resources);
        } catch (IOException | RuntimeException e) {
            closeAll(resources);
            throw e;
        }
    }

    private static Machine machine(NativeRuntimeConfig config, Deque<AutoCloseable> resources) throws IOException {
        Linux linux = Linux.system();
        RunDirectory run = kept(resources, RunDirectory.open(linux, config.run()));
        ExecutorService executor = new WorkerPool("runtime", MAX_THREADS);
        resources.push(() -> stop(executor));
        EventLoop loop = kept(
                resources,
                EventLoop.start(linux, "runtime-events", (name, error) -> LOG.debug("Failed in {}", name, error)));
        ImageStore images = kept(resources, Stores.open(config, linux));
        NetworkProvider network = kept(resources, Networks.open(config, linux));
        NativePauseLauncher pauses = kept(resources, NativePauseLauncher.open(linux, loop, PAUSE_DEADLINE));
        Spares spares = kept(resources, new Spares(linux, pauses, run, executor, network.takesPreparedNamespaces()));
        Fd hostMounts = kept(resources, linux.files().open("/proc/self/ns/mnt", Fcntl.O_RDONLY));
        MachineFacts facts = MachineProbe.facts(linux);
        return new Machine(
                linux,
                loop,
                executor,
                Clock.systemUTC(),
                run,
                images,
                CgroupTree.discover(linux, cgroups(config)),
                network,
                pauses,
                spares,
                new SpecCompiler(facts, new SystemHostFiles(linux)),
                new SeccompFilters(
                        SeccompArchitecture.ofMachine(Objects.requireNonNull(System.getProperty("os.arch")))),
                facts,
                new OwnUsers(pauses, config.root().resolve("images"), config.run()),
                hostMounts,
                MachineProbe.maxFiles(linux));
    }

    private static CgroupSettings cgroups(NativeRuntimeConfig config) {
        CgroupSettings settings = CgroupSettings.DEFAULT.withNaming(
                config.systemdCgroupNames() ? CgroupNaming.SYSTEMD : CgroupNaming.CGROUPFS);
        if (config.cgroupRoot().isPresent()) {
            settings = settings.withRoot(config.cgroupRoot().get().toString());
        }
        // Agents side by side keep out of each other's pods.
        return config.defaultSandbox() ? settings : settings.withSubtree("gantry-" + Networks.suffix(config));
    }

    private static void stop(ExecutorService executor) {
        executor.shutdown();
        try {
            if (!executor.awaitTermination(5, TimeUnit.SECONDS)) {
                // What hangs in the kernel cannot be waited for; its record lets the next run finish it.
                executor.shutdownNow();
            }
        } catch (InterruptedException e) {
            executor.shutdownNow();
            Thread.currentThread().interrupt();
        }
    }

    private static <T extends AutoCloseable> T kept(Deque<AutoCloseable> resources, T resource) {
        resources.push(resource);
        return resource;
    }

    /** Name of the in-process server, unique per runtime in this JVM. */
    public String serverName() {
        return serverName;
    }

    /** A channel to {@link #serverName}; closed with the runtime. */
    public ManagedChannel channel() {
        return channel;
    }

    /** For serving on other transports too. */
    public RuntimeServiceGrpc.RuntimeServiceImplBase runtimeService() {
        return runtimeServer;
    }

    /** For serving on other transports too. */
    public ImageServiceGrpc.ImageServiceImplBase imageService() {
        return imageServer;
    }

    /** The images themselves, for progress and archives. */
    public ImageStore images() {
        return machine.images();
    }

    /** Exec, attach and port-forward with live streams. */
    public ContainerIo io() {
        return io;
    }

    /** What the machine offers to cgroups. */
    public CgroupTree cgroups() {
        return machine.cgroups();
    }

    /** What of the pods' network does not work now, each with its remedy. */
    public List<String> networkLimitations() {
        return network().limitations().stream().map(NetworkLimitation::toString).toList();
    }

    /** The pod network, for its state and limitations. */
    public NetworkProvider network() {
        return machine.network();
    }

    /**
     * The syscall programs of a pod's container as readable text: what pause executes, then the container's process.
     * Starts nothing.
     *
     * @throws IOException if the image is not present or the configuration cannot be compiled
     */
    public String explain(PodSandboxConfig sandbox, ContainerConfig container) throws IOException {
        return new Explanation(machine).of(sandbox, container);
    }

    /** Stops serving. Pods keep running and the next {@link #open} adopts them. */
    @Override
    public void close() {
        events.close();
        streaming.close();
        channel.shutdownNow();
        server.shutdownNow();
        pods.sandboxes().forEach(Sandbox::disconnect);
        closeAll(resources);
        if (ownCgroups && pods.sandboxes().isEmpty()) {
            removeCgroups();
        }
    }

    /** The subtree of a root directory that may be thrown away, and with it whoever could remove the cgroups. */
    private void removeCgroups() {
        try {
            machine.cgroups().root().tryRemove();
        } catch (CgroupException e) {
            LOG.debug("Could not remove the runtime's cgroups", e);
        }
    }

    private static void closeAll(Deque<AutoCloseable> resources) {
        while (!resources.isEmpty()) {
            try {
                resources.pop().close();
            } catch (Exception e) {
                LOG.debug("Could not close", e);
            }
        }
    }
}
