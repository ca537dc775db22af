package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.ContainerEventResponse;
import dev.gantry.cri.v1.ContainerStats;
import dev.gantry.cri.v1.ContainerStatsFilter;
import dev.gantry.cri.v1.ContainerStatsRequest;
import dev.gantry.cri.v1.GetEventsRequest;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.cri.v1.ListContainerStatsRequest;
import dev.gantry.cri.v1.ListMetricDescriptorsRequest;
import dev.gantry.cri.v1.ListPodSandboxMetricsRequest;
import dev.gantry.cri.v1.ListPodSandboxStatsRequest;
import dev.gantry.cri.v1.Metric;
import dev.gantry.cri.v1.PodSandboxMetrics;
import dev.gantry.cri.v1.PodSandboxStats;
import dev.gantry.cri.v1.PodSandboxStatsFilter;
import dev.gantry.cri.v1.PodSandboxStatsRequest;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.cri.v1.StreamContainerStatsRequest;
import dev.gantry.cri.v1.StreamPodSandboxMetricsRequest;
import dev.gantry.cri.v1.StreamPodSandboxStatsRequest;
import dev.gantry.cri.v1.UpdateContainerResourcesRequest;
import dev.gantry.cri.v1.UpdatePodSandboxResourcesRequest;
import dev.gantry.e2e.cri.CriServer.Feature;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ArgumentsSource;

/** What containers and pods use, what they may use, and what is told of them as it happens. */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox"})
@ParameterizedClass
@ArgumentsSource(CriServers.class)
record StatisticsIT(CriServer cri) {
    @Test
    void aContainersStatisticsHaveItsNameAndWhatItUsed() {
        try (CriPod pod = CriPod.run(cri)) {
            String id = pod.started(
                    pod.container("busy", "sh", "-c", "while :; do :; done").putLabels("kind", "busy"));
            pod.shell(id, "sleep 0.2");

            ContainerStats stats = cri.runtime()
                    .containerStats(ContainerStatsRequest.newBuilder()
                            .setContainerId(id)
                            .build())
                    .getStats();

            assertThat(stats.getAttributes().getId()).isEqualTo(id);
            assertThat(stats.getAttributes().getMetadata().getName()).isEqualTo("busy");
            assertThat(stats.getAttributes().getLabelsMap()).containsEntry("kind", "busy");
            assertThat(stats.getCpu().getTimestamp()).isPositive();
            assertThat(stats.getCpu().getUsageCoreNanoSeconds().getValue()).isGreaterThan(1_000_000);
            assertThat(stats.getMemory().getTimestamp()).isPositive();
            assertThat(stats.getMemory().getWorkingSetBytes().getValue()).isPositive();
            assertThat(stats.getWritableLayer().getFsId().getMountpoint()).startsWith("/");
        }
    }

    @Test
    void listsOfStatisticsAreFiltered() {
        try (CriPod pod = CriPod.run(cri)) {
            String one = pod.sleeper("one");
            String two = pod.started(pod.container("two", "sleep", "1000000").putLabels("n", "2"));

            assertThat(containers(filter -> filter.setId(one))).containsExactly(one);
            assertThat(containers(filter -> filter.setPodSandboxId(pod.id()))).containsExactlyInAnyOrder(one, two);
            assertThat(containers(filter -> filter.setPodSandboxId(pod.id()).putLabelSelector("n", "2")))
                    .containsExactly(two);
            assertThat(containers(filter -> filter.setId("no-such-container"))).isEmpty();
            assertThat(containers(filter -> {})).contains(one, two);
        }
    }

