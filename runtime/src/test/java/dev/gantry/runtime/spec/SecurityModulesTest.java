package dev.gantry.runtime.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.LinuxContainerSecurityContext;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.SELinuxOption;
import dev.gantry.cri.v1.SecurityProfile;
import dev.gantry.images.ImageConfig;
import dev.gantry.images.Platform;
import dev.gantry.runtime.seccomp.SeccompArchitecture;
import dev.gantry.runtime.seccomp.SeccompFilters;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Labels and profiles, on machines that have the modules and on machines that have not. */
class SecurityModulesTest {
    private static final HostFiles HOST = host(Optional.of("ours"));

    private static HostFiles host(Optional<String> defaultProfile) {
        return new FakeHost(Optional.of(Set.of("tight", "with space")), defaultProfile);
    }

    private static ContainerSpec spec(boolean modules, Consumer<LinuxContainerSecurityContext.Builder> change)
            throws Exception {
        return spec(HOST, modules, change);
    }

    private static ContainerSpec spec(
            HostFiles host, boolean modules, Consumer<LinuxContainerSecurityContext.Builder> change) throws Exception {
        ContainerConfig.Builder config = ContainerConfig.newBuilder()
                .addCommand("true")
                .addMounts(Mount.newBuilder()
                        .setContainerPath("/data")
                        .setHostPath("/volume")
                        .setSelinuxRelabel(true));
        change.accept(config.getLinuxBuilder().getSecurityContextBuilder());
        PodSandboxConfig.Builder pod = PodSandboxConfig.newBuilder();
        pod.getLinuxBuilder().getSecurityContextBuilder().setPrivileged(true);
        return new SpecCompiler(new MachineFacts(Set.of(), -1000, modules, modules), host)
                .compile(
                        new SpecCompiler.Pod(pod.build(), "web", SandboxFiles.NONE, Optional.empty()),
                        config.build(),
                        new ImageConfig(
                                Platform.host(),
                                "",
                                "",
                                List.of(),
                                List.of(),
                                List.of(),
                                "",
                                "",
                                List.of(),
                                List.of(),
                                Map.of()),
                        (path, maxBytes) -> Optional.empty(),
                        (mount, path) -> HostFiles.Kind.MISSING);
    }

