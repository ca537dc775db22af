package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.Int64Value;
import dev.gantry.cri.v1.KeyValue;
import dev.gantry.cri.v1.LinuxContainerSecurityContext;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.SecurityProfile;
import dev.gantry.testing.RequiresRoot;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a container was given, read back from inside. */
@RequiresRoot
class ContainerSecurityIT {
    @TempDir
    Path directory;

    private RuntimeFixture fixture;
    private PodSandboxConfig pod;
    private String sandbox;
    private int count;

    @BeforeEach
    void open() throws Exception {
        fixture = new RuntimeFixture(directory);
        pod = fixture.pod("web");
        sandbox = fixture.run(pod);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private String sleeper(Consumer<LinuxContainerSecurityContext.Builder> security) {
        return sleeper(security, config -> {});
    }

    private String sleeper(
            Consumer<LinuxContainerSecurityContext.Builder> security, Consumer<ContainerConfig.Builder> change) {
        ContainerConfig.Builder config = RuntimeFixture.container(pod, "c" + count++, List.of("sleep", "1000"));
        security.accept(config.getLinuxBuilder().getSecurityContextBuilder());
        change.accept(config);
        return fixture.startNew(sandbox, pod, config.build());
    }

    private String status(String container, String field) {
        return fixture.shell(container, "sed -n 's/^" + field + ":[[:space:]]*//p' /proc/1/status")
                .strip();
    }

    @Test
    void byDefaultItIsRootWithTheDefaultCapabilitiesAndNoFilter() {
        String id = sleeper(security -> {});

        assertThat(fixture.shell(id, "id")).startsWith("uid=0(root) gid=0(root)");
        assertThat(status(id, "CapEff")).isEqualTo("00000000a80425fb");
        assertThat(status(id, "CapBnd")).isEqualTo("00000000a80425fb");
        assertThat(status(id, "CapInh")).isEqualTo("0000000000000000");
        assertThat(status(id, "CapAmb")).isEqualTo("0000000000000000");
        assertThat(status(id, "NoNewPrivs")).isEqualTo("0");
        assertThat(status(id, "Seccomp")).isEqualTo("0");
    }

    @Test
    void userGroupsAndPrivilegesAreAsAsked() {
        String id = sleeper(security -> security.setRunAsUser(
                        Int64Value.newBuilder().setValue(1000))
                .addSupplementalGroups(5000)
                .setNoNewPrivs(true)
                .setSeccomp(SecurityProfile.newBuilder().setProfileType(SecurityProfile.ProfileType.RuntimeDefault)));

        assertThat(status(id, "Uid")).isEqualTo("1000\t1000\t1000\t1000");
        assertThat(status(id, "Gid")).isEqualTo("1001\t1001\t1001\t1001");
        assertThat(status(id, "Groups")).isEqualTo("1001 4000 5000");
        assertThat(status(id, "CapEff")).isEqualTo("0000000000000000");
        assertThat(status(id, "NoNewPrivs")).isEqualTo("1");
        assertThat(status(id, "Seccomp")).isEqualTo("2");
        assertThat(fixture.shell(id, "id -G; echo $HOME; grep -E 'NoNewPrivs|Seccomp:' /proc/self/status"))
                .isEqualTo("1001 4000 5000\n/home/web\nNoNewPrivs:\t1\nSeccomp:\t2\n");
        assertThat(fixture.status(id).getUser().getLinux().getSupplementalGroupsList())
                .containsExactlyInAnyOrder(1001L, 4000L, 5000L);
    }

    @Test
    void theDefaultFilterRefusesNamespacesAndLetsCommonCallsPass() {
        String id = sleeper(security -> security.setSeccomp(
                SecurityProfile.newBuilder().setProfileType(SecurityProfile.ProfileType.RuntimeDefault)));

        assertThat(fixture.shell(id, "mount -t tmpfs none /tmp; hostname other; ls / >/dev/null && echo works"))
                .contains("Operation not permitted")
                .contains("permission denied")
                .contains("works\n");
    }

    @Test
    void capabilitiesAreDroppedAndAdded() {
        String none = sleeper(security -> security.getCapabilitiesBuilder().addDropCapabilities("ALL"));
        String one = sleeper(security ->
                security.getCapabilitiesBuilder().addDropCapabilities("ALL").addAddCapabilities("NET_BIND_SERVICE"));

        assertThat(status(none, "CapEff")).isEqualTo("0000000000000000");
        assertThat(status(one, "CapEff")).isEqualTo("0000000000000400");
        assertThat(fixture.shell(one, "grep CapEff /proc/self/status")).isEqualTo("CapEff:\t0000000000000400\n");
    }

    @Test
    void theRootIsReadOnlyAndPathsAreMasked() {
        String id = sleeper(security -> security.setReadonlyRootfs(true)
                .addAllMaskedPaths(List.of("/proc/timer_list", "/proc/acpi", "/sys/firmware", "/proc/does-not-exist"))
                .addAllReadonlyPaths(List.of("/proc/sys", "/proc/bus")));

        assertThat(fixture.shell(id, "touch /x")).contains("Read-only file system");
        assertThat(fixture.shell(id, "touch /dev/x && echo ok")).isEqualTo("ok\n");
        assertThat(fixture.shell(id, "stat -c %t:%T /proc/timer_list")).isEqualTo("1:3\n");
        assertThat(fixture.shell(id, "ls /sys/firmware | wc -l")).isEqualTo("0\n");
        assertThat(fixture.shell(id, "echo 1 > /proc/sys/kernel/domainname")).contains("Read-only file system");
    }

    @Test
    void nothingOfTheHostIsMountedOrOpen() {
        String id = sleeper(security -> {});

        assertThat(fixture.shell(
                        id, "ls /proc/1/fd | tr '\\n' ' '; cat /proc/1/environ | tr '\\0' '\\n' | sed 's/=.*//'"))
                .isEqualTo("0 1 2 PATH\nHOSTNAME\nHOME\n");
        assertThat(fixture.shell(id, "sed 's/ - .*//; s/^[^ ]* [^ ]* [^ ]* //' /proc/1/mountinfo | cut -d' ' -f2")
                        .lines())
                .containsExactlyInAnyOrder(
                        "/",
                        "/proc",
                        "/dev",
                        "/dev/pts",
                        "/dev/shm",
                        "/dev/mqueue",
                        "/sys",
                        "/sys/fs/cgroup",
                        "/etc/hosts",
                        "/etc/hostname",
                        "/etc/resolv.conf");
    }

    @Test
    void aPrivilegedContainerHasEverythingTheRuntimeHas() throws Exception {
        PodSandboxConfig privileged = fixture.pod("privileged", builder -> {
            RuntimeFixture.hostNetwork(builder)
                    .getLinuxBuilder()
                    .getSecurityContextBuilder()
                    .setPrivileged(true);
            return builder;
        });
        String other = fixture.run(privileged);
        ContainerConfig.Builder config = RuntimeFixture.container(privileged, "app", List.of("sleep", "1000"));
        config.getLinuxBuilder().getSecurityContextBuilder().setPrivileged(true);
        String id = fixture.startNew(other, privileged, config.build());

        String ours = Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("CapEff"))
                .findFirst()
                .orElseThrow();
        assertThat(fixture.shell(id, "grep CapEff /proc/1/status").strip()).isEqualTo(ours);
        assertThat(fixture.shell(
                        id, "mount -t tmpfs none /mnt 2>&1 || mkdir /mnt && mount -t tmpfs none /mnt && echo ok"))
                .endsWith("ok\n");
    }

