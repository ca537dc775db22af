package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What manifests ask for, read back from inside the containers. */
@RequiresRoot
@RequiresTool({"busybox", "ip", "nft"})
class PodSecurityIT {
    static final String NAMED_USERS = """
            securityContext: {runAsNonRoot: true}
            containers:
            - {name: web, image: example.test/web:1, command: [sleep, "1000"]}
            - {name: toor, image: example.test/toor:1, command: [sleep, "1000"]}
            """;

    private static final long CHOWN = 1;
    private static final long KILL = 1 << 5;
    private static final long NET_ADMIN = 1 << 12;

    @TempDir
    Path directory;

    private RealNode node;

    RealNode node() {
        return node;
    }

    TestRuntime.Factory runtimes() {
        return TestRuntime::gantry;
    }

    /** Ways in which the runtime can run a pod, by name. */
    String handlers() {
        return "gantry";
    }

    /** The capabilities of a container that asks for none, as bits. */
    long defaultCapabilities() {
        return 0xa80425fbL;
    }

    /** What the runtime says of the capability FLY. */
    String unknownCapability() {
        return "'FLY' is no capability";
    }

    @BeforeEach
    void open() throws Exception {
        node = new RealNode(
                directory,
                runtimes(),
                NodePolicy.of("node-1").withAllowedUnsafeSysctls(List.of("net.core.somaxconn")),
                new PodDns(List.of(), "cluster.local"));
    }

    @AfterEach
    void close() throws Exception {
        node.close();
    }

    @Test
    void usersGroupsAndPrivileges() throws Exception {
        Files.createDirectories(node.seccomp().resolve("profiles"));
        Files.writeString(node.seccomp().resolve("profiles/nochmod.json"), """
                {"defaultAction": "SCMP_ACT_ALLOW",
                 "syscalls": [{"names": ["chmod", "fchmod", "fchmodat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
                """);
        node.create("""
                securityContext:
                  runAsUser: 1000
                  runAsGroup: 3000
                  runAsNonRoot: true
                  fsGroup: 5000
                  supplementalGroups: [6000]
                  sysctls:
                  - {name: net.ipv4.ip_local_port_range, value: "20000 21000"}
                  - {name: net/core/somaxconn, value: "77"}
                volumes: [{name: data, emptyDir: {}}]
                containers:
                - name: merged
                  image: example.test/demo:1
                  command: [sleep, "1000"]
                  volumeMounts: [{name: data, mountPath: /data}]
                  securityContext:
                    allowPrivilegeEscalation: false
                    readOnlyRootFilesystem: true
                    capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}
                    seccompProfile: {type: Localhost, localhostProfile: profiles/nochmod.json}
                - name: own
                  image: example.test/demo:1
                  command: [sleep, "1000"]
                  securityContext: {runAsUser: 0, runAsGroup: 0, runAsNonRoot: false, privileged: true}
                """);
        node.awaitRunning("merged");
        Pod pod = node.awaitRunning("own");

        assertThat(node.shell(pod, "merged", "id -u; id -g")).isEqualTo("1000\n3000\n");
        assertThat(node.shell(pod, "merged", "id -G").strip().split(" "))
                .containsExactlyInAnyOrder("3000", "4000", "5000", "6000");
        assertThat(node.shell(pod, "merged", "grep -E '^(Uid|Gid|CapBnd|CapInh|NoNewPrivs|Seccomp):' /proc/1/status"))
                .isEqualTo("""
                        Uid:\t1000\t1000\t1000\t1000
                        Gid:\t3000\t3000\t3000\t3000
                        CapInh:\t0000000000000000
                        CapBnd:\t0000000000000400
                        NoNewPrivs:\t1
                        Seccomp:\t2
                        """);
        assertThat(node.shell(pod, "merged", "touch /x; touch /data/x && chmod 600 /data/x; stat -c %g /data/x"))
                .contains("/x: Read-only file system", "Operation not permitted", "5000");
        assertThat(node.shell(pod, "merged", "grep -c ' / / ro' /proc/self/mountinfo"))
                .isEqualTo("1\n");
        assertThat(node.shell(
                        pod, "merged", "cd /proc/sys/net; cat ipv4/ip_local_port_range core/somaxconn | tr '\\t' ' '"))
                .isEqualTo("20000 21000\n77\n");
        assertThat(node.shell(pod, "merged", "stat -c %t:%T /proc/timer_list; echo 1 > /proc/sys/net/core/somaxconn"))
                .startsWith("1:3\n")
                .contains("can't create");
        assertThat(node.shell(pod, "own", "id -u; id -g; grep Seccomp: /proc/1/status; stat -c %F /proc/timer_list"))
                .isEqualTo("0\n0\nSeccomp:\t0\nregular empty file\n");
    }

