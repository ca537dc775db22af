package dev.gantry.runtime;

import dev.gantry.cgroups.Cgroup;
import dev.gantry.cgroups.CgroupStats;
import dev.gantry.cri.v1.ContainerMetrics;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.Metric;
import dev.gantry.cri.v1.MetricDescriptor;
import dev.gantry.cri.v1.MetricType;
import dev.gantry.cri.v1.PodSandboxMetrics;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileSystemStatus;
import dev.gantry.runtime.ContainerPhase.Running;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What cAdvisor counted, for ListPodSandboxMetrics: of each container by {@link MetricTable}, of each pod its network. */
final class Metrics {
    private static final Logger LOG = LoggerFactory.getLogger(Metrics.class);

    /** cAdvisor's, as a kubelet puts them on its own: {@code id} is the cgroup, {@code name} the container's id. */
    private static final List<String> LABELS = List.of("container", "id", "image", "name", "namespace", "pod");

    private record OfInterface(String name, String help, ToLongFunction<NetworkDevice> value) {}

    private static final List<OfInterface> NETWORK = List.of(
            new OfInterface(
                    "container_network_receive_bytes_total",
                    "Cumulative count of bytes received.",
                    NetworkDevice::receivedBytes),
            new OfInterface(
                    "container_network_receive_packets_total",
                    "Cumulative count of packets received.",
                    NetworkDevice::receivedPackets),
            new OfInterface(
                    "container_network_receive_packets_dropped_total",
                    "Cumulative count of packets dropped while receiving.",
                    NetworkDevice::receiveDrops),
            new OfInterface(
                    "container_network_receive_errors_total",
                    "Cumulative count of errors encountered while receiving.",
                    NetworkDevice::receiveErrors),
            new OfInterface(
                    "container_network_transmit_bytes_total",
                    "Cumulative count of bytes transmitted.",
                    NetworkDevice::sentBytes),
            new OfInterface(
                    "container_network_transmit_packets_total",
                    "Cumulative count of packets transmitted.",
                    NetworkDevice::sentPackets),
            new OfInterface(
                    "container_network_transmit_packets_dropped_total",
                    "Cumulative count of packets dropped while transmitting.",
                    NetworkDevice::sendDrops),
            new OfInterface(
                    "container_network_transmit_errors_total",
                    "Cumulative count of errors encountered while transmitting.",
                    NetworkDevice::sendErrors));

    private final Machine machine;
    private final Stats stats;
    private final Path directory;
    private final Map<String, String> deviceNames = new ConcurrentHashMap<>();

    /** @param directory on the file system that holds the writable layers */
    Metrics(Machine machine, Stats stats, Path directory) {
        this.machine = machine;
        this.stats = stats;
        this.directory = directory;
    }

    /** The same as long as this process lives. */
    static List<MetricDescriptor> descriptors() {
        List<MetricDescriptor> descriptors = new ArrayList<>();
        MetricTable.ALL.forEach(entry -> descriptors.add(descriptor(entry.name(), entry.help(), entry.labels())));
        NETWORK.forEach(metric -> descriptors.add(descriptor(metric.name, metric.help, List.of("interface"))));
        return descriptors;
    }

    private static MetricDescriptor descriptor(String name, String help, List<String> labels) {
        return MetricDescriptor.newBuilder()
                .setName(name)
                .setHelp(help)
                .addAllLabelKeys(LABELS)
                .addAllLabelKeys(labels)
                .build();
    }

    List<PodSandboxMetrics> of(Pods pods) throws IOException {
        FileSystemStatus fileSystem = machine.linux().files().statfs(directory.toString());
        List<PodSandboxMetrics> all = new ArrayList<>();
        for (Sandbox sandbox : pods.sandboxes()) {
            if (sandbox.isReady()) {
                all.add(of(sandbox, fileSystem));
            }
        }
        return all;
    }

