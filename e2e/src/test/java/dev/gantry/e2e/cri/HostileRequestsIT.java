package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.google.protobuf.ByteString;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.DNSConfig;
import dev.gantry.cri.v1.Device;
import dev.gantry.cri.v1.ExecRequest;
import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.Int64Value;
import dev.gantry.cri.v1.KeyValue;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PortMapping;
import dev.gantry.cri.v1.StopContainerRequest;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Requests that no kubelet sends: each is refused for what it is, and leaves nothing behind. */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox"})
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileRequestsIT {
    private final CriServer cri = CriServer.gantry();
    private CriPod pod;

    HostileRequestsIT() throws Exception {}

    @BeforeAll
    void aPod() {
        pod = CriPod.run(cri);
    }

    @AfterAll
    void end() throws IOException {
        pod.close();
        cri.end();
    }

    private static Arguments pod(String what, Consumer<PodSandboxConfig.Builder> change) {
        return arguments(what, change);
    }

    private static Stream<Arguments> pods() {
        String longText = "x".repeat(5000);
        return Stream.of(
                pod("no name", config -> config.getMetadataBuilder().clearName()),
                pod("no uid", config -> config.getMetadataBuilder().clearUid()),
                pod(
                        "a name of several lines",
                        config -> config.clearHostname().getMetadataBuilder().setName("a\n6.6.6.6 bank.example")),
                pod(
                        "a uid of several lines",
                        config -> config.getMetadataBuilder().setUid("a\nb")),
                pod("a cgroup outside", config -> config.getLinuxBuilder().setCgroupParent("/../../../tmp")),
                pod(
                        "a cgroup with a newline",
                        config -> config.getLinuxBuilder().setCgroupParent("/a\nb")),
                pod("a host name of several lines", config -> config.setHostname("a\nb")),
                pod("a host name that is too long", config -> config.setHostname(longText)),
                pod(
                        "a name server of several lines",
                        config -> config.setDnsConfig(DNSConfig.newBuilder().addServers("10.0.0.1\nsearch evil"))),
                pod(
                        "a search domain of several lines",
                        config -> config.setDnsConfig(DNSConfig.newBuilder().addSearches("a\nnameserver 6.6.6.6"))),
                pod(
                        "a PID namespace of no kind",
                        config -> config.getLinuxBuilder()
                                .getSecurityContextBuilder()
                                .getNamespaceOptionsBuilder()
                                .setPidValue(77)),
                pod("a relative log directory", config -> config.setLogDirectory("logs")),
                pod(
                        "a port that is none",
                        config -> config.addPortMappings(
                                PortMapping.newBuilder().setContainerPort(80).setHostPort(70_000))),
                pod(
                        "an address that is none",
                        config -> config.addPortMappings(PortMapping.newBuilder()
                                .setContainerPort(80)
                                .setHostPort(18_099)
                                .setHostIp("evil; drop table"))),
                pod("a sysctl of the host", config -> config.getLinuxBuilder().putSysctls("vm.swappiness", "1")),
                pod(
                        "a sysctl with a path",
                        config -> config.getLinuxBuilder().putSysctls("net.ipv4.../../../kernel.hostname", "x")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("pods")
    void aPodThatCannotBeIsRefused(String what, Consumer<PodSandboxConfig.Builder> change) {
        PodSandboxConfig.Builder config = CriPod.config(cri);
        change.accept(config);

        refused(() -> CriPod.run(cri, config.build()).close());

        assertThat(cri.runtime()
                        .listPodSandbox(ListPodSandboxRequest.getDefaultInstance())
                        .getItemsList())
                .singleElement()
                .satisfies(item -> assertThat(item.getId()).isEqualTo(pod.id()));
    }

    private static Arguments container(String what, Consumer<ContainerConfig.Builder> change) {
        return arguments(what, change);
    }

    private static Stream<Arguments> containers() {
        return Stream.of(
                container("no name", config -> config.getMetadataBuilder().clearName()),
                container("no image", ContainerConfig.Builder::clearImage),
                container("an argument with NUL", config -> config.addArgs("a\0b")),
                container("a variable without a name", config -> config.addEnvs(KeyValue.newBuilder())),
                container(
                        "a variable with two signs",
                        config -> config.addEnvs(KeyValue.newBuilder().setKey("a=b"))),
                container(
                        "a variable with NUL",
                        config -> config.addEnvs(
                                KeyValue.newBuilder().setKey("a").setValue(ByteString.copyFromUtf8("x\0y")))),
                container("a relative directory", config -> config.setWorkingDir("tmp")),
                container("a log elsewhere", config -> config.setLogPath("../../../../../../tmp/elsewhere.log")),
                container("a log with NUL", config -> config.setLogPath("a\0b")),
                container(
                        "a mount without a target",
                        config -> config.addMounts(Mount.newBuilder().setHostPath("/tmp"))),
                container(
                        "a mount over proc",
                        config -> config.addMounts(
                                Mount.newBuilder().setHostPath("/tmp").setContainerPath("/proc/sys"))),
                container(
                        "a device that is none",
                        config -> config.addDevices(
                                Device.newBuilder().setHostPath("/etc/passwd").setContainerPath("/dev/x"))),
                container(
                        "a user below zero",
                        config -> CriPod.security(config)
                                .setRunAsUser(Int64Value.newBuilder().setValue(-5))),
                container(
                        "a user that is too large",
                        config -> CriPod.security(config)
                                .setRunAsUser(Int64Value.newBuilder().setValue(1L << 40))),
                container(
                        "a capability that is none",
                        config ->
                                CriPod.security(config).getCapabilitiesBuilder().addAddCapabilities("CAP_EVERYTHING")),
                container(
                        "an AppArmor profile of no kind",
                        config -> CriPod.security(config).getApparmorBuilder().setProfileTypeValue(77)),
                container(
                        "a policy of groups that is none",
                        config -> CriPod.security(config).setSupplementalGroupsPolicyValue(77)),
                container(
                        "a mask that is relative",
                        config -> CriPod.security(config).addMaskedPaths("etc/shadow")),
                container(
                        "limits of an impossible cgroup file",
                        config -> config.getLinuxBuilder()
                                .getResourcesBuilder()
                                .putUnified("../../../cgroup.procs", "1")),
                container(
                        "a score beyond all",
                        config -> config.getLinuxBuilder().getResourcesBuilder().setOomScoreAdj(5000)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("containers")
    void aContainerThatCannotBeIsRefused(String what, Consumer<ContainerConfig.Builder> change) {
        ContainerConfig.Builder config = pod.container("main", "sleep", "1000000");
        change.accept(config);

        // One that is made all the same must not make the next ones fail.
        refused(() -> pod.remove(pod.create(config)));

        assertThat(cri.runtime()
                        .listContainers(ListContainersRequest.getDefaultInstance())
                        .getContainersList())
                .isEmpty();
    }

    @Test
    void aCommandThatCannotBeIsRefused() {
        String id = pod.sleeper("target");
        try {
            for (List<String> command : List.of(List.<String>of(), List.of("echo", "a\0b"))) {
                refused(() -> cri.runtime()
                        .execSync(ExecSyncRequest.newBuilder()
                                .setContainerId(id)
                                .addAllCmd(command)
                                .build()));
            }
        } finally {
            pod.remove(id);
        }
    }

    @Test
    void aStreamForACommandThatCannotBeEnds() {
        String id = pod.sleeper("target");
        try {
            for (boolean terminal : new boolean[] {false, true}) {
                String url = cri.runtime()
                        .exec(ExecRequest.newBuilder()
                                .setContainerId(id)
                                .addAllCmd(List.of("echo", "a\0b"))
                                .setStdout(true)
                                .setTty(terminal)
                                .build())
                        .getUrl();
                try (StreamClient client = StreamClient.connect(url, "v5.channel.k8s.io")) {
                    client.awaitEnd();
                    assertThat(client.text(StreamClient.ERROR)).contains("exec in container 'target'", "NUL");
                }
            }
        } finally {
            pod.remove(id);
        }
    }

    @Test
    void timeoutsMayBeForEver() {
        String id = pod.started(pod.container(
                "patient", "sh", "-c", "trap 'exit 3' TERM; touch /ready; while true; do sleep 0.1; done"));
        try {
            assertThat(cri.runtime()
                            .execSync(ExecSyncRequest.newBuilder()
                                    .setContainerId(id)
                                    .addAllCmd(
                                            List.of("sh", "-c", "until [ -e /ready ]; do sleep 0.1; done; echo said"))
                                    .setTimeout(Long.MAX_VALUE)
                                    .build())
                            .getStdout()
                            .toStringUtf8())
                    .isEqualTo("said\n");
            var unused = cri.runtime()
                    .stopContainer(StopContainerRequest.newBuilder()
                            .setContainerId(id)
                            .setTimeout(Long.MAX_VALUE)
                            .build());
            assertThat(pod.status(id).getExitCode()).isEqualTo(3);
        } finally {
            pod.remove(id);
        }
    }

    private static void refused(Runnable call) {
        StatusRuntimeException refusal = catchThrowableOfType(StatusRuntimeException.class, call::run);
        assertThat(refusal).as("a refusal").isNotNull();
        assertThat(refusal.getStatus().getCode())
                .as(refusal.toString())
                .isIn(Status.Code.INVALID_ARGUMENT, Status.Code.FAILED_PRECONDITION, Status.Code.NOT_FOUND);
        assertThat(refusal.getStatus().getDescription()).isNotBlank();
    }
}
