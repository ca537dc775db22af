package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.volume.ConfigObjects;
import dev.gantry.agent.volume.EnvFiles;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.cri.v1.LinuxContainerSecurityContext;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.SecurityProfile;
import dev.gantry.cri.v1.Signal;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CriConfigsTest {
    private static final String HOST_RESOLV_CONF =
            "# comment\nnameserver 192.0.2.53\nnameserver 192.0.2.54\nsearch example.org corp.example\noptions timeout:1\n";

    private static final ImageState.Present IMAGE = new ImageState.Present("sha256:1", OptionalLong.of(0), "");

    private static final NodeFacts NODE = new NodeFacts("node-1", List.of("192.0.2.1"), 8L << 30, 4);

    private final CriConfigs configs = new CriConfigs(
            NODE,
            new PodPaths(Path.of("/pods"), Path.of("/logs"), Path.of("/seccomp")),
            PodDns.NONE,
            new SecurityContexts(NodePolicy.of("node-1"), Path.of("/seccomp"), uid -> Optional.empty()));

    @Test
    void aSandboxIsDescribedAsTheKubeletDescribesIt() {
        PodSandboxConfig sandbox = configs.sandbox(pod("""
                        hostAliases: [{ip: 10.1.2.3, hostnames: [db]}]
                        containers:
                        - name: main
                          image: busybox
                          ports: [{containerPort: 80, hostPort: 8080}, {containerPort: 81}]
                          resources: {requests: {cpu: 500m}, limits: {memory: 64Mi}}
                        """), 2, HOST_RESOLV_CONF);

        assertThat(sandbox.getMetadata().getAttempt()).isEqualTo(2);
        assertThat(sandbox.getHostname()).isEqualTo("web");
        assertThat(sandbox.getLogDirectory()).isEqualTo("/logs/default_web_uid-1");
        assertThat(sandbox.getPortMappingsList()).singleElement().satisfies(mapping -> {
            assertThat(mapping.getHostPort()).isEqualTo(8080);
            assertThat(mapping.getContainerPort()).isEqualTo(80);
        });
        assertThat(sandbox.getLabelsMap())
                .containsEntry("io.kubernetes.pod.name", "web")
                .containsEntry("io.kubernetes.pod.namespace", "default")
                .containsEntry("io.kubernetes.pod.uid", "uid-1")
                .containsEntry("app", "web");
        assertThat(sandbox.getLinux().getCgroupParent()).isEqualTo("/kubepods/burstable/poduid-1");
        assertThat(sandbox.getLinux().getResources().getCpuShares()).isEqualTo(512);
        assertThat(sandbox.getLinux().getResources().getMemoryLimitInBytes()).isEqualTo(64 << 20);
        assertThat(sandbox.getDnsConfig().getServersList()).containsExactly("192.0.2.53", "192.0.2.54");
        assertThat(sandbox.getDnsConfig().getSearchesList()).containsExactly("example.org", "corp.example");
        assertThat(sandbox.getDnsConfig().getOptionsList()).containsExactly("timeout:1");
    }

    @Test
    void hostPortsOfSidecarsAreForwardedAndThoseOfInitContainersAreNot() {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web, uid: uid-1}
                spec:
                  initContainers:
                  - {name: init, image: busybox, ports: [{containerPort: 1, hostPort: 8081}]}
                  - {name: side, image: busybox, restartPolicy: Always, ports: [{containerPort: 2, hostPort: 8082}]}
                  containers:
                  - {name: main, image: busybox, ports: [{containerPort: 3, hostPort: 8083, hostIP: 127.0.0.1, protocol: UDP}]}
                """);

        assertThat(configs.sandbox(pod, 0, "").getPortMappingsList())
                .extracting(mapping -> mapping.getProtocol() + " " + mapping.getHostIp() + ":" + mapping.getHostPort()
                        + " " + mapping.getContainerPort())
                .containsExactly("TCP :8082 2", "UDP 127.0.0.1:8083 3");
    }

    @Test
    void hostNamespacesAreTheHosts() {
        PodSandboxConfig sandbox = configs.sandbox(pod("""
                        hostNetwork: true
                        hostIPC: true
                        hostPID: true
                        containers: [{name: main, image: busybox, ports: [{containerPort: 80}]}]
                        """), 0, "");

        var namespaces = sandbox.getLinux().getSecurityContext().getNamespaceOptions();
        assertThat(namespaces.getNetwork()).isEqualTo(NamespaceMode.NODE);
        assertThat(namespaces.getIpc()).isEqualTo(NamespaceMode.NODE);
        assertThat(namespaces.getPid()).isEqualTo(NamespaceMode.NODE);
        assertThat(sandbox.getPortMappingsList()).isEmpty();
        assertThat(sandbox.getHostname()).isEmpty();
    }

    @Test
    void variablesAreExpandedInOrder() throws Exception {
        ContainerConfig config = container("""
                containers:
                - name: main
                  image: busybox
                  command: [sh, -c, 'echo $(GREETING) $(MISSING) $$(GREETING) $']
                  args: ['$(NODE)']
                  env:
                  - {name: NAME, value: world}
                  - {name: GREETING, value: 'hello $(NAME) $(LATER)'}
                  - {name: LATER, value: x}
                  - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
                  - {name: CPUS, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
                """);

        assertThat(config.getCommandList())
                .containsExactly("sh", "-c", "echo hello world $(LATER) $(MISSING) $(GREETING) $");
        assertThat(config.getArgsList()).containsExactly("node-1");
        assertThat(config.getEnvsList())
                .extracting(variable ->
                        variable.getKey() + "=" + variable.getValue().toStringUtf8())
                .containsExactly("NAME=world", "GREETING=hello world $(LATER)", "LATER=x", "NODE=node-1", "CPUS=4");
    }

    @Test
    void limitsFollowTheKubeletsFormulas() throws Exception {
        LinuxContainerResources resources = container("""
                        containers:
                        - name: main
                          image: busybox
                          resources: {requests: {memory: 1Gi, cpu: 250m}, limits: {cpu: 1500m, memory: 2Gi}}
                        """).getLinux().getResources();

        assertThat(resources.getCpuShares()).isEqualTo(256);
        assertThat(resources.getCpuQuota()).isEqualTo(150_000);
        assertThat(resources.getCpuPeriod()).isEqualTo(100_000);
        assertThat(resources.getMemoryLimitInBytes()).isEqualTo(2L << 30);
        assertThat(resources.getOomScoreAdj()).isEqualTo(875);
        assertThat(resources.getUnifiedMap()).containsEntry("memory.oom.group", "1");
    }

    @Test
    void theContainersSecurityContextWinsOverThePods() throws Exception {
        LinuxContainerSecurityContext security = container("""
                        securityContext:
                          runAsUser: 1000
                          runAsGroup: 1000
                          fsGroup: 2000
                          supplementalGroups: [3000]
                          seccompProfile: {type: Unconfined}
                        containers:
                        - name: main
                          image: busybox
                          securityContext:
                            runAsUser: 1001
                            allowPrivilegeEscalation: false
                            readOnlyRootFilesystem: true
                            capabilities: {add: [NET_ADMIN], drop: [ALL]}
                            seccompProfile: {type: Localhost, localhostProfile: profiles/audit.json}
                        """).getLinux().getSecurityContext();

        assertThat(security.getRunAsUser().getValue()).isEqualTo(1001);
        assertThat(security.getRunAsGroup().getValue()).isEqualTo(1000);
        assertThat(security.getSupplementalGroupsList()).containsExactly(3000L, 2000L);
        assertThat(security.getNoNewPrivs()).isTrue();
        assertThat(security.getReadonlyRootfs()).isTrue();
        assertThat(security.getCapabilities().getAddCapabilitiesList()).containsExactly("NET_ADMIN");
        assertThat(security.getSeccomp().getProfileType()).isEqualTo(SecurityProfile.ProfileType.Localhost);
        assertThat(security.getSeccomp().getLocalhostRef()).isEqualTo("/seccomp/profiles/audit.json");
        assertThat(security.getMaskedPathsList()).contains("/proc/kcore");
    }

    @Test
    void withoutAProfileTheRuntimesIsTaken() throws Exception {
        assertThat(container("containers: [{name: main, image: busybox}]\n")
                        .getLinux()
                        .getSecurityContext()
                        .getSeccomp()
                        .getProfileType())
                .isEqualTo(SecurityProfile.ProfileType.RuntimeDefault);
        LinuxContainerSecurityContext privileged = container(
                        "containers: [{name: main, image: busybox, securityContext: {privileged: true}}]\n")
                .getLinux()
                .getSecurityContext();
        assertThat(privileged.getSeccomp().getProfileType()).isEqualTo(SecurityProfile.ProfileType.Unconfined);
        assertThat(privileged.getMaskedPathsList()).isEmpty();
    }

    @Test
    void dnsOfAClusterComesFirst() {
        PodDns dns = new PodDns(List.of("10.96.0.10"), "cluster.local");
        Pod pod = pod("""
                dnsConfig: {options: [{name: ndots, value: '2'}, {name: edns0}], searches: [own.example]}
                containers: [{name: main, image: busybox}]
                """);

        var config = dns.configOf(pod, HOST_RESOLV_CONF);

        assertThat(config.getServersList()).containsExactly("10.96.0.10");
        assertThat(config.getSearchesList())
                .containsExactly(
                        "default.svc.cluster.local",
                        "svc.cluster.local",
                        "cluster.local",
                        "example.org",
                        "corp.example",
                        "own.example");
        assertThat(config.getOptionsList()).containsExactly("ndots:2", "edns0");
    }

    @ParameterizedTest(name = "{0}, user {1} of the pod, image user {2}/{3}")
    @CsvSource({"true, 0, , , breaks non-root policy", "true, , 0, , will run as root", "true, , , , will run as root"})
    void runAsNonRootIsDecidedBeforeTheStart(
            boolean nonRoot, Long user, Long imageUid, String imageUser, String message) {
        Pod pod = pod(
                "securityContext: {runAsNonRoot: %s}\ncontainers: [{name: main, image: busybox}]\n".formatted(nonRoot));
        pod.getSpec().getSecurityContext().setRunAsUser(user);
        ImageState.Present image = new ImageState.Present(
                "sha256:1",
                imageUid == null ? OptionalLong.empty() : OptionalLong.of(imageUid),
                imageUser == null ? "" : imageUser);

        assertThatExceptionOfType(StartFailedException.class)
                .isThrownBy(() ->
                        RunAsUser.verify(pod, pod.getSpec().getContainers().get(0), image))
                .withMessageContaining(message)
                .satisfies(e -> assertThat(e.reason()).isEqualTo("CreateContainerConfigError"));
    }

    @ParameterizedTest(name = "runAsNonRoot {0}, user {1} of the pod, image user {2}/{3}: {4}")
    @CsvSource({
        "false, 0, 0, , ALLOWED",
        "true, 7, 0, , ALLOWED",
        "true, 7, , root, ALLOWED",
        "true, , 7, , ALLOWED",
        "true, , , web, OF_THE_CREATED_CONTAINER"
    })
    void aUserThatTheImageNamesIsKnownWhenTheContainerIs(
            boolean nonRoot, Long user, Long imageUid, String imageUser, RunAsUser.Verdict verdict) throws Exception {
        Pod pod = pod(
                "securityContext: {runAsNonRoot: %s}\ncontainers: [{name: main, image: busybox}]\n".formatted(nonRoot));
        pod.getSpec().getSecurityContext().setRunAsUser(user);
        ImageState.Present image = new ImageState.Present(
                "sha256:1",
                imageUid == null ? OptionalLong.empty() : OptionalLong.of(imageUid),
                imageUser == null ? "" : imageUser);

        assertThat(RunAsUser.verify(pod, pod.getSpec().getContainers().get(0), image))
                .isEqualTo(verdict);
    }

    @Test
    void aCreatedContainerOfRootOrOfNobodyKnowsWhomIsRefused() throws Exception {
        Container container = pod("containers: [{name: main, image: busybox}]\n")
                .getSpec()
                .getContainers()
                .get(0);

        RunAsUser.verifyCreated(container, "web", Optional.of(new ObservedContainer.User(7, 0, List.of())));
        assertThatExceptionOfType(StartFailedException.class)
                .isThrownBy(() -> RunAsUser.verifyCreated(
                        container, "toor", Optional.of(new ObservedContainer.User(0, 7, List.of()))))
                .withMessageContaining("its user toor has the uid 0");
        assertThatExceptionOfType(StartFailedException.class)
                .isThrownBy(() -> RunAsUser.verifyCreated(container, "web", Optional.empty()))
                .withMessageContaining("image has non-numeric user (web), cannot verify user is non-root");
    }

    @Test
    void theStopSignalIsThatOfTheLifecycleOrTheImages() throws Exception {
        String spec = """
                os: {name: linux}
                containers: [{name: main, image: busybox%s}]
                """;

        assertThat(container(spec.formatted("")).getStopSignal()).isEqualTo(Signal.SIGNAL_RUNTIME_DEFAULT);
        assertThat(container(spec.formatted(", lifecycle: {stopSignal: SIGUSR1}"))
                        .getStopSignal())
                .isEqualTo(Signal.SIGNAL_SIGUSR1);
        assertThat(container(spec.formatted(", lifecycle: {stopSignal: SIGRTMIN+15}"))
                        .getStopSignal())
                .isEqualTo(Signal.SIGNAL_SIGRTMINPLUS15);
        assertThat(container(spec.formatted(", lifecycle: {stopSignal: SIGRTMAX-3}"))
                        .getStopSignal())
                .isEqualTo(Signal.SIGNAL_SIGRTMAXMINUS3);
    }

    private ContainerConfig container(String spec) throws Exception {
        Pod pod = pod(spec);
        Container container = pod.getSpec().getContainers().get(0);
        return configs.container(
                pod,
                container,
                3,
                IMAGE,
                Duration.ofSeconds(20),
                new Prepared(
                        ContainerEnvironment.of(
                                pod,
                                container,
                                ConfigObjects.NONE,
                                EnvFiles.NONE,
                                NODE.resources().allocatable().quantities()),
                        List.of()));
    }

    @Test
    void aRunCarriesWhatItsSuccessorNeeds() throws Exception {
        ContainerConfig config = container("containers: [{name: main, image: busybox}]\n");

        assertThat(config.getMetadata().getAttempt()).isEqualTo(3);
        assertThat(config.getLogPath()).isEqualTo("main/3.log");
        assertThat(config.getImage().getImage()).isEqualTo("sha256:1");
        assertThat(config.getImage().getUserSpecifiedImage()).isEqualTo("busybox");
        assertThat(config.getAnnotationsMap())
                .containsAllEntriesOf(Map.of(
                        "io.kubernetes.container.restartCount", "3",
                        "gantry.dev/restart-backoff-millis", "20000",
                        "io.kubernetes.pod.terminationGracePeriod", "30"));
    }

    private static Pod pod(String spec) {
        Pod pod = EngineFixture.pod(
                "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec:\n" + spec.indent(2));
        pod.getMetadata().setUid("uid-1");
        pod.getSpec().setNodeName("node-1");
        return pod;
    }
}
