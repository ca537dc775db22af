package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.DNSConfig;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandbox;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxFilter;
import dev.gantry.cri.v1.PodSandboxState;
import dev.gantry.cri.v1.PodSandboxStateValue;
import dev.gantry.cri.v1.PodSandboxStatus;
import dev.gantry.cri.v1.PodSandboxStatusRequest;
import dev.gantry.cri.v1.PortMapping;
import dev.gantry.cri.v1.RemovePodSandboxRequest;
import dev.gantry.cri.v1.RunPodSandboxRequest;
import dev.gantry.cri.v1.StopPodSandboxRequest;
import dev.gantry.cri.v1.StreamPodSandboxesRequest;
import dev.gantry.e2e.cri.CriServer.Feature;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.ServerSocket;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ArgumentsSource;

/** The life of pod sandboxes, their lists, and what a pod finds of its network and names. */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox"})
@ParameterizedClass
@ArgumentsSource(CriServers.class)
record PodSandboxesIT(CriServer cri) {
    private static final String[] SERVER = {"sh", "-c", "while :; do echo a page | nc -l -p 8080; done"};

    /** The server may take a moment. */
    private static final String FETCH =
            "for i in $(seq 50); do echo | nc -w 5 %s %d 2>/dev/null && exit; sleep 0.1; done; echo no answer";

    @Test
    void aSandboxIsListedReadyAndHasAnAddressOnceItHasBeenRun() {
        long before = nanos();
        try (CriPod pod = CriPod.run(cri)) {
            PodSandboxStatus status = pod.status();

            assertThat(status.getId()).isEqualTo(pod.id());
            assertThat(status.getState()).isEqualTo(PodSandboxState.SANDBOX_READY);
            assertThat(status.getNetwork().getIp()).matches("[0-9.]+|[0-9a-f:]+");
            assertThat(status.getCreatedAt()).isBetween(before, nanos());
            PodSandbox item = list(filter -> filter.setId(pod.id())).get(0);
            assertThat(item.getState()).isEqualTo(PodSandboxState.SANDBOX_READY);
            assertThat(item.getCreatedAt()).isEqualTo(status.getCreatedAt());
        }
    }

    @Test
    void whatItWasGivenComesBack() {
        cri.requires(Feature.LABELS_AS_GIVEN);
        Consumer<PodSandboxConfig.Builder> change = config -> config.putLabels("app", "web")
                .putLabels("io.kubernetes.pod.name", "x")
                .putAnnotations("note", "any text: ä\n2")
                .getMetadataBuilder()
                .setAttempt(3);
        try (CriPod pod = CriPod.run(cri, change)) {
            PodSandboxStatus status = pod.status();

            assertThat(status.getMetadata()).isEqualTo(pod.config().getMetadata());
            assertThat(status.getLabelsMap()).isEqualTo(pod.config().getLabelsMap());
            assertThat(status.getAnnotationsMap()).isEqualTo(pod.config().getAnnotationsMap());
            PodSandbox item = list(filter -> filter.setId(pod.id())).get(0);
            assertThat(item.getMetadata()).isEqualTo(pod.config().getMetadata());
            assertThat(item.getLabelsMap()).isEqualTo(pod.config().getLabelsMap());
            assertThat(item.getAnnotationsMap()).isEqualTo(pod.config().getAnnotationsMap());
            assertThat(status.getLinux().getNamespaces().getOptions().getPid()).isEqualTo(NamespaceMode.CONTAINER);
        }
    }

    @Test
    void aStoppedSandboxIsNotReadyAndKeepsItsRecord() {
        try (CriPod pod = CriPod.run(cri)) {
            pod.stop();

            assertThat(pod.status().getState()).isEqualTo(PodSandboxState.SANDBOX_NOTREADY);
            assertThat(list(filter -> filter.setId(pod.id()).setState(state(PodSandboxState.SANDBOX_NOTREADY))))
                    .hasSize(1);
            assertThat(list(filter -> filter.setId(pod.id()).setState(state(PodSandboxState.SANDBOX_READY))))
                    .isEmpty();
        }
    }

    @Test
    void stoppingASandboxEndsItsContainers() {
        try (CriPod pod = CriPod.run(cri)) {
            String container = pod.sleeper("main");

            pod.stop();

            assertThat(pod.status(container).getState()).isEqualTo(dev.gantry.cri.v1.ContainerState.CONTAINER_EXITED);
        }
    }