    private PodSandboxMetrics of(Sandbox sandbox, FileSystemStatus fileSystem) {
        Instant now = machine.clock().instant();
        PodSandboxMetrics.Builder metrics = PodSandboxMetrics.newBuilder().setPodSandboxId(sandbox.id());
        List<String> labels = labels(sandbox, "POD", inTree(sandbox.cgroup().cgroup()), "", sandbox.id());
        for (NetworkDevice device : devices(sandbox)) {
            for (OfInterface metric : NETWORK) {
                metrics.addMetrics(metric(
                        metric.name,
                        MetricType.COUNTER,
                        now,
                        labels,
                        new MetricTable.Value(metric.value.applyAsLong(device), List.of(device.name()))));
            }
        }
        for (Container container : sandbox.containers()) {
            if (container.phase() instanceof Running running) {
                try {
                    metrics.addContainerMetrics(of(sandbox, container, look(container, running, now, fileSystem)));
                } catch (IOException e) {
                    LOG.debug("No metrics of {}", container, e);
                }
            }
        }
        return metrics.build();
    }

    private List<NetworkDevice> devices(Sandbox sandbox) {
        if (sandbox.hostNetwork()) {
            return List.of();
        }
        try {
            return stats.devices(sandbox);
        } catch (IOException e) {
            LOG.debug("No network metrics of pod sandbox {}", sandbox.id(), e);
            return List.of();
        }
    }

    private MetricTable.Look look(Container container, Running running, Instant now, FileSystemStatus fileSystem)
            throws IOException {
        CgroupStats measured = container.cgroup().stats();
        OptionalLong writable = stats.writableBytes(container);
        return new MetricTable.Look(
                now,
                running.startedAt(),
                measured,
                ProcessFacts.of(machine.linux().files(), container.cgroup().allProcesses()),
                container.record().resources(),
                writable,
                fileSystem,
                names(measured));
    }

    private Map<String, String> names(CgroupStats measured) {
        Map<String, String> names = new HashMap<>();
        for (CgroupStats.DeviceIo device :
                measured.io().map(CgroupStats.Io::devices).orElse(List.of())) {
            String numbers = device.major() + ":" + device.minor();
            String name = deviceNames.computeIfAbsent(numbers, this::deviceName);
            if (!name.isEmpty()) {
                names.put(numbers, name);
            }
        }
        return names;
    }

    private String deviceName(String numbers) {
        try {
            String target = machine.linux().files().readlinkat(Fd.AT_FDCWD, "/sys/dev/block/" + numbers);
            return target.substring(target.lastIndexOf('/') + 1);
        } catch (IOException e) {
            // A device without a name, or gone.
            return "";
        }
    }

    private ContainerMetrics of(Sandbox sandbox, Container container, MetricTable.Look look) {
        List<String> labels = labels(
                sandbox,
                container.config().getMetadata().getName(),
                inTree(container.cgroup()),
                image(container.config().getImage()),
                container.id());
        ContainerMetrics.Builder metrics = ContainerMetrics.newBuilder().setContainerId(container.id());
        for (MetricTable.Entry entry : MetricTable.ALL) {
            for (MetricTable.Value value : entry.values().apply(look)) {
                metrics.addMetrics(metric(entry.name(), entry.type(), look.now(), labels, value));
            }
        }
        return metrics.build();
    }

    /** As the kernel names it, and cAdvisor: without the mount point. */
    private String inTree(Cgroup cgroup) {
        return cgroup.path().substring(machine.cgroups().mountPoint().length());
    }

    /** The name that people gave; a kubelet's other one is the image's id. */
    private static String image(ImageSpec image) {
        return image.getUserSpecifiedImage().isEmpty() ? image.getImage() : image.getUserSpecifiedImage();
    }

    private static List<String> labels(Sandbox sandbox, String container, String cgroup, String image, String id) {
        return List.of(
                container,
                cgroup,
                image,
                id,
                sandbox.config().getMetadata().getNamespace(),
                sandbox.config().getMetadata().getName());
    }

    private static Metric metric(
            String name, MetricType type, Instant at, List<String> labels, MetricTable.Value value) {
        return Metric.newBuilder()
                .setName(name)
                .setTimestamp(Times.nanos(at))
                .setMetricType(type)
                .addAllLabelValues(labels)
                .addAllLabelValues(value.labels())
                .setValue(Stats.number(value.value()))
                .build();
    }
}