    @Test
    void groupsOfTheImageAreLeftOutWhenStrict() throws Exception {
        node.create("""
                securityContext: {runAsUser: 1000, supplementalGroups: [6000], supplementalGroupsPolicy: Strict}
                containers: [{name: main, image: example.test/demo:1, command: [sleep, "1000"]}]
                """);
        Pod pod = node.awaitRunning("main");

        assertThat(node.shell(pod, "main", "id -G")).isEqualTo("1001 6000\n");
        assertThat(RealNode.status(pod, "main").getUser().getLinux().getSupplementalGroups())
                .containsExactlyInAnyOrder(1001L, 6000L);
    }

    @Test
    void aPodHasUsersOfItsOwn() throws Exception {
        node.create("""
                hostUsers: false
                securityContext: {fsGroup: 5000}
                volumes: [{name: data, emptyDir: {}}]
                containers:
                - name: main
                  image: example.test/demo:1
                  command: [sleep, "1000"]
                  volumeMounts: [{name: data, mountPath: /data}]
                  securityContext: {procMount: Unmasked}
                """);
        Pod pod = node.awaitRunning("main");
        Path record = node.pods().resolve(pod.getMetadata().getUid()).resolve("userns");

        assertThat(node.shell(pod, "main", "id -u; tr -s ' ' < /proc/self/uid_map; tr -s ' ' < /proc/self/gid_map"))
                .isEqualTo("0\n 0 65536 65536\n 0 65536 65536\n");
        assertThat(node.shell(
                        pod, "main", "touch /data/x; stat -c %u:%g /data /data/x /etc/hosts /dev/termination-log"))
                .isEqualTo("0:5000\n0:5000\n0:0\n0:0\n");
        assertThat(node.shell(
                        pod,
                        "main",
                        "ls /proc/kcore; wc -c < /proc/timer_list > /dev/null; stat -c %F /proc/timer_list"))
                .contains("regular empty file");
        assertThat(record).content().contains("\"hostId\":65536");

        node.delete();
        assertThat(record).doesNotExist();
    }

    @Test
    void namesAndAddressesAreAsTheKubeletMakesThem() throws Exception {
        node.create("""
                hostname: db
                subdomain: storage
                setHostnameAsFQDN: true
                hostAliases: [{ip: 10.1.2.3, hostnames: [a, b.example]}]
                dnsPolicy: None
                dnsConfig: {nameservers: [192.0.2.53], searches: [x.example], options: [{name: ndots, value: "2"}]}
                containers: [{name: main, image: example.test/demo:1, command: [sleep, "1000"]}]
                """);
        Pod pod = node.awaitRunning("main");
        String ip = pod.getStatus().getPodIP();

        assertThat(node.shell(pod, "main", "hostname")).isEqualTo("db.storage.default.svc.cluster.local\n");
        assertThat(node.shell(pod, "main", "cat /etc/hosts"))
                .startsWith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
                .endsWith(ip + "\tdb.storage.default.svc.cluster.local\tdb\n\n# Entries added by HostAliases.\n"
                        + "10.1.2.3\ta\tb.example\n");
        assertThat(node.shell(pod, "main", "cat /etc/resolv.conf"))
                .isEqualTo("search x.example\nnameserver 192.0.2.53\noptions ndots:2\n");
    }