    @Test
    void aRemovedSandboxIsGoneWithItsContainers() {
        CriPod pod = CriPod.run(cri);
        String container = pod.sleeper("main");
        pod.stop();
        pod.remove();

        assertThat(list(filter -> filter.setId(pod.id()))).isEmpty();
        refused(Status.Code.NOT_FOUND, pod::status);
        refused(Status.Code.NOT_FOUND, () -> pod.status(container));
    }

    @Test
    void stopAndRemoveMayBeRepeated() {
        CriPod pod = CriPod.run(cri);

        assertThatCode(() -> {
                    pod.stop();
                    pod.stop();
                    pod.remove();
                    pod.remove();
                })
                .doesNotThrowAnyException();
    }

    @Test
    void aSandboxThatNeverWasCanBeStoppedAndRemoved() {
        cri.requires(Feature.UNKNOWN_IS_GONE);
        assertThatCode(() -> {
                    var unusedStop = cri.runtime()
                            .stopPodSandbox(StopPodSandboxRequest.newBuilder()
                                    .setPodSandboxId("no-such-pod")
                                    .build());
                    var unusedRemoval = cri.runtime()
                            .removePodSandbox(RemovePodSandboxRequest.newBuilder()
                                    .setPodSandboxId("no-such-pod")
                                    .build());
                })
                .doesNotThrowAnyException();
    }

    @Test
    void listsAreFilteredByLabelsAndById() {
        try (CriPod one = CriPod.run(
                        cri, config -> config.putLabels("suite", "filter").putLabels("n", "1"));
                CriPod two = CriPod.run(
                        cri, config -> config.putLabels("suite", "filter").putLabels("n", "2"))) {
            assertThat(ids(filter -> filter.putLabelSelector("suite", "filter")))
                    .containsExactlyInAnyOrder(one.id(), two.id());
            assertThat(ids(filter -> filter.putLabelSelector("suite", "filter").putLabelSelector("n", "2")))
                    .containsExactly(two.id());
            assertThat(ids(filter -> filter.putLabelSelector("suite", "other"))).isEmpty();
            assertThat(ids(filter -> filter.setId(one.id()).putLabelSelector("n", "2")))
                    .isEmpty();
            assertThat(ids(filter -> filter.setId("no-such-pod"))).isEmpty();
            assertThat(ids(filter -> {})).contains(one.id(), two.id());
        }
    }

    @Test
    void aStreamedListIsTheList() {
        cri.requires(Feature.STREAMED_LISTS);
        try (CriPod pod = CriPod.run(cri)) {
            List<PodSandbox> streamed = new ArrayList<>();
            cri.runtime()
                    .streamPodSandboxes(StreamPodSandboxesRequest.newBuilder()
                            .setFilter(PodSandboxFilter.newBuilder().setId(pod.id()))
                            .build())
                    .forEachRemaining(part -> streamed.addAll(part.getPodSandboxesList()));

            assertThat(streamed).isEqualTo(list(filter -> filter.setId(pod.id())));
        }
    }

    @Test
    void verboseStatusNamesTheFirstProcess() {
        cri.requires(Feature.VERBOSE_STATUS);
        try (CriPod pod = CriPod.run(cri)) {
            String info = cri.runtime()
                    .podSandboxStatus(PodSandboxStatusRequest.newBuilder()
                            .setPodSandboxId(pod.id())
                            .setVerbose(true)
                            .build())
                    .getInfoOrThrow("info");

            assertThat(info).containsPattern("\"pid\":[1-9]").contains("\"runtimeSpec\":{", "\"config\":{");
        }
    }

