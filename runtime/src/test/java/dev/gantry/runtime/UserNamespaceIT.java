package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerStatusRequest;
import dev.gantry.cri.v1.Device;
import dev.gantry.cri.v1.IDMapping;
import dev.gantry.cri.v1.Int64Value;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.SecurityProfile;
import dev.gantry.cri.v1.StatusRequest;
import dev.gantry.cri.v1.UserNamespace;
import dev.gantry.testing.RequiresRoot;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pods with users of their own: root inside, nobody outside. */
@RequiresRoot
class UserNamespaceIT {
    private static final int FIRST = 1_000_000;

    @TempDir
    Path directory;

    private RuntimeFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new RuntimeFixture(directory);
        var handler =
                fixture.cri().status(StatusRequest.newBuilder().setVerbose(true).build());
        Assumptions.assumeTrue(
                handler.getRuntimeHandlers(0).getFeatures().getUserNamespaces(),
                () -> handler.getInfoMap().getOrDefault("machine", ""));
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private static IDMapping mapping() {
        return IDMapping.newBuilder().setHostId(FIRST).setLength(65_536).build();
    }

    private static UserNamespace users() {
        return UserNamespace.newBuilder()
                .setMode(NamespaceMode.POD)
                .addUids(mapping())
                .addGids(mapping())
                .build();
    }

    private PodSandboxConfig pod(Consumer<PodSandboxConfig.Builder> change) {
        return fixture.pod("mapped", builder -> {
            builder.getLinuxBuilder()
                    .getSecurityContextBuilder()
                    .getNamespaceOptionsBuilder()
                    .setUsernsOptions(users());
            change.accept(builder);
            return builder;
        });
    }

    private static ContainerConfig container(
            PodSandboxConfig pod, String name, Consumer<ContainerConfig.Builder> change, String... command) {
        ContainerConfig.Builder config = RuntimeFixture.container(pod, name, List.of(command));
        config.getLinuxBuilder()
                .getSecurityContextBuilder()
                .setNamespaceOptions(pod.getLinux().getSecurityContext().getNamespaceOptions());
        change.accept(config);
        return config.build();
    }

    private static Mount mount(Path source, String target, boolean mapped) {
        Mount.Builder mount = Mount.newBuilder().setHostPath(source.toString()).setContainerPath(target);
        if (mapped) {
            mount.addUidMappings(mapping()).addGidMappings(mapping());
        }
        return mount.build();
    }

    @Test
    void rootInsideIsNobodyOutside() throws Exception {
        PodSandboxConfig pod = pod(builder -> {});
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(
                sandbox,
                pod,
                container(pod, "app", config -> {}, "sh", "-c", "touch /made; echo out > /dev/stdout; sleep 1000"));

        assertThat(fixture.shell(id, "id -u; id -g; cat /proc/self/uid_map | tr -s ' '; grep CapEff /proc/1/status"))
                .isEqualTo("0\n0\n 0 1000000 65536\nCapEff:\t00000000a80425fb\n");
        assertThat(fixture.shell(
                        id,
                        "until [ -e /made ]; do sleep 0.01; done; stat -c '%u:%g %n' / /bin/busybox /etc/passwd /dev/null /dev/pts/ptmx /dev/shm"
                                + " /etc/hosts /etc/resolv.conf /made"))
                .isEqualTo("""
                        0:0 /
                        0:0 /bin/busybox
                        0:0 /etc/passwd
                        0:0 /dev/null
                        0:0 /dev/pts/ptmx
                        0:0 /dev/shm
                        0:0 /etc/hosts
                        0:0 /etc/resolv.conf
                        0:0 /made
                        """);
        assertThat(fixture.shell(
                        id, "echo x > /dev/null && head -c 4 /dev/zero | wc -c; chown 65535 /made && echo owned"))
                .isEqualTo("4\nowned\n");
        assertThat(fixture.shell(id, "chown 65536 /made; mknod /made/null c 1 3; chmod 0 /proc/sys/kernel"))
                .doesNotContain("owned")
                .contains("Invalid argument");
        // Outside it is a user of the pod's range, in the namespaces that the pod owns.
        int pid = pid(id);
        List<String> status = Files.readAllLines(Path.of("/proc/" + pid + "/status"));
        assertThat(status).anyMatch(line -> line.equals("Uid:\t1000000\t1000000\t1000000\t1000000"));
        assertThat(status).anyMatch(line -> line.equals("Gid:\t1000000\t1000000\t1000000\t1000000"));
        assertThat(fixture.log(pod, "app")).contains("out");
    }

