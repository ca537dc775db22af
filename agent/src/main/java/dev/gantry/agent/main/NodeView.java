package dev.gantry.agent.main;

import dev.gantry.agent.api.Backend;
import dev.gantry.agent.config.NodePaths;
import dev.gantry.agent.config.Version;
import dev.gantry.agent.node.NodeEvents;
import dev.gantry.agent.node.NodeObjects;
import dev.gantry.agent.node.NodeObservation;
import dev.gantry.agent.pod.NodeFacts;
import dev.gantry.agent.resource.Amounts;
import dev.gantry.cgroups.CgroupTree;
import dev.gantry.cgroups.Controller;
import dev.gantry.cgroups.Missing;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeCondition;
import io.fabric8.kubernetes.api.model.NodeSystemInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/** This node as an object of the API: looks at the machine when asked, and now and then for the events. */
final class NodeView {
    /** As the kubelet's {@code nodeStatusUpdateFrequency}. */
    private static final Duration PERIOD = Duration.ofSeconds(10);
    /** Leaves the machine to the first pods, and the runtime the time to say that it is ready. */
    private static final Duration FIRST_LOOK = Duration.ofSeconds(1);

    private final NodeFacts facts;
    private final NodePaths paths;
    private final Optional<CgroupTree> tree;
    private final Backend.Health health;
    private final InstantSource clock;
    private final Path root;
    private final Supplier<String> runtime;
    private final Supplier<List<String>> network;
    private final NodeEvents events;
    private final AtomicBoolean looking = new AtomicBoolean();
    private final NodeSystemInfo info;
    private final Instant createdAt;
    private List<NodeCondition> conditions = List.of();
    /** Found when somebody asked last: it takes a look at all rules of the machine's firewall. */
    private List<String> limitations = List.of();

    /**
     * Of the machine.
     *
     * @param runtime tells name and version of the container runtime, as in {@code gantry://0.1.0}
     * @param network tells what of the pods' network does not work; nothing for another runtime's
     * @param root of the file system in which /proc and /etc are found
     */
    NodeView(
            NodeFacts facts,
            NodePaths paths,
            Optional<CgroupTree> tree,
            Backend.Health health,
            InstantSource clock,
            Supplier<String> runtime,
            Supplier<List<String>> network,
            NodeEvents events,
            Path root)
            throws IOException {
        this.facts = facts;
        this.paths = paths;
        this.tree = tree;
        this.health = health;
        this.clock = clock;
        this.root = root;
        this.runtime = runtime;
        this.network = network;
        this.events = events;
        this.info = info();
        this.createdAt = Files.readAttributes(paths.state(), java.nio.file.attribute.BasicFileAttributes.class)
                .creationTime()
                .toInstant();
    }

    private NodeSystemInfo info() {
        NodeSystemInfo system = new NodeSystemInfo();
        String architecture = System.getProperty("os.arch", "");
        system.setArchitecture(architecture.equals("aarch64") ? "arm64" : architecture);
        system.setOperatingSystem("linux");
        system.setKernelVersion(text("proc/sys/kernel/osrelease"));
        system.setBootID(text("proc/sys/kernel/random/boot_id"));
        system.setMachineID(text("etc/machine-id"));
        system.setOsImage(osImage());
        system.setKubeletVersion("v" + Version.CURRENT);
        return system;
    }

    private String osImage() {
        for (String line : text("etc/os-release").split("\n", -1)) {
            if (line.startsWith("PRETTY_NAME=")) {
                return line.substring("PRETTY_NAME=".length()).replace("\"", "");
            }
        }
        return "Linux";
    }

    /** Without the white space at its end; empty if it cannot be read. */
    private String text(String file) {
        try {
            return MachineResources.text(root.resolve(file));
        } catch (IOException e) {
            return "";
        }
    }

    /** The node as it is now. */
    synchronized Node node() {
        info.setContainerRuntimeVersion(runtime.get());
        limitations = network.get();
        Node node = NodeObjects.of(facts, info, observe(), conditions, createdAt, clock.instant());
        found(node.getStatus().getConditions());
        return node;
    }

    /**
     * Records the start and, from now on, what changes.
     *
     * @param executor where it looks, one look at a time; not the pods' own, since that nothing is worked on there is one of the changes
     */
    AutoCloseable follow(Executor executor, ScheduledExecutorService timers) {
        events.started(info.getBootID(), paths.state().resolve("boot-id"));
        ScheduledFuture<?> looks = timers.scheduleWithFixedDelay(
                () -> lookSoon(executor), FIRST_LOOK.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
        return () -> looks.cancel(false);
    }

    private void lookSoon(Executor executor) {
        if (looking.compareAndSet(false, true)) {
            try {
                executor.execute(this::look);
            } catch (RejectedExecutionException e) {
                // All its threads hang: perhaps one does not at the next time.
                looking.set(false);
            }
        }
    }

    private void look() {
        try {
            synchronized (this) {
                found(NodeObjects.conditions(facts.resources(), observe(), conditions, clock.instant()));
            }
        } finally {
            looking.set(false);
        }
    }

    private void found(List<NodeCondition> now) {
        events.changed(conditions, now);
        conditions = now;
    }

    private NodeObservation observe() {
        Optional<String> wrong = health.unhealthy();
        return new NodeObservation(
                wrong.isPresent() ? wrong : health.unready(),
                memoryAvailable(),
                storageAvailable(),
                pidsAvailable(),
                tree.map(CgroupTree::missing).orElse(List.of()).stream()
                        .filter(this::matters)
                        .toList(),
                limitations);
    }

    /** systemd hands no controller of huge pages down; without huge pages there is nothing to limit. */
    private boolean matters(Missing missing) {
        return !missing.what().endsWith(" " + Controller.HUGETLB.kernelName())
                || facts.resources().capacity().values().entrySet().stream()
                        .anyMatch(entry -> entry.getKey().startsWith(Amounts.HUGE_PAGES) && entry.getValue() > 0);
    }

    private long memoryAvailable() {
        for (String line : text("proc/meminfo").split("\n", -1)) {
            if (line.startsWith("MemAvailable:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
            }
        }
        return Long.MAX_VALUE;
    }

    private long storageAvailable() {
        try {
            return Files.getFileStore(paths.state()).getUsableSpace();
        } catch (IOException e) {
            return 0;
        }
    }

    /** Of {@code /proc/loadavg} the fourth field tells threads that run and all there are. */
    private long pidsAvailable() {
        String[] load = text("proc/loadavg").split("[ /]", -1);
        String most = text("proc/sys/kernel/pid_max");
        return load.length < 5 || most.isEmpty() ? Long.MAX_VALUE : Long.parseLong(most) - Long.parseLong(load[4]);
    }
}
