package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerMetrics;
import dev.gantry.cri.v1.ContainerStats;
import dev.gantry.cri.v1.Metric;
import dev.gantry.cri.v1.MetricDescriptor;
import dev.gantry.cri.v1.MetricType;
import dev.gantry.cri.v1.NetworkInterfaceUsage;
import dev.gantry.cri.v1.PodSandboxMetrics;
import dev.gantry.cri.v1.PodSandboxStats;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/** cAdvisor's metrics as far as the statistics carry them, under its names. */
final class Metrics {
    private static final List<String> CONTAINER_LABELS = List.of("id", "name", "image");
    private static final List<String> NETWORK_LABELS = List.of("id", "name", "image", "interface");

    private final Stats stats;

    Metrics(Stats stats) {
        this.stats = stats;
    }

    private record OfContainer(String name, String help, MetricType type, ToLongFunction<ContainerStats> value) {}

    private record OfInterface(String name, String help, ToLongFunction<NetworkInterfaceUsage> value) {}

    private static final List<OfContainer> CONTAINER = List.of(
            new OfContainer(
                    "container_cpu_usage_seconds_total",
                    "Cumulative cpu time consumed in seconds.",
                    MetricType.COUNTER,
                    s -> s.getCpu().getUsageCoreNanoSeconds().getValue() / 1_000_000_000),
            new OfContainer(
                    "container_memory_usage_bytes",
                    "Current memory usage in bytes, including all memory regardless of when it was accessed.",
                    MetricType.GAUGE,
                    s -> s.getMemory().getUsageBytes().getValue()),
            new OfContainer(
                    "container_memory_working_set_bytes",
                    "Current working set in bytes.",
                    MetricType.GAUGE,
                    s -> s.getMemory().getWorkingSetBytes().getValue()),
            new OfContainer(
                    "container_memory_rss",
                    "Size of RSS in bytes.",
                    MetricType.GAUGE,
                    s -> s.getMemory().getRssBytes().getValue()),
            new OfContainer(
                    "container_memory_swap",
                    "Container swap usage in bytes.",
                    MetricType.GAUGE,
                    s -> s.getSwap().getSwapUsageBytes().getValue()),
            new OfContainer(
                    "container_fs_usage_bytes",
                    "Number of bytes that are consumed by the container on this filesystem.",
                    MetricType.GAUGE,
                    s -> s.getWritableLayer().getUsedBytes().getValue()));

    private static final List<OfInterface> NETWORK = List.of(
            new OfInterface(
                    "container_network_receive_bytes_total",
                    "Cumulative count of bytes received.",
                    u -> u.getRxBytes().getValue()),
            new OfInterface(
                    "container_network_receive_errors_total",
                    "Cumulative count of errors encountered while receiving.",
                    u -> u.getRxErrors().getValue()),
            new OfInterface(
                    "container_network_transmit_bytes_total",
                    "Cumulative count of bytes transmitted.",
                    u -> u.getTxBytes().getValue()),
            new OfInterface(
                    "container_network_transmit_errors_total",
                    "Cumulative count of errors encountered while transmitting.",
                    u -> u.getTxErrors().getValue()));

    static List<MetricDescriptor> descriptors() {
        List<MetricDescriptor> descriptors = new ArrayList<>();
        CONTAINER.forEach(metric -> descriptors.add(descriptor(metric.name, metric.help, CONTAINER_LABELS)));
        NETWORK.forEach(metric -> descriptors.add(descriptor(metric.name, metric.help, NETWORK_LABELS)));
        return descriptors;
    }

    private static MetricDescriptor descriptor(String name, String help, List<String> labels) {
        return MetricDescriptor.newBuilder()
                .setName(name)
                .setHelp(help)
                .addAllLabelKeys(labels)
                .build();
    }

    List<PodSandboxMetrics> of(Pods pods) {
        List<PodSandboxMetrics> all = new ArrayList<>();
        for (Sandbox sandbox : pods.sandboxes()) {
            if (sandbox.isReady()) {
                stats.tryOf(sandbox).ifPresent(measured -> all.add(of(sandbox, measured)));
            }
        }
        return all;
    }

    private static PodSandboxMetrics of(Sandbox sandbox, PodSandboxStats measured) {
        PodSandboxMetrics.Builder metrics = PodSandboxMetrics.newBuilder().setPodSandboxId(sandbox.id());
        long now = measured.getLinux().getCpu().getTimestamp();
        for (NetworkInterfaceUsage usage : measured.getLinux().getNetwork().getInterfacesList()) {
            for (OfInterface metric : NETWORK) {
                metrics.addMetrics(Metric.newBuilder()
                        .setName(metric.name)
                        .setTimestamp(now)
                        .setMetricType(MetricType.COUNTER)
                        .addAllLabelValues(List.of(sandbox.id(), "POD", "", usage.getName()))
                        .setValue(Stats.number(metric.value.applyAsLong(usage))));
            }
        }
        for (ContainerStats container : measured.getLinux().getContainersList()) {
            metrics.addContainerMetrics(of(sandbox, container, now));
        }
        return metrics.build();
    }

    private static ContainerMetrics of(Sandbox sandbox, ContainerStats measured, long now) {
        String id = measured.getAttributes().getId();
        String image = sandbox.container(id)
                .map(container -> container.config().getImage().getImage())
                .orElse("");
        ContainerMetrics.Builder metrics = ContainerMetrics.newBuilder().setContainerId(id);
        for (OfContainer metric : CONTAINER) {
            metrics.addMetrics(Metric.newBuilder()
                    .setName(metric.name)
                    .setTimestamp(now)
                    .setMetricType(metric.type)
                    .addAllLabelValues(
                            List.of(id, measured.getAttributes().getMetadata().getName(), image))
                    .setValue(Stats.number(metric.value.applyAsLong(measured))));
        }
        return metrics.build();
    }
}