    private int pid(String container) {
        String info = fixture.cri()
                .containerStatus(ContainerStatusRequest.newBuilder()
                        .setContainerId(container)
                        .setVerbose(true)
                        .build())
                .getInfoOrThrow("info");
        return Integer.parseInt(info.replaceAll("(?s)\\{\"pid\":([0-9]+),.*", "$1"));
    }

    @Test
    void volumesBelongToThePodsUsers() throws Exception {
        Path data = Files.createDirectories(directory.resolve("data"));
        Files.writeString(data.resolve("roots"), "x");
        Files.setAttribute(Files.writeString(data.resolve("users"), "x"), "unix:uid", 1000);
        PodSandboxConfig pod = pod(builder -> {});
        String id = fixture.startNew(
                fixture.run(pod),
                pod,
                container(
                        pod,
                        "app",
                        config ->
                                config.addMounts(mount(data, "/mapped", true)).addMounts(mount(data, "/plain", false)),
                        "sleep",
                        "1000"));

        assertThat(fixture.shell(id, "stat -c %u /mapped/roots /mapped/users /plain/roots"))
                .isEqualTo("0\n1000\n65534\n");
        assertThat(fixture.shell(id, "touch /mapped/new && echo made; touch /plain/new"))
                .startsWith("made\n")
                .contains("denied");
        assertThat(Files.getAttribute(data.resolve("new"), "unix:uid")).isEqualTo(0);
    }

    @Test
    void execAndOtherUsersAreInsideToo() {
        PodSandboxConfig pod = pod(builder -> {});
        String id = fixture.startNew(
                fixture.run(pod),
                pod,
                container(
                        pod,
                        "app",
                        config -> config.getLinuxBuilder()
                                .getSecurityContextBuilder()
                                .setRunAsUser(Int64Value.newBuilder().setValue(1000))
                                .setNoNewPrivs(true)
                                .setReadonlyRootfs(true)
                                .addAllMaskedPaths(List.of("/proc/timer_list", "/sys/firmware"))
                                .addAllReadonlyPaths(List.of("/proc/sys"))
                                .setSeccomp(SecurityProfile.newBuilder()
                                        .setProfileType(SecurityProfile.ProfileType.RuntimeDefault)),
                        "sh",
                        "-c",
                        "echo direct; echo reopened > /dev/stdout; sleep 1000"));

        assertThat(fixture.shell(
                        id,
                        "id -u; id -G; echo x > /proc/self/fd/2; touch /x; readlink /proc/self/ns/user > /dev/stdout"))
                .startsWith("1000\n1001 4000\n")
                .contains("Read-only file system");
        assertThat(fixture.shell(id, "readlink /proc/self/ns/user"))
                .isEqualTo(fixture.shell(id, "readlink /proc/1/ns/user"))
                .isNotEqualTo(hostUsers());
        assertThat(fixture.shell(id, "grep -E 'NoNewPrivs|Seccomp:|CapEff' /proc/self/status"))
                .isEqualTo("CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n");
        assertThat(fixture.shell(id, "stat -c %t:%T /proc/timer_list; ls /sys/firmware | wc -l"))
                .isEqualTo("1:3\n0\n");
    }