    private static String program(ContainerSpec spec) {
        return ContainerProgram.write(
                        spec,
                        spec.context(new SeccompFilters(SeccompArchitecture.ofMachine("amd64"))),
                        new ContainerProgram.Layers("/layers", "lowerdir=a", "/upper", "lowerdir=a"),
                        Map.of(),
                        1024)
                .explain();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'' | s0:c1,c2 | system_u:system_r:container_t:s0:c1,c2 | s0:c1,c2",
                "spc_t | s0 | system_u:system_r:spc_t:s0 | s0",
            })
    void whatTheLabelLeavesOutIsThePolicys(String type, String level, String process, String files) throws Exception {
        ContainerSpec spec = spec(
                true,
                security -> security.setSelinuxOptions(
                        SELinuxOption.newBuilder().setType(type).setLevel(level)));

        assertThat(program(spec))
                .contains("change to SELinux label " + process + " on exec")
                .contains("context=\\\"system_u:object_r:container_file_t:" + files + "\\\"")
                .contains("label tmpfs with system_u:object_r:container_file_t:" + files)
                .contains("label devpts with system_u:object_r:container_file_t:" + files)
                .doesNotContain("label proc");
    }

    @Test
    void containersOfOnePodHaveALevelThatOtherPodsHaveNot() throws Exception {
        SELinuxOption options =
                SELinuxOption.newBuilder().setType("container_t").build();
        Set<String> levels = new HashSet<>();
        for (int i = 0; i < 200; i++) {
            String process =
                    SeLinuxLabels.of(options, "uid-" + i, true).orElseThrow().process();
            assertThat(process)
                    .isEqualTo(SeLinuxLabels.of(options, "uid-" + i, true)
                            .orElseThrow()
                            .process());
            Matcher matcher = Pattern.compile("system_u:system_r:container_t:s0:c(\\d+),c(\\d+)")
                    .matcher(process);
            assertThat(matcher.matches()).as(process).isTrue();
            assertThat(Integer.parseInt(matcher.group(1))).isBetween(0, Integer.parseInt(matcher.group(2)) - 1);
            assertThat(Integer.parseInt(matcher.group(2))).isLessThan(1024);
            levels.add(process);
        }
        assertThat(levels).hasSize(200);
    }

    @Test
    void withoutTheModuleALabelIsRefused() throws Exception {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> spec(
                        false,
                        security -> security.setSelinuxOptions(
                                SELinuxOption.newBuilder().setLevel("s0"))))
                .withMessageContaining("selinux_options: SELinux is not enabled on this machine");
        assertThat(spec(false, security -> {}).seLinux()).isEmpty();
        assertThat(spec(false, security -> {}).notices()).noneMatch(notice -> notice.contains("selinux"));
    }

    @Test
    void aLabelIsNoPlaceForOptions() {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> spec(
                        true,
                        security -> security.setSelinuxOptions(
                                SELinuxOption.newBuilder().setType("a\",upperdir=/"))))
                .withMessageContaining("selinux_options.type");
    }

    private static Consumer<LinuxContainerSecurityContext.Builder> appArmor(String reference) {
        return security -> security.setApparmor(SecurityProfile.newBuilder()
                .setProfileType(SecurityProfile.ProfileType.Localhost)
                .setLocalhostRef(reference));
    }

    @SuppressWarnings("deprecation")
    private static Consumer<LinuxContainerSecurityContext.Builder> oldAppArmor(String profile) {
        return security -> security.setApparmorProfile(profile);
    }

    @Test
    void aProfileIsEnteredWhicheverFieldNamesIt() throws Exception {
        assertThat(program(spec(true, appArmor("tight")))).contains("change to AppArmor profile tight on exec");
        assertThat(spec(true, appArmor("localhost/with space")).appArmorProfile())
                .contains("with space");
        assertThat(spec(true, oldAppArmor("localhost/tight")).appArmorProfile()).contains("tight");
        assertThat(spec(true, oldAppArmor("unconfined")).appArmorProfile()).isEmpty();
        assertThat(spec(true, appArmor("tight").andThen(oldAppArmor("localhost/unknown")))
                        .appArmorProfile())
                .contains("tight");
    }

    @Test
    void whoeverNamesNoneGetsTheDefaultWhereThereIsOne() throws Exception {
        assertThat(spec(true, security -> {}).appArmorProfile()).contains("ours");
        assertThat(spec(true, oldAppArmor("runtime/default")).appArmorProfile()).contains("ours");
        assertThat(spec(true, security -> security.setPrivileged(true)).appArmorProfile())
                .isEmpty();
        assertThat(spec(true, appArmor("tight").andThen(security -> security.setPrivileged(true)))
                        .appArmorProfile())
                .contains("tight");
        assertThat(spec(false, security -> {}).appArmorProfile()).isEmpty();

        ContainerSpec without = spec(host(Optional.empty()), true, security -> {});
        assertThat(without.appArmorProfile()).isEmpty();
        assertThat(without.notices())
                .contains("AppArmor: there is no default profile, the container runs unconfined by it");
    }

    @Test
    void aProfileThatCannotBeEnforcedIsRefused() {
        refused(
                false,
                appArmor("tight"),
                "profile 'tight' cannot be enforced, AppArmor is not enabled on this machine");
        refused(true, appArmor("unknown"), "profile 'unknown' is not loaded: apparmor_parser loads it from a file");
        refused(true, appArmor(""), "localhost_ref is empty");
        refused(true, oldAppArmor("tight"), "apparmor_profile 'tight': not a kind of profile");
    }

    private static void refused(
            boolean modules, Consumer<LinuxContainerSecurityContext.Builder> change, String message) {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> spec(modules, change))
                .withMessageContaining(message);
    }
}
