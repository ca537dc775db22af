package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.Capability;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.Int64Value;
import dev.gantry.cri.v1.LinuxContainerSecurityContext;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.MountPropagation;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.SecurityProfile;
import dev.gantry.cri.v1.SupplementalGroupsPolicy;
import dev.gantry.e2e.Command;
import dev.gantry.e2e.cri.CriServer.Feature;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ArgumentsSource;

/** What keeps containers apart from each other and from the host, as a container sees it. */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox"})
@ParameterizedClass
@ArgumentsSource(CriServers.class)
record SecurityIT(CriServer cri) {
    // ---- namespaces

    @Test
    void aContainerWithItsOwnPidsIsTheFirstProcess() {
        try (CriPod pod = CriPod.run(cri)) {
            String id = pod.sleeper("main");

            assertThat(pod.shell(id, "cat /proc/1/cmdline | tr '\\0' ' '")).isEqualTo("sleep 1000000");
        }
    }

    @Test
    void containersOfAPodWithSharedPidsSeeEachOther() {
        cri.requires(Feature.LESS_THAN_ALL_CAPABILITIES);
        try (CriPod pod = CriPod.run(cri, config -> CriPod.namespaces(config).setPid(NamespaceMode.POD))) {
            pod.started(pod.container("server", "sleep", "7654321"));
            String id = pod.sleeper("main");

            assertThat(pod.shell(id, "ps | grep -c '765432[1]'")).isEqualTo("1");
            assertThat(pod.shell(id, "cat /proc/1/cmdline | tr '\\0' ' '")).doesNotContain("1000000", "7654321");
        }
    }

    @Test
    void aPodWithTheHostsPidsSeesTheHost() {
        try (CriPod pod = CriPod.run(cri, config -> CriPod.namespaces(config).setPid(NamespaceMode.NODE))) {
            long self = ProcessHandle.current().pid();

            assertThat(pod.shell(pod.sleeper("main"), "test -d /proc/" + self + " && echo seen"))
                    .isEqualTo("seen");
        }
    }

    @Test
    void ipcIsThePodsUnlessItIsTheHosts() throws Exception {
        String host = Files.readSymbolicLink(Path.of("/proc/self/ns/ipc")).toString();
        try (CriPod own = CriPod.run(cri);
                CriPod hosts =
                        CriPod.run(cri, config -> CriPod.namespaces(config).setIpc(NamespaceMode.NODE))) {
            assertThat(own.shell(own.sleeper("main"), "stat -c %N /proc/self/ns/ipc"))
                    .doesNotContain(host);
            assertThat(hosts.shell(hosts.sleeper("main"), "stat -c %N /proc/self/ns/ipc"))
                    .contains(host);
        }
    }

    @Test
    void theNetworkIsThePodsUnlessItIsTheHosts() throws Exception {
        String host = Files.readSymbolicLink(Path.of("/proc/self/ns/net")).toString();
        try (CriPod own = CriPod.run(cri);
                CriPod hosts = CriPod.run(cri, CriPod::hostNetwork)) {
            assertThat(own.shell(own.sleeper("main"), "stat -c %N /proc/self/ns/net"))
                    .doesNotContain(host);
            assertThat(hosts.shell(hosts.sleeper("main"), "stat -c %N /proc/self/ns/net"))
                    .contains(host);
        }
    }

    // ---- users and groups

    @Test
    void theUserIsTheOneAskedFor() throws Exception {
        assertThat(output(security -> security.setRunAsUser(number(1001)), "id -u; id -g"))
                .isEqualTo("1001\n0");
    }

    @Test
    void aUserOfTheImageHasItsGroups() throws Exception {
        assertThat(output(security -> security.setRunAsUser(number(1000)), "id -u; id -g; id -G"))
                .isEqualTo("1000\n1001\n1001 4000");
        assertThat(output(security -> security.setRunAsUsername("web"), "id -u; id -G"))
                .isEqualTo("1000\n1001 4000");
    }

    @Test
    void theGroupIsTheOneAskedForAndNeedsAUser() throws Exception {
        assertThat(output(security -> security.setRunAsUser(number(1001)).setRunAsGroup(number(1234)), "id -u; id -g"))
                .isEqualTo("1001\n1234");
        try (CriPod pod = CriPod.run(cri)) {
            ContainerConfig.Builder container = pod.container("main", "true");
            CriPod.security(container).setRunAsGroup(number(1234));
            assertThatExceptionOfType(StatusRuntimeException.class)
                    .isThrownBy(() -> pod.create(container))
                    .withMessageContaining("group");
        }
    }

