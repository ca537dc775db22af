package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.LinuxContainerSecurityContext;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.SecurityProfile.ProfileType;
import dev.gantry.cri.v1.SupplementalGroupsPolicy;
import dev.gantry.cri.v1.UserNamespace;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SecurityContextsTest {
    private static final ImageState.Present ROOT_IMAGE = new ImageState.Present("sha256:1", OptionalLong.of(0), "");

    private final SecurityContexts contexts = new SecurityContexts(
            NodePolicy.of("node-1"), Path.of("/seccomp"), uid -> Optional.of(new IdRange(131_072, 65_536)));

    /** Pod, container, and what of both the container gets: user/group. */
    @ParameterizedTest(name = "pod {0}, container {1}: {2}")
    @CsvSource(
            delimiter = '|',
            value = {
                "{}                             | {}                             | -/-",
                "{runAsUser: 1}                 | {}                             | 1/-",
                "{runAsUser: 1}                 | {runAsUser: 0}                 | 0/-",
                "{runAsUser: 1, runAsGroup: 2}  | {}                             | 1/2",
                "{runAsUser: 1, runAsGroup: 2}  | {runAsUser: 3}                 | 3/2",
                "{runAsUser: 1, runAsGroup: 2}  | {runAsGroup: 0}                | 1/0",
                "{runAsGroup: 2}                | {}                             | 0/2",
                "{}                             | {runAsGroup: 4}                | 0/4",
            })
    void whatTheContainerSetsWins(String pod, String container, String expected) {
        LinuxContainerSecurityContext merged = merged(pod, container);

        assertThat((merged.hasRunAsUser() ? "" + merged.getRunAsUser().getValue() : "-")
                        + "/"
                        + (merged.hasRunAsGroup() ? "" + merged.getRunAsGroup().getValue() : "-"))
                .isEqualTo(expected);
    }

    @Test
    void aGroupAloneGoesWithTheImagesUser() {
        Pod pod = pod("{runAsGroup: 2}", "{}", "");

        LinuxContainerSecurityContext named = contexts.container(
                pod,
                pod.getSpec().getContainers().get(0),
                new ImageState.Present("sha256:1", OptionalLong.empty(), "web"));
        LinuxContainerSecurityContext numbered = contexts.container(
                pod,
                pod.getSpec().getContainers().get(0),
                new ImageState.Present("sha256:1", OptionalLong.of(1000), ""));

        assertThat(named.getRunAsUsername()).isEqualTo("web");
        assertThat(named.hasRunAsUser()).isFalse();
        assertThat(numbered.getRunAsUser().getValue()).isEqualTo(1000);
    }

    @Test
    void groupsOfFilesAreSupplementalOnes() {
        LinuxContainerSecurityContext merged =
                merged("{supplementalGroups: [5, 6], fsGroup: 7, supplementalGroupsPolicy: Strict}", "{}");

        assertThat(merged.getSupplementalGroupsList()).containsExactly(5L, 6L, 7L);
        assertThat(merged.getSupplementalGroupsPolicy()).isEqualTo(SupplementalGroupsPolicy.Strict);
        assertThat(merged("{supplementalGroups: [5], fsGroup: 5}", "{}").getSupplementalGroupsList())
                .containsExactly(5L);
        assertThat(merged("{}", "{}").getSupplementalGroupsPolicy()).isEqualTo(SupplementalGroupsPolicy.Merge);
    }

    @ParameterizedTest(name = "pod {0}, container {1}: {2} {3}")
    @CsvSource(
            delimiter = '|',
            value = {
                "{}                                    | {}                                    | RuntimeDefault |",
                "{}                                    | {privileged: true}                    | Unconfined     |",
                "{seccompProfile: {type: Unconfined}}  | {}                                    | Unconfined     |",
                "{seccompProfile: {type: Unconfined}}  | {seccompProfile: {type: RuntimeDefault}} | RuntimeDefault |",
                "{seccompProfile: {type: Localhost, localhostProfile: a/b.json}} | {}          | Localhost      | /seccomp/a/b.json",
            })
    void seccomp(String pod, String container, ProfileType type, String file) {
        var profile = merged(pod, container).getSeccomp();

        assertThat(profile.getProfileType()).isEqualTo(type);
        assertThat(profile.getLocalhostRef()).isEqualTo(file == null ? "" : file);
    }

    @ParameterizedTest(name = "pod {0}, container {1}, annotation {2}: {3} {4}")
    @CsvSource(
            delimiter = '|',
            value = {
                "{}                                    | {}                                    |              | none       |",
                "{}                                    | {}                                    | localhost/p  | Localhost  | p",
                "{}                                    | {}                                    | unconfined   | Unconfined |",
                "{appArmorProfile: {type: Unconfined}} | {}                                    | localhost/p  | Localhost  | p",
                "{appArmorProfile: {type: Unconfined}} | {}                                    |              | Unconfined |",
                "{appArmorProfile: {type: Unconfined}} | {appArmorProfile: {type: RuntimeDefault}} |          | RuntimeDefault |",
            })
    void appArmor(String pod, String container, String annotation, String type, String profile) {
        Pod built = pod(pod, container, "");
        if (annotation != null) {
            built.getMetadata().setAnnotations(Map.of(SecurityContexts.APP_ARMOR_ANNOTATION + "main", annotation));
        }

        LinuxContainerSecurityContext merged =
                contexts.container(built, built.getSpec().getContainers().get(0), ROOT_IMAGE);

        assertThat(merged.hasApparmor() ? merged.getApparmor().getProfileType().name() : "none")
                .isEqualTo(type);
        assertThat(merged.getApparmor().getLocalhostRef()).isEqualTo(profile == null ? "" : profile);
    }

    @Test
    void labelsOfTheContainerReplaceThoseOfThePod() {
        assertThat(merged("{seLinuxOptions: {level: 's0', type: a_t}}", "{seLinuxOptions: {type: b_t}}")
                        .getSelinuxOptions())
                .satisfies(options -> {
                    assertThat(options.getType()).isEqualTo("b_t");
                    assertThat(options.getLevel()).isEmpty();
                });
    }

    @Test
    void privilegesAndPaths(@TempDir Path cpus) throws Exception {
        Files.createDirectories(cpus.resolve("cpu0/thermal_throttle"));
        Files.createDirectories(cpus.resolve("cpufreq/thermal_throttle"));
        Files.createDirectories(cpus.resolve("cpu1"));
        NodePolicy policy = new NodePolicy(
                false, List.of(), Map.of(), false, false, NodePolicy.thermalThrottles(cpus), IdRanges.DEFAULT);
        SecurityContexts others = new SecurityContexts(policy, Path.of("/seccomp"), uid -> Optional.empty());
        Pod plain = pod("{}", "{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true}", "");

        LinuxContainerSecurityContext merged =
                others.container(plain, plain.getSpec().getContainers().get(0), ROOT_IMAGE);

        assertThat(merged.getNoNewPrivs()).isTrue();
        assertThat(merged.getReadonlyRootfs()).isTrue();
        assertThat(merged.getSeccomp().getProfileType()).isEqualTo(ProfileType.Unconfined);
        assertThat(merged.getMaskedPathsList())
                .contains("/proc/kcore", cpus.resolve("cpu0/thermal_throttle").toString())
                .hasSize(13);
        assertThat(merged.getReadonlyPathsList()).contains("/proc/sys");
        assertThat(merged("{}", "{privileged: true}").getMaskedPathsList()).isEmpty();
        Pod unmasked = pod("{}", "{procMount: Unmasked}", "hostUsers: false, ");
        assertThat(contexts.container(
                                unmasked, unmasked.getSpec().getContainers().get(0), ROOT_IMAGE)
                        .getReadonlyPathsList())
                .isEmpty();
        assertThat(contexts.sandbox(pod("{}", "{privileged: true}", "")).getPrivileged())
                .isTrue();
    }

    @Test
    void aPodWithUsersOfItsOwnHasThemEverywhere() {
        Pod pod = pod("{}", "{}", "hostUsers: false, ");

        UserNamespace sandbox = contexts.sandbox(pod).getNamespaceOptions().getUsernsOptions();
        LinuxContainerSecurityContext container =
                contexts.container(pod, pod.getSpec().getContainers().get(0), ROOT_IMAGE);

        assertThat(sandbox.getMode()).isEqualTo(NamespaceMode.POD);
        assertThat(sandbox.getUidsList()).singleElement().satisfies(mapping -> {
            assertThat(mapping.getContainerId()).isZero();
            assertThat(mapping.getHostId()).isEqualTo(131_072);
            assertThat(mapping.getLength()).isEqualTo(65_536);
        });
        assertThat(sandbox.getGidsList()).isEqualTo(sandbox.getUidsList());
        assertThat(container.getNamespaceOptions().getUsernsOptions()).isEqualTo(sandbox);
        assertThat(contexts.sandbox(pod("{}", "{}", "")).getNamespaceOptions().hasUsernsOptions())
                .isFalse();
    }

    private LinuxContainerSecurityContext merged(String pod, String container) {
        Pod built = pod(pod, container, "");
        return contexts.container(built, built.getSpec().getContainers().get(0), ROOT_IMAGE);
    }

    private static Pod pod(String pod, String container, String fields) {
        Pod built = EngineFixture.pod("# yaml\n{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {" + fields
                + "securityContext: " + pod + ", containers: [{name: main, image: busybox, securityContext: "
                + container + "}]}}");
        built.getMetadata().setUid("uid-1");
        return built;
    }
}