    @Test
    void anUnknownRuntimeHandlerIsRefused() {
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> cri.runtime()
                        .runPodSandbox(RunPodSandboxRequest.newBuilder()
                                .setConfig(CriPod.config(cri))
                                .setRuntimeHandler("no-such-handler")
                                .build()))
                .withMessageContaining("no-such-handler");
    }

    @Test
    void aNameBelongsToOneSandboxAndIsFreeAfterItsRemoval() {
        cri.requires(Feature.NAME_IS_TAKEN);
        PodSandboxConfig config = CriPod.config(cri).build();
        CriPod first = CriPod.run(cri, config);
        assertThatExceptionOfType(StatusRuntimeException.class).isThrownBy(() -> CriPod.run(cri, config));
        first.close();

        try (CriPod second = CriPod.run(cri, config)) {
            assertThat(second.id()).isNotEqualTo(first.id());
        }
    }

    @Test
    void aSandboxWithTheHostsNetworkHasNoAddressOfItsOwn() {
        try (CriPod pod = CriPod.run(cri, CriPod::hostNetwork)) {
            assertThat(pod.status().getNetwork().getIp()).isEmpty();
            assertThat(pod.status().getLinux().getNamespaces().getOptions().getNetwork())
                    .isEqualTo(NamespaceMode.NODE);
        }
    }

    // ---- what the pod finds

    @Test
    void theHostNameIsTheOneAskedFor() {
        try (CriPod pod = CriPod.run(cri)) {
            String container = pod.sleeper("main");

            assertThat(pod.shell(container, "hostname; cat /etc/hostname")).isEqualTo("tester\ntester");
        }
    }

    @Test
    void resolvConfIsWhatWasAskedFor() {
        DNSConfig dns = DNSConfig.newBuilder()
                .addServers("192.0.2.53")
                .addSearches("example.test")
                .addOptions("ndots:8")
                .build();
        try (CriPod pod = CriPod.run(cri, config -> config.setDnsConfig(dns))) {
            assertThat(pod.shell(pod.sleeper("main"), "cat /etc/resolv.conf"))
                    .contains("nameserver 192.0.2.53", "search example.test", "options ndots:8");
        }
    }

    @Test
    void sysctlsOfThePodAreSet() {
        try (CriPod pod = CriPod.run(
                cri,
                config -> config.getLinuxBuilder()
                        .putSysctls("kernel.shm_rmid_forced", "1")
                        .putSysctls("net.ipv4.ip_unprivileged_port_start", "80"))) {
            assertThat(pod.shell(
                            pod.sleeper("main"),
                            "cat /proc/sys/kernel/shm_rmid_forced /proc/sys/net/ipv4/ip_unprivileged_port_start"))
                    .isEqualTo("1\n80");
        }
    }

    @Test
    void containersOfAPodShareItsNetwork() {
        try (CriPod pod = CriPod.run(cri)) {
            pod.started(pod.container("server", SERVER));
            String client = pod.sleeper("client");

            assertThat(pod.shell(client, FETCH.formatted("127.0.0.1", 8080))).isEqualTo("a page");
        }
    }

    @Test
    void aPodAnswersUnderItsAddress() {
        PortMapping port = PortMapping.newBuilder().setContainerPort(8080).build();
        try (CriPod server = CriPod.run(cri, config -> config.addPortMappings(port));
                CriPod client = CriPod.run(cri)) {
            server.started(server.container("server", SERVER));
            String address = server.status().getNetwork().getIp();

            assertThat(client.shell(client.sleeper("client"), FETCH.formatted(address, 8080)))
                    .isEqualTo("a page");
        }
    }

    @Test
    void aPortOfTheHostLeadsToThePod() throws Exception {
        int hostPort;
        try (ServerSocket free = new ServerSocket(0)) {
            hostPort = free.getLocalPort();
        }
        PortMapping port = PortMapping.newBuilder()
                .setContainerPort(8080)
                .setHostPort(hostPort)
                .build();
        try (CriPod pod = CriPod.run(cri, config -> config.addPortMappings(port));
                CriPod host = CriPod.run(cri, CriPod::hostNetwork)) {
            pod.started(pod.container("server", SERVER));

            // Its bridge is one of the host's other addresses.
            String address = cri.has(Feature.HOST_PORT_ON_LOOPBACK)
                    ? "127.0.0.1"
                    : pod.status().getNetwork().getIp().replaceAll("\\.\\d+\\.\\d+$", ".0.1");

            assertThat(host.shell(host.sleeper("client"), FETCH.formatted(address, hostPort)))
                    .isEqualTo("a page");
        }
    }

    private List<PodSandbox> list(Consumer<PodSandboxFilter.Builder> change) {
        PodSandboxFilter.Builder filter = PodSandboxFilter.newBuilder();
        change.accept(filter);
        return cri.runtime()
                .listPodSandbox(
                        ListPodSandboxRequest.newBuilder().setFilter(filter).build())
                .getItemsList();
    }

    private List<String> ids(Consumer<PodSandboxFilter.Builder> change) {
        return list(change).stream().map(PodSandbox::getId).toList();
    }

    private static PodSandboxStateValue state(PodSandboxState state) {
        return PodSandboxStateValue.newBuilder().setState(state).build();
    }

    private static long nanos() {
        Instant now = Instant.now();
        return TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
    }

    private static void refused(Status.Code code, Runnable call) {
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(call::run)
                .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(code));
    }
}