    @Test
    void supplementalGroupsAreAdded() throws Exception {
        assertThat(output(
                        security -> security.setRunAsUser(number(1000)).addAllSupplementalGroups(List.of(1234L, 5678L)),
                        "id -G"))
                .isEqualTo("1001 1234 4000 5678");
    }

    @Test
    void withTheStrictPolicyTheImagesGroupsAreNot() throws Exception {
        cri.requires(Feature.STRICT_GROUPS);
        assertThat(output(
                        security -> security.setRunAsUser(number(1000))
                                .addSupplementalGroups(1234)
                                .setSupplementalGroupsPolicy(SupplementalGroupsPolicy.Strict),
                        "id -G"))
                .isEqualTo("1001 1234");
    }

    @Test
    void theStatusShowsTheUser() {
        cri.requires(Feature.STATUS_USER);
        try (CriPod pod = CriPod.run(cri)) {
            String id = pod.sleeper(
                    config -> CriPod.security(config).setRunAsUser(number(1000)).addSupplementalGroups(1234));

            var user = pod.status(id).getUser().getLinux();
            assertThat(user.getUid()).isEqualTo(1000);
            assertThat(user.getGid()).isEqualTo(1001);
            assertThat(user.getSupplementalGroupsList()).containsExactlyInAnyOrder(1001L, 1234L, 4000L);
        }
    }

    // ---- privileges

    @Test
    void onlyAPrivilegedContainerMayMount() throws Exception {
        cri.requires(Feature.LESS_THAN_ALL_CAPABILITIES);
        String script = "mount -t tmpfs none /mnt 2>/dev/null && echo mounted || echo refused";

        assertThat(output(security -> security.setPrivileged(false), script)).isEqualTo("refused");
        try (CriPod pod = CriPod.run(cri, SecurityIT::privileged)) {
            ContainerConfig.Builder container = pod.container("main", "sh", "-c", script);
            CriPod.security(container).setPrivileged(true);
            assertThat(pod.outputOf(container)).isEqualTo("mounted");
        }
    }

    @Test
    void capabilitiesAreAddedAndDropped() throws Exception {
        cri.requires(Feature.LESS_THAN_ALL_CAPABILITIES);
        long usual = bounding(capabilities -> {});
        assertThat(usual & bit(NET_ADMIN)).isZero();
        assertThat(usual & bit(CHOWN)).isNotZero();

        assertThat(bounding(capabilities -> capabilities.addAddCapabilities("NET_ADMIN")))
                .isEqualTo(usual | bit(NET_ADMIN));
        assertThat(bounding(capabilities -> capabilities.addDropCapabilities("CHOWN")))
                .isEqualTo(usual & ~bit(CHOWN));
        assertThat(bounding(capabilities -> capabilities.addDropCapabilities("ALL")))
                .isZero();
        assertThat(bounding(
                        capabilities -> capabilities.addDropCapabilities("ALL").addAddCapabilities("CHOWN")))
                .isEqualTo(bit(CHOWN));
        assertThat(bounding(capabilities -> capabilities.addAddCapabilities("ALL")))
                .isGreaterThan(usual);
    }

    @Test
    void noNewPrivilegesIsSetWhereItIsAskedFor() throws Exception {
        String script = "grep NoNewPrivs /proc/self/status | tail -c 2";

        assertThat(output(security -> security.setNoNewPrivs(true), script)).isEqualTo("1");
        assertThat(output(security -> security.setNoNewPrivs(false), script)).isEqualTo("0");
    }

    // ---- files

    @Test
    void theRootIsWritableUnlessItIsNot() throws Exception {
        String script = "touch /file 2>/dev/null && echo written || echo refused";

        assertThat(output(security -> security.setReadonlyRootfs(false), script))
                .isEqualTo("written");
        assertThat(output(security -> security.setReadonlyRootfs(true), script)).isEqualTo("refused");
    }

    @Test
    void maskedPathsAreEmpty() throws Exception {
        assertThat(output(
                        security -> security.addMaskedPaths("/www").addMaskedPaths("/mark-of-nothing"),
                        "ls /www | wc -l"))
                .isEqualTo("0");
        assertThat(output(security -> security.addMaskedPaths("/etc/passwd"), "wc -c < /etc/passwd"))
                .isEqualTo("0");
    }

    @Test
    void readOnlyPathsAreReadOnly() throws Exception {
        assertThat(output(
                        security -> security.addReadonlyPaths("/www"),
                        "cat /www/index.html; touch /www/new 2>/dev/null || echo refused"))
                .isEqualTo("a page\nrefused");
    }