    @Test
    void whatCannotBeHadIsSaidAndTheOtherContainersGoOn() throws Exception {
        node.create("""
                containers:
                - {name: fine, image: example.test/demo:1, command: [sleep, "1000"]}
                - name: profile
                  image: example.test/demo:1
                  securityContext: {seccompProfile: {type: Localhost, localhostProfile: none.json}}
                - name: root
                  image: example.test/demo:1
                  securityContext: {runAsNonRoot: true}
                - name: capability
                  image: example.test/demo:1
                  securityContext: {capabilities: {add: [FLY]}}
                """);
        Pod pod = node.await(
                now -> List.of("profile", "root", "capability").stream().allMatch(name -> isWaiting(now, name))
                        && RealNode.status(now, "fine").getState().getRunning() != null);

        assertThat(message(pod, "profile")).containsPattern(node.seccomp().resolve("none.json") + "'?: no such file");
        assertThat(message(pod, "root")).contains("container has runAsNonRoot and image will run as root");
        assertThat(message(pod, "capability")).contains(unknownCapability());
    }

    @Test
    void aUserThatTheImageNamesIsLookedUpInIt() throws Exception {
        node.create(NAMED_USERS);
        Pod pod = node.await(now ->
                isWaiting(now, "toor") && RealNode.status(now, "web").getState().getRunning() != null);

        assertThat(node.shell(pod, "web", "id -u")).isEqualTo("1000\n");
        assertThat(message(pod, "toor"))
                .isEqualTo("container has runAsNonRoot and image will run as root: its user toor has the uid 0"
                        + " (container: toor): set runAsUser");
        assertThat(node.events())
                .filteredOn("Created: Container created"::equals)
                .hasSize(1);
    }

    static boolean isWaiting(Pod pod, String container) {
        var waiting = RealNode.status(pod, container).getState().getWaiting();
        return waiting != null && waiting.getReason().endsWith("Error") && waiting.getMessage() != null;
    }

    static String message(Pod pod, String container) {
        return RealNode.status(pod, container).getState().getWaiting().getMessage();
    }

    @Test
    void aClassThatTheRuntimeHasNotIsNamed() throws Exception {
        node.create("""
                runtimeClassName: kata
                containers: [{name: main, image: example.test/demo:1}]
                """);

        node.await(pod -> node.events().stream()
                .anyMatch(event -> event.equals("FailedCreatePodSandBox: Failed to create pod sandbox: RuntimeClass"
                        + " \"kata\" not found: the runtime's handlers are [" + handlers() + "]")));
    }

    @Test
    void aNameThatIsTooLongForTheKernelIsRefused() throws Exception {
        node.create("""
                hostname: %s
                subdomain: storage
                setHostnameAsFQDN: true
                containers: [{name: main, image: example.test/demo:1}]
                """.formatted("h".repeat(40)));

        node.await(pod -> node.events().stream()
                .anyMatch(event -> event.contains("FQDN " + "h".repeat(40)
                        + ".storage.default.svc.cluster.local is too long (64 characters is the max, 74 characters"
                        + " requested)")));
    }

