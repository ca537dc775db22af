package dev.gantry.runtime.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.Capability;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.KeyValue;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.MountPropagation;
import dev.gantry.cri.v1.Signal;
import dev.gantry.images.ImageConfig;
import dev.gantry.images.Platform;
import dev.gantry.linux.LinuxCapability;
import dev.gantry.runtime.spec.MountSpec.Bind;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SpecTablesTest {
    private static final Set<LinuxCapability> ALL = EnumSet.allOf(LinuxCapability.class);

    // ---- capabilities

    private static List<String> words(String text) {
        return text.isEmpty() ? List.of() : List.of(text.split(" "));
    }

    @ParameterizedTest(name = "add [{0}] drop [{1}] gives {2}")
    @CsvSource({
        "'', '', 14",
        "'', ALL, 0",
        "'', all, 0",
        "NET_ADMIN, '', 15",
        "CAP_NET_ADMIN, '', 15",
        "CHOWN, '', 14",
        "'', CHOWN, 13",
        "'', CAP_CHOWN, 13",
        "ALL, '', 41",
        "ALL, CHOWN, 40",
        "NET_BIND_SERVICE, ALL, 1",
        "ALL, ALL, 0",
    })
    void capabilitiesAreAddedAndDropped(String add, String drop, int expected) throws Exception {
        ContainerCapabilities capabilities = ContainerCapabilities.of(
                Capability.newBuilder()
                        .addAllAddCapabilities(words(add))
                        .addAllDropCapabilities(words(drop))
                        .build(),
                false,
                ALL);

        assertThat(capabilities.bounding()).hasSize(expected);
        assertThat(capabilities.ambient()).isEmpty();
        assertThat(capabilities.missing()).isEmpty();
    }

    @Test
    void whatTheRuntimeHasNotIsNotGivenAndIsNamed() throws Exception {
        Set<LinuxCapability> available = EnumSet.complementOf(EnumSet.of(LinuxCapability.CAP_SYS_RESOURCE));

        ContainerCapabilities capabilities = ContainerCapabilities.of(
                Capability.newBuilder().addAddCapabilities("SYS_RESOURCE").build(), false, available);

        assertThat(capabilities.bounding()).doesNotContain(LinuxCapability.CAP_SYS_RESOURCE);
        assertThat(capabilities.missing()).containsExactly(LinuxCapability.CAP_SYS_RESOURCE);
    }

    @Test
    void anUnknownCapabilityIsRefused() {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> ContainerCapabilities.of(
                        Capability.newBuilder().addAddCapabilities("FLY").build(), false, ALL))
                .withMessage("add_capabilities: 'FLY' is no capability");
    }

    // ---- signals

    @ParameterizedTest
    @EnumSource(
            value = Signal.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"SIGNAL_RUNTIME_DEFAULT", "UNRECOGNIZED"})
    void everySignalOfCriIsOneOfLinux(Signal signal) throws Exception {
        int number = StopSignals.of(signal, "");

        assertThat(number).isBetween(1, 64);
        assertThat(StopSignals.number(StopSignals.of(number))).isEqualTo(number);
    }

    @ParameterizedTest(name = "{0} and image {1} is {2}")
    @CsvSource({
        "SIGNAL_RUNTIME_DEFAULT, '', 15",
        "SIGNAL_RUNTIME_DEFAULT, SIGQUIT, 3",
        "SIGNAL_RUNTIME_DEFAULT, 9, 9",
        "SIGNAL_RUNTIME_DEFAULT, RTMIN+3, 37",
        "SIGNAL_SIGTERM, SIGQUIT, 15",
        "SIGNAL_SIGRTMAXMINUS14, '', 50",
    })
    void theStopSignalIsTheRequestsOrTheImages(Signal request, String image, int expected) throws Exception {
        assertThat(StopSignals.of(request, image)).isEqualTo(expected);
    }

    // ---- sysctls

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "net.ipv4.ip_forward, net/ipv4/ip_forward",
        "net/ipv4/conf/eth0.5/forwarding, net/ipv4/conf/eth0.5/forwarding",
        "net.ipv4.conf.eth0/5.forwarding, net/ipv4/conf/eth0.5/forwarding",
        "kernel.shmmax, kernel/shmmax",
        "fs.mqueue.msg_max, fs/mqueue/msg_max",
    })
    void settingsOfThePodsNamespacesAreLetThrough(String name, String path) throws Exception {
        assertThat(Sysctls.compile(Map.of(name, "1"), false, false)).containsEntry(path, "1");
    }

    @ParameterizedTest
    @CsvSource({
        "kernel.core_pattern",
        "vm.swappiness",
        "net/../kernel/core_pattern",
        "net..x",
        "kernel.shmmax+kernel.core_pattern",
        "kernel.hostname",
    })
    void settingsOfTheHostAreRefused(String name) {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> Sysctls.compile(Map.of(name, "|/bin/evil"), false, false));
    }

    @Test
    void aValueIsOneLineAndAHostNamespaceIsNotChanged() {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> Sysctls.compile(Map.of("kernel.sem", "1\n2"), false, false));
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> Sysctls.compile(Map.of("net.ipv4.ip_forward", "1"), true, false))
                .withMessageContaining("host's network namespace");
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> Sysctls.compile(Map.of("kernel.sem", "1"), false, true))
                .withMessageContaining("host's IPC namespace");
    }

    // ---- command line and environment

    private static ImageConfig image(List<String> entrypoint, List<String> cmd, String... env) {
        return new ImageConfig(
                Platform.host(), "", "", List.of(env), entrypoint, cmd, "", "", List.of(), List.of(), Map.of());
    }

    @ParameterizedTest(name = "command [{0}] args [{1}] entrypoint [{2}] cmd [{3}] is [{4}]")
    @CsvSource({
        "'', '', e1 e2, c1, e1 e2 c1",
        "'', a1, e1, c1, e1 a1",
        "k1, '', e1, c1, k1",
        "k1, a1, e1, c1, k1 a1",
        "'', '', '', c1, c1",
        "'', a1, '', c1, a1",
    })
    void theCommandLineIsPutTogetherAsCriSays(
            String command, String arguments, String entrypoint, String cmd, String expected) throws Exception {
        ContainerConfig config = ContainerConfig.newBuilder()
                .addAllCommand(words(command))
                .addAllArgs(words(arguments))
                .build();

        assertThat(ProcessArguments.commandLine(config, image(words(entrypoint), words(cmd))))
                .isEqualTo(words(expected));
    }

    @Test
    void withoutAnyCommandThereIsAnError() {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() ->
                        ProcessArguments.commandLine(ContainerConfig.getDefaultInstance(), image(List.of(), List.of())))
                .withMessageStartingWith("no command specified");
    }

    @Test
    void laterVariablesReplaceEarlierOnesInTheirPlace() throws Exception {
        ContainerConfig config = ContainerConfig.newBuilder()
                .setTty(true)
                .addEnvs(KeyValue.newBuilder()
                        .setKey("B")
                        .setValue(com.google.protobuf.ByteString.copyFromUtf8("request")))
                .addEnvs(KeyValue.newBuilder().setKey("EMPTY"))
                .build();

        List<String> environment = ProcessArguments.environment(
                config,
                image(List.of(), List.of(), "A=1", "B=image", "PATH=/bin", "nonsense"),
                "web",
                new ContainerUser(0, 0, List.of(0), "/root"));

        assertThat(environment)
                .containsExactly("PATH=/bin", "HOSTNAME=web", "TERM=xterm", "A=1", "B=request", "EMPTY=", "HOME=/root");
    }

    // ---- mounts

    private static final HostFiles HOST = new FakeHost() {
        @Override
        public Kind kind(String path) {
            return path.endsWith("file") ? Kind.OTHER : Kind.DIRECTORY;
        }
    };

    private static List<MountSpec> mounts(Mount.Builder... requested) throws Exception {
        return new MountPlan(HOST, (mount, path) -> switch (path) {
                    case "/", "/etc" -> HostFiles.Kind.DIRECTORY;
                    case "/etc/passwd" -> HostFiles.Kind.OTHER;
                    default -> HostFiles.Kind.MISSING;
                })
                .compile(
                        new MountPlan.Settings(
                                false, true, Optional.empty(), false, false, SandboxFiles.NONE, Optional.empty()),
                        java.util.Arrays.stream(requested)
                                .map(Mount.Builder::build)
                                .toList());
    }

    private static Mount.Builder mount(String target, String source) {
        return Mount.newBuilder().setContainerPath(target).setHostPath(source);
    }

    @Test
    void theDefaultMountsAreInTheOrderOfTheirDepth() throws Exception {
        assertThat(mounts().stream().map(MountSpec::target))
                .containsExactly("/proc", "/dev", "/sys", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys/fs/cgroup");
    }

    @Test
    void aRequestedMountReplacesADefaultOneAndParentsComeFirst() throws Exception {
        assertThat(mounts(mount("/a/b/c", "/x"), mount("/a", "/y"), mount("/dev/shm/", "/z/file")).stream()
                        .map(m -> m.target() + (m instanceof Bind bind ? "=" + bind.source() : "")))
                .containsExactly(
                        "/proc",
                        "/dev",
                        "/sys",
                        "/a=/y",
                        "/dev/pts",
                        "/dev/mqueue",
                        "/dev/shm=/z/file",
                        "/sys/fs/cgroup",
                        "/a/b/c=/x");
    }

    @Test
    void aPodWithItsOwnDevGetsNothingOfOursInIt() throws Exception {
        assertThat(mounts(mount("/dev", "/dev")).stream().map(MountSpec::target))
                .containsExactly("/proc", "/sys", "/dev", "/sys/fs/cgroup");
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({
        "relative, must be an absolute path",
        "/, must not be the root directory",
        "/x/.., must not be the root directory",
        "/proc, nothing may be mounted over /proc",
        "/a/../proc/sys, nothing may be mounted over /proc",
    })
    void aTargetThatWouldHideTheKernelIsRefused(String target, String reason) {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> mounts(mount(target, "/x")))
                .withMessage("mounts[0].container_path '%s': %s", target, reason);
    }

    private static Mount.Builder image(String subPath) {
        return Mount.newBuilder()
                .setContainerPath("/models")
                .setReadonly(true)
                .setImage(ImageSpec.newBuilder().setImage("models:1"))
                .setImageSubPath(subPath);
    }

    @ParameterizedTest(name = "[{0}]")
    @CsvSource({"'', '', true", "etc, etc, true", "/etc/../etc/passwd, etc/passwd, false", "../.., '', true"})
    void anImageIsMountedWholeOrInPart(String asked, String subPath, boolean directory) throws Exception {
        assertThat(mounts(image(asked)))
                .contains(new MountSpec.ImageVolume("/models", 0, "models:1", subPath, 0, directory));
    }

    @Test
    void whatAnImageVolumeCannotBeIsRefused() {
        refused(image("missing"), "mounts[0].image_sub_path 'missing': not in image 'models:1'");
        refused(image("").setReadonly(false), "mounts[0].readonly: an image can only be mounted read-only");
        refused(image("").setHostPath("/x"), "mounts[0]: has both an image and a host_path");
        refused(
                image("").setPropagation(MountPropagation.PROPAGATION_BIDIRECTIONAL),
                "mounts[0].propagation: of an image it must be private");
        refused(mount("/a", "/x").setImageSubPath("etc"), "mounts[0].image_sub_path: needs an image");
    }

    private static void refused(Mount.Builder mount, String message) {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> mounts(mount))
                .withMessage(message);
    }

    @Test
    void recursivelyReadOnlyNeedsReadOnlyAndPrivate() {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> mounts(mount("/a", "/x").setRecursiveReadOnly(true)))
                .withMessage("mounts[0].recursive_read_only: needs readonly too");
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> mounts(mount("/a", "/x")
                        .setReadonly(true)
                        .setRecursiveReadOnly(true)
                        .setPropagation(MountPropagation.PROPAGATION_HOST_TO_CONTAINER)))
                .withMessage("mounts[0].recursive_read_only: needs private propagation");
    }
}