    @Test
    void withBidirectionalPropagationOtherContainersSeeAMount() throws Exception {
        cri.requires(Feature.LESS_THAN_ALL_CAPABILITIES);
        Path directory =
                Files.createDirectory(cri.directory().resolve(UUID.randomUUID().toString()));
        mount("--bind", directory.toString(), directory.toString());
        try (CriPod pod = CriPod.run(cri, SecurityIT::privileged)) {
            mount("--make-shared", directory.toString());
            String shared =
                    pod.started(privileged(pod, "shared", directory, MountPropagation.PROPAGATION_BIDIRECTIONAL));
            String slave =
                    pod.started(privileged(pod, "slave", directory, MountPropagation.PROPAGATION_HOST_TO_CONTAINER));
            String apart = pod.started(privileged(pod, "private", directory, MountPropagation.PROPAGATION_PRIVATE));

            pod.shell(shared, "mkdir /mnt/new; mount -t tmpfs none /mnt/new; touch /mnt/new/file");

            assertThat(pod.shell(slave, "ls /mnt/new")).isEqualTo("file");
            assertThat(pod.shell(apart, "ls /mnt/new")).isEmpty();
            pod.shell(shared, "umount /mnt/new");
        } finally {
            Command.run("umount", directory.toString());
        }
    }

    private static void mount(String... words) throws Exception {
        List<String> line = new ArrayList<>(List.of("mount"));
        line.addAll(List.of(words));
        assertThat(Command.run(line.toArray(String[]::new)).exitCode()).isZero();
    }

    private static void privileged(PodSandboxConfig.Builder config) {
        config.getLinuxBuilder().getSecurityContextBuilder().setPrivileged(true);
    }

    private static ContainerConfig.Builder privileged(
            CriPod pod, String name, Path directory, MountPropagation propagation) {
        ContainerConfig.Builder container = pod.container(name, "sleep", "1000000")
                .addMounts(Mount.newBuilder()
                        .setHostPath(directory.toString())
                        .setContainerPath("/mnt")
                        .setPropagation(propagation));
        CriPod.security(container).setPrivileged(true);
        return container;
    }

    // ---- seccomp

    @Test
    void seccompIsOffOnOrFromAFile() throws Exception {
        String script = "grep '^Seccomp:' /proc/self/status | tail -c 2";
        assertThat(output(security -> security.setSeccomp(profile(SecurityProfile.ProfileType.Unconfined)), script))
                .isEqualTo("0");
        assertThat(output(security -> security.setSeccomp(profile(SecurityProfile.ProfileType.RuntimeDefault)), script))
                .isEqualTo("2");

        Path file = Files.writeString(cri.directory().resolve("profile-" + UUID.randomUUID() + ".json"), """
                {"defaultAction": "SCMP_ACT_ALLOW",
                 "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}
                """);
        SecurityProfile local = profile(SecurityProfile.ProfileType.Localhost).toBuilder()
                .setLocalhostRef(file.toString())
                .build();
        assertThat(output(security -> security.setSeccomp(local), "mkdir /tmp/x 2>&1 || echo refused"))
                .contains("Operation not permitted", "refused");
    }

    private static SecurityProfile profile(SecurityProfile.ProfileType type) {
        return SecurityProfile.newBuilder().setProfileType(type).build();
    }

    // ---- short forms

    /** CAP_CHOWN and CAP_NET_ADMIN of linux/capability.h. */
    private static final int CHOWN = 0;

    private static final int NET_ADMIN = 12;

    private static long bit(int capability) {
        return 1L << capability;
    }

    private long bounding(Consumer<Capability.Builder> change) throws Exception {
        Capability.Builder capabilities = Capability.newBuilder();
        change.accept(capabilities);
        return Long.parseLong(
                output(
                        security -> security.setCapabilities(capabilities),
                        "grep CapBnd /proc/self/status | tail -c 17"),
                16);
    }

    /** What a script writes that runs as a container with a changed security context. */
    private String output(Consumer<LinuxContainerSecurityContext.Builder> change, String script) throws Exception {
        try (CriPod pod = CriPod.run(cri, CriPod::hostNetwork)) {
            ContainerConfig.Builder container = pod.container("main", "sh", "-c", script);
            change.accept(CriPod.security(container));
            return pod.outputOf(container);
        }
    }

    private static Int64Value number(long value) {
        return Int64Value.newBuilder().setValue(value).build();
    }
}
