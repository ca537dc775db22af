package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.runtime.spec.SpecException;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestChecksTest {
    private static PodSandboxConfig pod(Consumer<PodSandboxConfig.Builder> change) {
        PodSandboxConfig.Builder config = PodSandboxConfig.newBuilder();
        config.getMetadataBuilder().setName("web").setUid("u1");
        config.setHostname("web-0.x_y").setLogDirectory("/var/log/pods/./web");
        config.getDnsConfigBuilder().addServers("fd00::1").addSearches(".").addOptions("ndots:5");
        config.getLinuxBuilder().setCgroupParent("kubepods-podu1.slice");
        change.accept(config);
        return config.build();
    }

    private static void refused(Consumer<PodSandboxConfig.Builder> change, String message) {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> RequestChecks.pod(pod(change)))
                .withMessageStartingWith(message);
    }

    @Test
    void whatKubeletsSendIsTaken() {
        assertThatCode(() -> RequestChecks.pod(pod(config -> {}))).doesNotThrowAnyException();
        assertThatCode(() -> RequestChecks.pod(pod(config -> config.clearHostname()
                        .clearLogDirectory()
                        .clearDnsConfig()
                        .clearLinux())))
                .doesNotThrowAnyException();
    }

    @Test
    void whatWouldBreakAFileOrAPathIsRefused() {
        refused(config -> config.getMetadataBuilder().clearUid(), "metadata: name and uid are needed");
        refused(config -> config.getMetadataBuilder().setName("a\nb"), "metadata 'a\nb'");
        refused(config -> config.getMetadataBuilder().setUid("a b"), "metadata 'a b'");
        refused(config -> config.getMetadataBuilder().setNamespace("a\tb"), "metadata 'a\tb'");
        refused(config -> config.setHostname("a b"), "hostname 'a b': at most 64 letters");
        refused(config -> config.setHostname("x".repeat(65)), "hostname 'xxx");
        refused(
                config -> config.getDnsConfigBuilder().addServers("1.1.1.1\nsearch x"),
                "dns_config.servers '1.1.1.1\n");
        refused(config -> config.getDnsConfigBuilder().addSearches("a b"), "dns_config.searches 'a b'");
        refused(config -> config.getDnsConfigBuilder().addOptions("a\tb"), "dns_config.options 'a\tb'");
        refused(config -> config.getLinuxBuilder().setCgroupParent("/a\nb"), "linux.cgroup_parent '/a\nb'");
        refused(config -> config.setLogDirectory("logs"), "log_directory 'logs': must be an absolute path");
        refused(config -> config.setLogDirectory("/a\0b"), "log_directory '/a\0b': must be an absolute path");
    }

    @Test
    void aSandboxsNamespacesAreItsOwnOrTheHosts() {
        refused(
                config -> config.getLinuxBuilder()
                        .getSecurityContextBuilder()
                        .getNamespaceOptionsBuilder()
                        .setNetwork(NamespaceMode.CONTAINER),
                "namespace_options.network: must be POD or NODE, is CONTAINER");
        refused(
                config -> config.getLinuxBuilder()
                        .getSecurityContextBuilder()
                        .getNamespaceOptionsBuilder()
                        .setPid(NamespaceMode.TARGET),
                "namespace_options.pid: a sandbox has no target");
        refused(
                config -> config.getLinuxBuilder()
                        .getSecurityContextBuilder()
                        .getNamespaceOptionsBuilder()
                        .setPidValue(77),
                "namespace_options.pid: unknown value 77");
    }

    private static ContainerConfig container(String logPath) {
        ContainerConfig.Builder config = ContainerConfig.newBuilder().setLogPath(logPath);
        config.getMetadataBuilder().setName("main");
        return config.build();
    }

    @ParameterizedTest
    @ValueSource(strings = {"main.log", "main/0.log", "a/../main.log", "/var/log/pods/web/x.log", ""})
    void aLogIsBelowThePodsDirectory(String path) {
        assertThatCode(() -> RequestChecks.container(pod(config -> {}), container(path)))
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"../main.log", "a/../../x/main.log", "/etc/passwd", ".", "a\0b"})
    void aLogElsewhereIsRefused(String path) {
        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> RequestChecks.container(pod(config -> {}), container(path)))
                .withMessage("log_path '%s': must be below the pod's log_directory '/var/log/pods/web'", path);
    }
}