    @Test
    void bindMountsAreWhereTheyBelongAndReadOnlyWhereAsked() throws Exception {
        Path data = Files.createDirectories(directory.resolve("data"));
        Files.writeString(data.resolve("file"), "content");
        Path single = Files.writeString(directory.resolve("single"), "one file");
        String id = sleeper(
                security -> {},
                config -> config.addMounts(Mount.newBuilder()
                                .setContainerPath("/data/deep/er")
                                .setHostPath(data.toString())
                                .setReadonly(true))
                        .addMounts(Mount.newBuilder().setContainerPath("/rw").setHostPath(data.toString()))
                        .addMounts(Mount.newBuilder()
                                .setContainerPath("/etc/hosts")
                                .setHostPath(single.toString())));

        assertThat(fixture.shell(id, "cat /data/deep/er/file; touch /data/deep/er/x"))
                .startsWith("content")
                .contains("Read-only file system");
        assertThat(fixture.shell(id, "echo new > /rw/x; cat /etc/hosts")).isEqualTo("one file");
        assertThat(data.resolve("x")).hasContent("new");
    }

    @Test
    void environmentAndWorkingDirectoryAreAsAsked() {
        String id = sleeper(
                security -> {},
                config -> config.setWorkingDir("/made/for/it")
                        .addEnvs(KeyValue.newBuilder()
                                .setKey("ODD")
                                .setValue(
                                        com.google.protobuf.ByteString.copyFrom(new byte[] {'a', (byte) 0xff, 'b'}))));

        assertThat(fixture.shell(id, "pwd")).isEqualTo("/made/for/it\n");
        assertThat(fixture.exec(id, "sh", "-c", "printf %s \"$ODD\"")
                        .getStdout()
                        .toByteArray())
                .containsExactly('a', 0xff, 'b');
    }