    private static String hostUsers() {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/ns/user")) + "\n";
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void itsRootRulesOverItsNamespacesAndNothingElse() {
        PodSandboxConfig pod = pod(
                builder -> builder.getLinuxBuilder().getSecurityContextBuilder().setPrivileged(true));
        String id = fixture.startNew(
                fixture.run(pod),
                pod,
                container(
                        pod,
                        "app",
                        config -> config.getLinuxBuilder()
                                .getSecurityContextBuilder()
                                .setPrivileged(true),
                        "sleep",
                        "1000"));

        assertThat(
                        fixture.shell(
                                id,
                                "mkdir /t && mount -t tmpfs t /t && echo mounted; hostname other && hostname;"
                                        + " ip link add v0 type dummy 2>/dev/null; ip addr add 10.9.9.9/32 dev lo && echo address"))
                .isEqualTo("mounted\nother\naddress\n");
        assertThat(fixture.shell(
                        id,
                        "echo 1 > /proc/sys/kernel/panic; mount -o remount,rw /sys/fs/cgroup; kill -9 -1;"
                                + " mknod /t/x b 8 0; ls /dev/sda /dev/vda"))
                .contains("Permission denied", "Operation not permitted", "No such file");
    }

    @Test
    void aTerminalAndASharedProcessNamespaceWork() throws Exception {
        PodSandboxConfig pod = pod(builder -> builder.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setPid(NamespaceMode.POD));
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(
                sandbox,
                pod,
                container(
                        pod,
                        "tty",
                        config -> config.setTty(true).setStdin(true),
                        "sh",
                        "-c",
                        "tty; stat -c %u $(tty); sleep 1000"));
        fixture.startNew(sandbox, pod, container(pod, "other", config -> {}, "sleep", "1234"));

        assertThat(fixture.shell(id, "ps | grep -c '[s]leep 1234'")).isEqualTo("1\n");
        // The pod's first process is the host's: not even the pod's root can look into it.
        assertThat(fixture.shell(id, "grep Uid /proc/1/status; ls /proc/1/fd; kill -9 1; cat /proc/1/environ"))
                .startsWith("Uid:\t65534")
                .contains("denied");
        assertThat(fixture.log(pod, "tty")).anyMatch(line -> line.contains("/dev/pts/0"));
    }

    @Test
    void devicesAreMadeAndBelongToTheHost() {
        PodSandboxConfig pod = pod(builder -> {});
        String id = fixture.startNew(
                fixture.run(pod),
                pod,
                container(
                        pod,
                        "app",
                        config -> config.addDevices(
                                Device.newBuilder().setHostPath("/dev/zero").setContainerPath("/dev/deep/nothing")),
                        "sleep",
                        "1000"));

        assertThat(fixture.shell(id, "stat -c '%t:%T %u' /dev/deep/nothing; stat -c %u /dev/deep"))
                .isEqualTo("1:5 65534\n0\n");
    }

    @Test
    void theNextRuntimeGoesOn() throws Exception {
        PodSandboxConfig pod = pod(builder -> {});
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(sandbox, pod, container(pod, "app", config -> {}, "sleep", "1000"));

        fixture.reopen();

        assertThat(fixture.shell(id, "id -u; cat /proc/self/uid_map | tr -s ' '"))
                .isEqualTo("0\n 0 1000000 65536\n");
        String next = fixture.startNew(sandbox, pod, container(pod, "next", config -> {}, "sleep", "1000"));
        assertThat(fixture.shell(next, "readlink /proc/self/ns/user"))
                .isEqualTo(fixture.shell(id, "readlink /proc/self/ns/user"));
    }

    @Test
    void whatDoesNotGoTogetherIsRefused() {
        refused(
                "users of the pod's own go with no namespace of the host",
                builder -> builder.getNamespaceOptionsBuilder().setNetwork(NamespaceMode.NODE));
        refused(
                "userns_options.uids: must be one mapping, are 0",
                builder -> builder.getNamespaceOptionsBuilder()
                        .getUsernsOptionsBuilder()
                        .clearUids());
        refused(
                "container_id must be 0",
                builder -> builder.getNamespaceOptionsBuilder()
                        .getUsernsOptionsBuilder()
                        .getUidsBuilder(0)
                        .setContainerId(1));
        refused(
                "must be some of 1 to",
                builder -> builder.getNamespaceOptionsBuilder()
                        .getUsernsOptionsBuilder()
                        .getUidsBuilder(0)
                        .setHostId(0));
        refused(
                "mode: must be POD or NODE",
                builder -> builder.getNamespaceOptionsBuilder()
                        .getUsernsOptionsBuilder()
                        .setMode(NamespaceMode.CONTAINER));
        PodSandboxConfig pod = pod(builder -> {});
        String sandbox = fixture.run(pod);
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.create(
                        sandbox,
                        pod,
                        container(
                                pod,
                                "other",
                                config -> config.getLinuxBuilder()
                                        .getSecurityContextBuilder()
                                        .getNamespaceOptionsBuilder()
                                        .clearUsernsOptions(),
                                "true")))
                .withMessageContaining("userns_options: must be those of the pod sandbox");
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.create(
                        sandbox,
                        pod,
                        container(
                                pod,
                                "beyond",
                                config -> config.getLinuxBuilder()
                                        .getSecurityContextBuilder()
                                        .setRunAsUser(Int64Value.newBuilder().setValue(65_536)),
                                "true")))
                .withMessageContaining("user 65536: the pod has users of its own, 0 to 65535");
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.create(
                        sandbox,
                        pod,
                        container(
                                pod,
                                "volume",
                                config -> config.addMounts(Mount.newBuilder()
                                        .setHostPath("/tmp")
                                        .setContainerPath("/x")
                                        .addUidMappings(mapping().toBuilder().setHostId(5))
                                        .addGidMappings(mapping())),
                                "true")))
                .withMessageContaining("mounts[0].uidMappings: must be those of the pod");
    }

    private void refused(String pattern, Consumer<dev.gantry.cri.v1.LinuxSandboxSecurityContext.Builder> change) {
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.run(
                        pod(builder -> change.accept(builder.getLinuxBuilder().getSecurityContextBuilder()))))
                .satisfies(e -> assertThat(e.getMessage()).containsPattern(pattern));
    }
}