    @Test
    void whatIsNotThereHasNoStatistics() {
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> cri.runtime()
                        .containerStats(ContainerStatsRequest.newBuilder()
                                .setContainerId("no-such-container")
                                .build()));
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> cri.runtime()
                        .podSandboxStats(PodSandboxStatsRequest.newBuilder()
                                .setPodSandboxId("no-such-pod")
                                .build()));
    }

    @Test
    void aPodsStatisticsHaveItsNetworkAndItsContainers() {
        try (CriPod pod = CriPod.run(cri, config -> config.putLabels("suite", "statistics"))) {
            String id = pod.sleeper("main");

            PodSandboxStats stats = cri.runtime()
                    .podSandboxStats(PodSandboxStatsRequest.newBuilder()
                            .setPodSandboxId(pod.id())
                            .build())
                    .getStats();

            assertThat(stats.getAttributes().getId()).isEqualTo(pod.id());
            assertThat(stats.getAttributes().getMetadata())
                    .isEqualTo(pod.config().getMetadata());
            if (cri.has(Feature.POD_STATS)) {
                assertThat(stats.getLinux().getCpu().getTimestamp()).isPositive();
                assertThat(stats.getLinux().getNetwork().getDefaultInterface().getName())
                        .isEqualTo("eth0");
            }
            assertThat(stats.getLinux().getContainersList())
                    .anySatisfy(container ->
                            assertThat(container.getAttributes().getId()).isEqualTo(id));
            assertThat(pods(filter -> filter.putLabelSelector("suite", "statistics")))
                    .containsExactly(pod.id());
            assertThat(pods(filter -> filter.setId(pod.id()).putLabelSelector("suite", "other")))
                    .isEmpty();
        }
    }

    @Test
    void aPodsProcessesAreCounted() {
        cri.requires(Feature.POD_STATS);
        try (CriPod pod = CriPod.run(cri)) {
            pod.sleeper("main");
            // Whether what holds the pod together is one of them differs.
            long before = processes(pod);
            assertThat(before).isBetween(1L, 2L);

            pod.sleeper("other");

            assertThat(processes(pod)).isEqualTo(before + 1);
        }
    }

    private long processes(CriPod pod) {
        return cri.runtime()
                .podSandboxStats(PodSandboxStatsRequest.newBuilder()
                        .setPodSandboxId(pod.id())
                        .build())
                .getStats()
                .getLinux()
                .getProcess()
                .getProcessCount()
                .getValue();
    }

    @Test
    void streamedStatisticsAreOfTheSameContainersAndPods() {
        cri.requires(Feature.STREAMED_LISTS);
        try (CriPod pod = CriPod.run(cri)) {
            String id = pod.sleeper("main");
            List<String> containers = new ArrayList<>();
            cri.runtime()
                    .streamContainerStats(StreamContainerStatsRequest.newBuilder()
                            .setFilter(ContainerStatsFilter.newBuilder().setPodSandboxId(pod.id()))
                            .build())
                    .forEachRemaining(part -> part.getContainerStatsList()
                            .forEach(stats ->
                                    containers.add(stats.getAttributes().getId())));
            List<String> pods = new ArrayList<>();
            cri.runtime()
                    .streamPodSandboxStats(StreamPodSandboxStatsRequest.newBuilder()
                            .setFilter(PodSandboxStatsFilter.newBuilder().setId(pod.id()))
                            .build())
                    .forEachRemaining(part -> part.getPodSandboxStatsList()
                            .forEach(stats -> pods.add(stats.getAttributes().getId())));
            List<String> metrics = new ArrayList<>();
            cri.runtime()
                    .streamPodSandboxMetrics(StreamPodSandboxMetricsRequest.getDefaultInstance())
                    .forEachRemaining(part ->
                            part.getPodSandboxMetricsList().forEach(each -> metrics.add(each.getPodSandboxId())));

            assertThat(containers).containsExactly(id);
            assertThat(pods).containsExactly(pod.id());
            assertThat(metrics).contains(pod.id());
        }
    }

    @Test
    void metricsHaveTheLabelsThatTheirDescriptorsName() {
        cri.requires(Feature.METRIC_LABELS);
        Map<String, Integer> labels = new HashMap<>();
        cri.runtime()
                .listMetricDescriptors(ListMetricDescriptorsRequest.getDefaultInstance())
                .getDescriptorsList()
                .forEach(descriptor -> {
                    assertThat(descriptor.getHelp()).isNotEmpty();
                    labels.put(descriptor.getName(), descriptor.getLabelKeysCount());
                });
        assertThat(labels)
                .containsKeys(
                        "container_cpu_usage_seconds_total",
                        "container_memory_working_set_bytes",
                        "container_network_receive_bytes_total",
                        "container_start_time_seconds",
                        "container_oom_events_total");
        try (CriPod pod = CriPod.run(cri)) {
            String id = pod.sleeper("main");

            PodSandboxMetrics metrics = cri
                    .runtime()
                    .listPodSandboxMetrics(ListPodSandboxMetricsRequest.getDefaultInstance())
                    .getPodMetricsList()
                    .stream()
                    .filter(each -> each.getPodSandboxId().equals(pod.id()))
                    .findFirst()
                    .orElseThrow();

            assertThat(metrics.getMetricsList()).isNotEmpty();
            assertThat(metrics.getContainerMetricsList())
                    .singleElement()
                    .satisfies(
                            container -> assertThat(container.getContainerId()).isEqualTo(id));
            List<Metric> all = new ArrayList<>(metrics.getMetricsList());
            all.addAll(metrics.getContainerMetrics(0).getMetricsList());
            assertThat(all).allSatisfy(metric -> {
                assertThat(metric.getLabelValuesCount()).isEqualTo(labels.getOrDefault(metric.getName(), -1));
                assertThat(metric.getTimestamp()).isPositive();
            });
        }
    }

    @Test
    void limitsCanBeChangedWhileTheContainerRuns() {
        try (CriPod pod = CriPod.run(cri)) {
            String id = pod.sleeper(config -> config.getLinuxBuilder()
                    .getResourcesBuilder()
                    .setCpuShares(512)
                    .setCpuQuota(50_000)
                    .setCpuPeriod(100_000));

            var unused = cri.runtime()
                    .updateContainerResources(UpdateContainerResourcesRequest.newBuilder()
                            .setContainerId(id)
                            .setLinux(LinuxContainerResources.newBuilder().setCpuShares(1024))
                            .build());

            if (cri.has(Feature.STATUS_RESOURCES)) {
                LinuxContainerResources resources =
                        pod.status(id).getResources().getLinux();
                assertThat(resources.getCpuShares()).isEqualTo(1024);
                assertThat(resources.getCpuQuota()).isEqualTo(50_000);
            }
            assertThatExceptionOfType(StatusRuntimeException.class)
                    .isThrownBy(() -> cri.runtime()
                            .updateContainerResources(UpdateContainerResourcesRequest.newBuilder()
                                    .setContainerId("no-such-container")
                                    .setLinux(
                                            LinuxContainerResources.newBuilder().setCpuShares(1024))
                                    .build()))
                    .satisfies(e -> assertThat(e.getStatus().getCode())
                            .isEqualTo(cri.has(Feature.UPDATE_FAILURES) ? Status.Code.NOT_FOUND : Status.Code.UNKNOWN));
        }
    }

    @Test
    void limitsOfAPodCanBeChanged() {
        cri.requires(Feature.POD_RESOURCES);
        try (CriPod pod = CriPod.run(cri)) {
            var unused = cri.runtime()
                    .updatePodSandboxResources(UpdatePodSandboxResourcesRequest.newBuilder()
                            .setPodSandboxId(pod.id())
                            .setResources(LinuxContainerResources.newBuilder().setCpuShares(256))
                            .build());

            assertThat(pod.status().getState()).isEqualTo(dev.gantry.cri.v1.PodSandboxState.SANDBOX_READY);
        }
    }

    @Test
    void eventsTellTheWholeLifeOfAPod() throws Exception {
        cri.requires(Feature.EVENTS);
        List<String> expected = new ArrayList<>(List.of(
                "pod CONTAINER_CREATED_EVENT",
                "pod CONTAINER_STARTED_EVENT",
                "container CONTAINER_CREATED_EVENT",
                "container CONTAINER_STARTED_EVENT",
                "container CONTAINER_STOPPED_EVENT",
                "container CONTAINER_DELETED_EVENT",
                "pod CONTAINER_STOPPED_EVENT",
                "pod CONTAINER_DELETED_EVENT"));
        if (!cri.has(Feature.EVENTS_OF_SANDBOXES)) {
            expected.removeAll(List.of("pod CONTAINER_CREATED_EVENT", "pod CONTAINER_DELETED_EVENT"));
        }
        BlockingQueue<ContainerEventResponse> events = new LinkedBlockingQueue<>();
        List<String> seen = new ArrayList<>();
        try (Context.CancellableContext context = Context.current().withCancellation()) {
            // Whoever does not read can hold up the whole runtime: they are taken as they come.
            context.run(() -> RuntimeServiceGrpc.newStub(cri.channel())
                    .getContainerEvents(GetEventsRequest.getDefaultInstance(), new StreamObserver<>() {
                        @Override
                        public void onNext(ContainerEventResponse event) {
                            events.add(event);
                        }

                        @Override
                        public void onError(Throwable failure) {}

                        @Override
                        public void onCompleted() {}
                    }));
            // The stream is open once an event of now has come through it.
            CriPod opening = CriPod.run(cri);
            ContainerEventResponse first = next(events, opening.id());
            assertThat(first.getPodSandboxStatus().getId()).isEqualTo(opening.id());
            CriPod pod = CriPod.run(cri);
            String container = pod.sleeper("main");
            pod.stop(container, 0);
            pod.remove(container);
            pod.close();
            opening.close();
            while (seen.isEmpty() || !seen.get(seen.size() - 1).equals(expected.get(expected.size() - 1))) {
                ContainerEventResponse event = next(events, pod.id(), container);
                assertThat(event.getCreatedAt()).isPositive();
                seen.add((event.getContainerId().equals(pod.id()) ? "pod " : "container ")
                        + event.getContainerEventType());
            }
        }

        assertThat(seen).isEqualTo(expected);
    }

    private static ContainerEventResponse next(BlockingQueue<ContainerEventResponse> events, String... ids)
            throws InterruptedException {
        while (true) {
            ContainerEventResponse event = events.poll(30, TimeUnit.SECONDS);
            assertThat(event).as("an event of %s", List.of(ids)).isNotNull();
            if (List.of(ids).contains(event.getContainerId())) {
                return event;
            }
        }
    }

    private List<String> containers(Consumer<ContainerStatsFilter.Builder> change) {
        ContainerStatsFilter.Builder filter = ContainerStatsFilter.newBuilder();
        change.accept(filter);
        return cri
                .runtime()
                .listContainerStats(
                        ListContainerStatsRequest.newBuilder().setFilter(filter).build())
                .getStatsList()
                .stream()
                .map(stats -> stats.getAttributes().getId())
                .toList();
    }

    private List<String> pods(Consumer<PodSandboxStatsFilter.Builder> change) {
        PodSandboxStatsFilter.Builder filter = PodSandboxStatsFilter.newBuilder();
        change.accept(filter);
        return cri
                .runtime()
                .listPodSandboxStats(ListPodSandboxStatsRequest.newBuilder()
                        .setFilter(filter)
                        .build())
                .getStatsList()
                .stream()
                .map(stats -> stats.getAttributes().getId())
                .toList();
    }
}