    @Test
    void aMagicLinkAsWorkingDirectoryIsRefused() {
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> sleeper(security -> {}, config -> config.setWorkingDir("/proc/self/fd/3")))
                .withMessageContaining("/proc/self/fd");
    }

    @Test
    void containersOfAPodShareHostNameNetworkAndMemoryButNotProcesses() {
        String one = sleeper(security -> {});
        String two = sleeper(security -> {});

        String links = "readlink /proc/1/ns/uts /proc/1/ns/ipc /proc/1/ns/net";
        assertThat(fixture.shell(one, links)).isEqualTo(fixture.shell(two, links));
        assertThat(fixture.shell(one, "readlink /proc/1/ns/pid"))
                .isNotEqualTo(fixture.shell(two, "readlink /proc/1/ns/pid"));
        assertThat(fixture.shell(one, "echo shared > /dev/shm/x; ps | grep -c '[s]leep 1000'"))
                .isEqualTo("1\n");
        assertThat(fixture.shell(two, "cat /dev/shm/x")).isEqualTo("shared\n");
    }

    @Test
    void aSharedPidNamespaceShowsAllAndEndsWithItsContainersAlone() throws Exception {
        PodSandboxConfig shared = fixture.pod("shared", builder -> {
            builder.getLinuxBuilder()
                    .getSecurityContextBuilder()
                    .getNamespaceOptionsBuilder()
                    .setPid(NamespaceMode.POD);
            return builder;
        });
        String other = fixture.run(shared);
        String one = fixture.startNew(other, shared, RuntimeFixture.container(shared, "one", "sleep", "1001"));
        String two = fixture.startNew(
                other,
                shared,
                RuntimeFixture.container(shared, "two", "sh", "-c", "sleep 1002 & sleep 1003 & exec sleep 1004"));

        assertThat(fixture.shell(
                                one,
                                "until [ $(ps | grep -c 'sleep 100[0-9]') -ge 4 ]; do sleep 0.01; done;"
                                        + " ps | grep -o 'sleep 100[0-9]' | sort -u")
                        .lines())
                .containsExactly("sleep 1001", "sleep 1002", "sleep 1003", "sleep 1004");
        fixture.stop(two, 0);

        assertThat(fixture.shell(one, "ps | grep -o 'sleep 100[0-9]' | sort -u").lines())
                .containsExactly("sleep 1001");
    }

    @Test
    void aCommandThatDoesNotExistIsSaidToBeMissing() {
        String id = fixture.create(sandbox, pod, RuntimeFixture.container(pod, "missing", "no-such-program"));

        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.start(id))
                .withMessageContaining("find no-such-program in /usr/local/bin");
        assertThat(fixture.status(id).getExitCode()).isEqualTo(128);
        assertThat(fixture.status(id).getReason()).isEqualTo("ContainerCannotRun");
        assertThat(fixture.status(id).getMessage()).contains("ENOENT");
    }
}