    @Test
    void whatNobodyAsksForIsAsTheRuntimeHasIt() throws Exception {
        node.create("""
                containers:
                - {name: plain, image: example.test/demo:1, command: [sleep, "1000"]}
                - name: asked
                  image: example.test/demo:1
                  command: [sleep, "1000"]
                  securityContext:
                    allowPrivilegeEscalation: true
                    procMount: Default
                    readOnlyRootFilesystem: false
                    capabilities: {drop: [CHOWN, kill], add: [NET_ADMIN]}
                    seccompProfile: {type: Unconfined}
                """);
        node.awaitRunning("plain");
        Pod pod = node.awaitRunning("asked");
        String fields = "grep -E '^(Uid|Gid|Groups|CapBnd|NoNewPrivs|Seccomp):' /proc/1/status | tr -s ' \\t' ' '";

        assertThat(node.shell(pod, "plain", fields)).isEqualTo("""
                Uid: 0 0 0 0
                Gid: 0 0 0 0
                Groups: 0\s
                CapBnd: %016x
                NoNewPrivs: 0
                Seccomp: 2
                """.formatted(defaultCapabilities()));
        assertThat(node.shell(pod, "asked", fields))
                .isEqualTo("""
                Uid: 0 0 0 0
                Gid: 0 0 0 0
                Groups: 0\s
                CapBnd: %016x
                NoNewPrivs: 0
                Seccomp: 0
                """.formatted((defaultCapabilities() & ~(CHOWN | KILL)) | NET_ADMIN));
        for (String container : List.of("plain", "asked")) {
            assertThat(node.shell(
                            pod,
                            container,
                            "touch /x; ls -A /sys/firmware; for p in /proc/bus /proc/irq /proc/sys; do"
                                    + " grep -c \" $p ro\" /proc/self/mountinfo; done"))
                    .isEqualTo("1\n1\n1\n");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]} | SysctlForbidden | \"kernel.msgmax\" not allowlisted: the node's allowedUnsafeSysctls can allow it",
                "securityContext: {sysctls: [{name: kernel.pid_max, value: '1'}]} | SysctlForbidden | no namespace of a pod has it",
                "{hostNetwork: true, securityContext: {sysctls: [{name: net.core.somaxconn, value: '1'}]}} | SysctlForbidden | not allowed with host net enabled",
                "securityContext: {appArmorProfile: {type: RuntimeDefault}} | AppArmor | remove appArmorProfile, or set its type to Unconfined",
                "securityContext: {seLinuxOptions: {level: 's0:c1'}} | SELinux | remove seLinuxOptions to run the pod without labels",
                "nodeSelector: {disk: none} | NodeAffinity | node(s) didn't match Pod's node affinity/selector",
                "volumes: [{name: a, nfs: {server: a, path: /}}] | PodFeatureUnsupported | spec.volumes[0].nfs: Forbidden: volumes of this kind are not mounted here; mount it on the node and use hostPath",
            })
    void whatThisNodeCannotDoFailsThePodAndNoOther(String fields, String reason, String message) throws Exception {
        node.create("containers: [{name: main, image: example.test/demo:1, command: [sleep, \"1000\"]}]");
        Pod bystander = node.awaitRunning("main");

        if (reason.equals("PodFeatureUnsupported")) {
            assertThatExceptionOfType(PodRejectedException.class)
                    .isThrownBy(() -> create("bad", fields))
                    .withMessageContaining(message);
        } else {
            create("bad", fields);
            Pod pod = node.await(now -> "Failed".equals(now.getStatus().getPhase()));
            assertThat(pod.getStatus().getReason()).isEqualTo(reason);
            assertThat(pod.getStatus().getMessage()).contains(message);
            node.engine().delete("default", "bad", OptionalLong.of(0));
        }

        Pod now = node.engine().pod("default", "web").orElseThrow();
        assertThat(RealNode.status(now, "main").getContainerID())
                .isEqualTo(RealNode.status(bystander, "main").getContainerID());
        assertThat(RealNode.status(now, "main").getState().getRunning()).isNotNull();
    }

    private void create(String name, String fields) throws Exception {
        String spec = fields.startsWith("{") ? fields.substring(1, fields.length() - 1) : fields;
        node.engine()
                .create(EngineFixture.pod("# yaml\n{apiVersion: v1, kind: Pod, metadata: {name: " + name + "}, spec: {"
                        + "containers: [{name: main, image: 'example.test/demo:1'}], " + spec + "}}"));
    }
}
