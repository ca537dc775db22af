package dev.gantry.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AgentConfigTest {
    private static final Map<String, String> NAMED = Map.of("hostname-override", "node-1");

    @TempDir
    Path root;

    private AgentConfig load(Map<String, String> flags) throws ConfigException {
        return AgentConfig.load(NodePaths.under(root), flags);
    }

    private List<String> errors(String yaml) throws IOException {
        Files.writeString(root.resolve("config.yaml"), yaml);
        ConfigException e = catchThrowableOfType(ConfigException.class, () -> load(NAMED));
        return e == null
                ? List.of()
                : e.errors().stream()
                        .map(error -> error.replace(root + "/", ""))
                        .toList();
    }

    @Test
    void withoutAnythingThereAreDefaults() throws ConfigException {
        AgentConfig config = load(NAMED);

        assertThat(config.nodeName()).isEqualTo("node-1");
        assertThat(config.paths().manifests()).isEqualTo(root.resolve("manifests"));
        assertThat(config.paths().socket()).isEqualTo(root.resolve("run/gantry.sock"));
        assertThat(config.podCidrs()).isEmpty();
        assertThat(config.resolvConf()).isEqualTo(Path.of("/etc/resolv.conf"));
        assertThat(config.runtimeEndpoint()).isEmpty();
        assertThat(config.images().registryConfig())
                .startsWith(root.resolve("certs.d"))
                .contains(Path.of("/etc/containerd/certs.d"));
        assertThat(config.systemdCgroupNames()).isFalse();
        assertThat(config.security().seccompDefault()).isTrue();
        assertThat(config.logLevel()).isEqualTo("info");
        assertThat(config.restarts()).isEqualTo(new RestartConfig(Duration.ofSeconds(10), Duration.ofMinutes(5), true));
        assertThat(config.warnings()).isEmpty();
    }

    @Test
    void everyFieldOfOursIsRead() throws IOException, ConfigException {
        Files.writeString(root.resolve("config.yaml"), """
                apiVersion: kubelet.config.k8s.io/v1beta1
                kind: KubeletConfiguration
                nodeName: Worker-7
                nodeIP: 192.0.2.7
                cniConfDir: /srv/cni
                cniBinDir: [/srv/bin, /srv/more]
                network: cni
                imageArchives: /srv/images
                imageRegistryConfig: [/srv/certs.d, /srv/more]
                staticPodPath: /srv/manifests
                podLogsDir: /srv/logs
                podCIDR: 10.9.0.0/16,fd00:9::/64
                clusterDNS: [10.96.0.10, 10.96.0.11]
                clusterDomain: cluster.local
                resolvConf: /run/resolv.conf
                cgroupRoot: /gantry
                cgroupDriver: systemd
                containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
                imageServiceEndpoint: unix:///run/images.sock
                seccompDefault: false
                allowedUnsafeSysctls: [net.core.somaxconn, 'kernel.msg*']
                nodeLabels: {disk: ssd}
                userNamespaces: {idsPerPod: 131072}
                crashLoopBackOff:
                  initialContainerRestartPeriod: 2s
                  maxContainerRestartPeriod: 1m30s
                  cleanExits: false
                logging:
                  level: debug
                """);

        AgentConfig config = load(Map.of());

        assertThat(config)
                .isEqualTo(
                        new AgentConfig(
                                NodePaths.under(root)
                                        .withManifests(Path.of("/srv/manifests"))
                                        .withPodLogs(Path.of("/srv/logs")),
                                "worker-7",
                                Optional.of("192.0.2.7"),
                                new NetworkConfig(
                                        "cni",
                                        Optional.of(Path.of("/srv/cni")),
                                        List.of(Path.of("/srv/bin"), Path.of("/srv/more"))),
                                List.of("10.9.0.0/16", "fd00:9::/64"),
                                List.of("10.96.0.10", "10.96.0.11"),
                                Optional.of("cluster.local"),
                                Path.of("/run/resolv.conf"),
                                Optional.of(Path.of("/gantry")),
                                true,
                                Optional.of(Path.of("/run/containerd/containerd.sock")),
                                Optional.of(Path.of("/run/images.sock")),
                                new ImageConfig(
                                        Optional.of(Path.of("/srv/images")),
                                        List.of(Path.of("/srv/certs.d"), Path.of("/srv/more"))),
                                new SecurityConfig(
                                        false,
                                        List.of("net.core.somaxconn", "kernel.msg*"),
                                        Map.of("disk", "ssd"),
                                        131_072),
                                config.resources(),
                                "debug",
                                new RestartConfig(Duration.ofSeconds(2), Duration.ofSeconds(90), false),
                                List.of(
                                        root.resolve("config.yaml")
                                                + ":7:10: network, since the runtime of containerRuntimeEndpoint connects its pods itself",
                                        root.resolve("config.yaml")
                                                + ":9:22: imageRegistryConfig, since the runtime of containerRuntimeEndpoint pulls images by its own configuration")));
    }

    @ParameterizedTest(name = "{0} → {1}")
    @CsvSource(delimiter = '|', textBlock = """
                    allowedUnsafeSysctls: [vm.swappiness] | config.yaml:1:23: allowedUnsafeSysctls: expected net.*, kernel.shm*, kernel.msg*, kernel.sem or fs.mqueue.*, found 'vm.swappiness': no namespace of a pod has it
                    allowedUnsafeSysctls: ['*']    | config.yaml:1:23: allowedUnsafeSysctls: expected the name of a sysctl, or the beginning of one with a * behind it, found '*'
                    userNamespaces: {idsPerPod: 1} | config.yaml:1:29: userNamespaces.idsPerPod: expected a multiple of 65536 up to 1073741824, found 1
                    nodeLabels: {'a b': c}         | config.yaml:1:13: nodeLabels: expected labels like {disk: ssd}, found 'a b=c'
                    maxPod: 1                      | config.yaml:1:1: maxPod: unknown field; did you mean 'maxPods'?
                    colour: red                    | config.yaml:1:1: colour: unknown field
                    maxPods: many                  | config.yaml:1:10: maxPods: expected a whole number, found the text 'many'
                    logging: {verbosity: -1}       | config.yaml:1:22: logging.verbosity: expected a whole number from 0 to 10, found '-1'
                    maxPods: '1'                   | config.yaml:1:10: maxPods: expected a whole number, found the text '1'
                    maxPods: [1]                   | config.yaml:1:10: maxPods: expected a whole number, found a list
                    staticPodPath: manifests       | config.yaml:1:16: staticPodPath: expected an absolute path, found 'manifests'
                    clusterDomain: 5               | config.yaml:1:16: clusterDomain: expected a text, found 5, which is no text; put it in quotes
                    clusterDNS: 10.0.0.1           | config.yaml:1:13: clusterDNS: expected a list of texts
                    clusterDNS: [1]                | config.yaml:1:14: clusterDNS[0]: expected a text
                    network: cni0                  | config.yaml:1:10: network: expected one of builtin, cni, none, found 'cni0'
                    imageRegistryConfig: [certs.d] | config.yaml:1:22: imageRegistryConfig: expected absolute paths, found 'certs.d'
                    cniBinDir: [bin]               | config.yaml:1:12: cniBinDir: expected absolute paths, found 'bin'
                    cgroupDriver: docker           | config.yaml:1:15: cgroupDriver: expected one of cgroupfs, systemd, found 'docker'
                    logging: {levle: debug}        | config.yaml:1:11: logging.levle: unknown field; did you mean 'level'?
                    logging: loud                  | config.yaml:1:10: logging: expected an object with fields like level, format, verbosity, flushFrequency, options, vmodule
                    enableServer: yes please       | config.yaml:1:15: enableServer: expected true or false, found the text 'yes please'
                    syncFrequency: often           | config.yaml:1:16: syncFrequency: expected a duration like 30s or 5m, found 'often'
                    containerLogMaxSize: big       | config.yaml:1:22: containerLogMaxSize: expected an amount like 10Mi, found 'big'
                    podPidsLimit: 0                | config.yaml:1:15: podPidsLimit: expected a number above 0, or -1 for no limit, found 0
                    kind: Pod                      | config.yaml:1:7: kind: expected KubeletConfiguration, found 'Pod'
                    apiVersion: v1                 | config.yaml:1:13: apiVersion: expected kubelet.config.k8s.io/v1beta1, found 'v1'
                    podCIDR: 10.0.0.0              | config.yaml:1:10: podCIDR: expected a range like 10.88.0.0/16 or fd00:88::/64, found '10.0.0.0'
                    podCIDR: 10.0.0.0/33           | config.yaml:1:10: podCIDR: expected a range like 10.88.0.0/16 or fd00:88::/64, found '10.0.0.0/33'
                    podCIDR: 10.0.0.0/8,11.0.0.0/8 | config.yaml:1:10: podCIDR: expected at most one range of each address family
                    podCIDR: 10.1.2.3/24           | config.yaml:1:10: podCIDR: pod CIDR 10.1.2.3/24 has bits behind its prefix; did you mean 10.1.2.0/24?
                    podCIDR: 10.0.0.0/31           | config.yaml:1:10: podCIDR: pod CIDR 10.0.0.0/31: the prefix has 8 to 30 bits
                    podCIDR: 127.0.0.0/8           | config.yaml:1:10: podCIDR: pod CIDR 127.0.0.0/8 is not for hosts
                    clusterDNS: [dns.example]      | config.yaml:1:13: clusterDNS: expected an IP address like 10.96.0.10 or fd00::10, found 'dns.example'
                    nodeIP: 999.1.1.1              | config.yaml:1:9: nodeIP: expected an IP address like 10.96.0.10 or fd00::10, found '999.1.1.1'
                    - a                            | config.yaml:1:1: expected fields like 'maxPods: 110'
                    'a: [b'                        | config.yaml:2:1: is not YAML: expected ',' or ']', but got <stream end>
                    crashLoopBackOff: {maxContainerRestartPeriod: 301s} | config.yaml:1:47: crashLoopBackOff.maxContainerRestartPeriod: expected a duration from 1 s to 300 s, found '301s'
                    crashLoopBackOff: {initialContainerRestartPeriod: 1h} | config.yaml:1:51: crashLoopBackOff.initialContainerRestartPeriod: expected a duration from 0 s to 300 s, found '1h'
                    containerRuntimeEndpoint: tcp  | config.yaml:1:27: containerRuntimeEndpoint: expected a socket like unix:///run/containerd/containerd.sock, found 'tcp'
                    """)
    void aMistakeIsToldWithItsPlace(String yaml, String error) throws IOException {
        assertThat(errors(yaml + "\n")).containsExactly(error);
    }

    @Test
    void allMistakesAreToldAtOnce() throws IOException {
        assertThat(errors("maxPods: many\nmaxPods: 3\nnodeNam: x\n"))
                .containsExactly(
                        "config.yaml:1:10: maxPods: expected a whole number, found the text 'many'",
                        "config.yaml:2:1: maxPods: is there twice",
                        "config.yaml:3:1: nodeNam: unknown field; did you mean 'nodeName'?");
    }

    @Test
    void dropInsAreMergedInTheOrderOfTheirNamesAndFlagsWin() throws IOException, ConfigException {
        Files.writeString(root.resolve("config.yaml"), "nodeIP: 192.0.2.1\nclusterDomain: one.local\nnodeName: one\n");
        Path dropIns = Files.createDirectories(root.resolve("config.d"));
        Files.writeString(dropIns.resolve("20-b.conf"), "nodeIP: 192.0.2.3\n");
        Files.writeString(dropIns.resolve("10-a.conf"), "nodeIP: 192.0.2.2\nclusterDomain: two.local\n");
        Files.writeString(dropIns.resolve("30-not-read.txt"), "nonsense: true\n");
        Files.writeString(dropIns.resolve(".hidden.conf"), "nonsense: true\n");

        AgentConfig config = load(Map.of("hostname-override", "flag"));

        assertThat(config.nodeIp()).contains("192.0.2.3");
        assertThat(config.clusterDomain()).contains("two.local");
        assertThat(config.nodeName()).isEqualTo("flag");
    }

    @ParameterizedTest(name = "--{0} {1}: {2}")
    @CsvSource({
        "v, x, '--v: expected a whole number from 0 to 10, found ''x'''",
        "hostname-override, 'a b', '--hostname-override: ''a b'' cannot be a node''s name: letters, digits, ''-'' and ''.'' only; choose one with --hostname-override'",
        "cgroup-driver, x, '--cgroup-driver: expected one of cgroupfs, systemd, found ''x'''",
        "log-level, loud, '--log-level: expected one of error, warn, info, debug, found ''loud'''",
        "config, /nowhere/config.yaml, '/nowhere/config.yaml: cannot be read: no such file or directory'",
        "config-dir, /nowhere, '--config-dir: there is no directory /nowhere'",
    })
    void aMistakeInAFlagIsTold(String flag, String value, String error) {
        Map<String, String> flags = new java.util.HashMap<>(NAMED);
        flags.put(flag, value);

        ConfigException e = catchThrowableOfType(ConfigException.class, () -> load(flags));

        assertThat(e.errors()).containsExactly(error);
    }

    @Test
    void relativePathsInFlagsAreThoseOfTheShell() throws ConfigException {
        AgentConfig config =
                load(Map.of("hostname-override", "n", "pod-manifest-path", "manifests", "root-dir", "state"));

        assertThat(config.paths().manifests()).isEqualTo(Path.of("manifests").toAbsolutePath());
        assertThat(config.paths().state()).isEqualTo(Path.of("state").toAbsolutePath());
    }

    @Test
    void whatTheKubeletKnowsAndThisAgentDoesNotActOnIsToldWithItsPlace() throws IOException, ConfigException {
        Files.writeString(
                root.resolve("config.yaml"), "nodeName: n\nfailSwapOn: false\nevictionSoft: {memory.available: 1Gi}\n");

        assertThat(load(Map.of()).warnings())
                .containsExactly(root + "/config.yaml:2:13: failSwapOn", root + "/config.yaml:3:15: evictionSoft");
    }

    @Test
    void theKubeletsGateOfShorterRestartPeriodsIsUnderstood() throws IOException, ConfigException {
        Files.writeString(
                root.resolve("config.yaml"), "nodeName: n\nfeatureGates: {ReduceDefaultCrashLoopBackOffDecay: true}\n");

        AgentConfig config = load(Map.of());

        assertThat(config.restarts()).isEqualTo(new RestartConfig(Duration.ofSeconds(1), Duration.ofSeconds(60), true));
        assertThat(config.warnings()).isEmpty();
    }

    @Test
    void theFirstWaitIsNotLongerThanTheLongest() throws IOException, ConfigException {
        Files.writeString(
                root.resolve("config.yaml"), "nodeName: n\ncrashLoopBackOff: {maxContainerRestartPeriod: 5s}\n");

        assertThat(load(Map.of()).restarts())
                .isEqualTo(new RestartConfig(Duration.ofSeconds(5), Duration.ofSeconds(5), true));
    }

    @Test
    void theKubeletsVerbosityIsUnderstood() throws ConfigException {
        assertThat(load(Map.of("hostname-override", "n", "v", "2")).logLevel()).isEqualTo("info");
        assertThat(load(Map.of("hostname-override", "n", "v", "4")).logLevel()).isEqualTo("debug");
        assertThat(load(Map.of("hostname-override", "n", "v", "4", "log-level", "warn"))
                        .logLevel())
                .isEqualTo("warn");
    }

    @ParameterizedTest(name = "{0} is {1} ms")
    @CsvSource({
        "30s, 30000",
        "1h30m, 5400000",
        "250ms, 250",
        "1.5s, 1500",
        "0, 0",
        "'', -1",
        "5, -1",
        "s, -1",
        "-1s, -1",
        "1d, -1"
    })
    void durationsAreGos(String text, long millis) {
        assertThat(Durations.parseMillis(text)).isEqualTo(millis);
    }

    @Test
    void theDefaultConfigurationOfThePackageIsValid() throws ConfigException {
        Path packaged = Path.of("../packaging/src/main/dist/etc/gantry/config.yaml");

        assertThat(Files.exists(packaged)).isTrue();
        assertThat(load(Map.of("hostname-override", "n", "config", packaged.toString()))
                        .warnings())
                .isEmpty();
    }
}
