package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.MountPropagation;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.linux.Linux;
import dev.gantry.linux.MountFlags;
import dev.gantry.testing.RequiresRoot;
import io.grpc.StatusRuntimeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who shares what with whom, and in which direction mounts travel. */
@RequiresRoot
class NamespaceModesIT {
    @TempDir
    Path directory;

    private RuntimeFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new RuntimeFixture(directory);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private static String own(String namespace) throws Exception {
        return Files.readSymbolicLink(Path.of("/proc/self/ns", namespace)).toString();
    }

    @Test
    void aPodWithTheHostsNamespacesHasThem() throws Exception {
        PodSandboxConfig pod = fixture.pod("host", builder -> {
            builder.getLinuxBuilder()
                    .getSecurityContextBuilder()
                    .getNamespaceOptionsBuilder()
                    .setNetwork(NamespaceMode.NODE)
                    .setIpc(NamespaceMode.NODE)
                    .setPid(NamespaceMode.NODE);
            return builder;
        });
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(
                sandbox, pod, RuntimeFixture.container(pod, "app", "sh", "-c", "sleep 1000 & exec sleep 1000"));

        for (String namespace : List.of("net", "ipc", "uts", "pid")) {
            assertThat(fixture.shell(id, "readlink /proc/self/ns/" + namespace).strip())
                    .isEqualTo(own(namespace));
        }
        assertThat(fixture.shell(id, "readlink /proc/self/ns/mnt").strip()).isNotEqualTo(own("mnt"));
        assertThat(fixture.shell(id, "hostname").strip()).isEqualTo(HostName.read());

        fixture.stop(id, 0);
        fixture.removePod(sandbox);
        assertThat(fixture.runtime().cgroups().pods().allProcesses()).isEmpty();
    }

    @Test
    void aTargetedContainerSeesTheTargetsProcesses() {
        PodSandboxConfig pod = fixture.pod("debug");
        String sandbox = fixture.run(pod);
        String target = fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "app", "sleep", "1234"));
        ContainerConfig.Builder debugger = RuntimeFixture.container(pod, "debugger", List.of("sleep", "4321"));
        debugger.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setPid(NamespaceMode.TARGET)
                .setTargetId(target);

        String id = fixture.startNew(sandbox, pod, debugger.build());

        assertThat(fixture.shell(id, "readlink /proc/self/ns/pid"))
                .isEqualTo(fixture.shell(target, "readlink /proc/self/ns/pid"));
        assertThat(fixture.shell(id, "cat /proc/1/cmdline | tr '\\0' ' '")).isEqualTo("sleep 1234 ");
        fixture.stop(id, 0);
        assertThat(fixture.status(id).getExitCode()).isEqualTo(137);
        assertThat(fixture.shell(target, "echo alive")).isEqualTo("alive\n");
    }

    @Test
    void aContainerCannotTakeHostNamespacesThatItsPodHasNot() {
        PodSandboxConfig pod = fixture.pod("web");
        String sandbox = fixture.run(pod);
        ContainerConfig.Builder config = RuntimeFixture.container(pod, "app", List.of("true"));
        config.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setPid(NamespaceMode.NODE);

        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.create(sandbox, pod, config.build()))
                .withMessageContaining("namespace_options.pid: NODE, but the pod sandbox has CONTAINER");
    }

    @Test
    void mountsTravelAsTheirPropagationSays() throws Exception {
        Linux linux = Linux.system();
        Path shared = Files.createDirectories(directory.resolve("shared"));
        linux.mounts().mount("tmpfs", shared.toString(), "tmpfs", 0, null);
        try {
            linux.mounts().mount(null, shared.toString(), null, MountFlags.MS_SHARED, null);
            PodSandboxConfig pod = fixture.pod("web", builder -> {
                RuntimeFixture.hostNetwork(builder)
                        .getLinuxBuilder()
                        .getSecurityContextBuilder()
                        .setPrivileged(true);
                return builder;
            });
            String sandbox = fixture.run(pod);
            ContainerConfig.Builder config = RuntimeFixture.container(pod, "app", List.of("sleep", "1000"));
            config.getLinuxBuilder().getSecurityContextBuilder().setPrivileged(true);
            for (MountPropagation propagation : List.of(
                    MountPropagation.PROPAGATION_PRIVATE,
                    MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
                    MountPropagation.PROPAGATION_BIDIRECTIONAL)) {
                config.addMounts(Mount.newBuilder()
                        .setContainerPath("/" + propagation.name())
                        .setHostPath(shared.toString())
                        .setPropagation(propagation));
            }
            String id = fixture.startNew(sandbox, pod, config.build());

            Path below = Files.createDirectories(shared.resolve("below"));
            linux.mounts().mount("tmpfs", below.toString(), "tmpfs", 0, null);
            Files.writeString(below.resolve("file"), "from the host");
            assertThat(
                            fixture.shell(
                                    id,
                                    "cd /; for d in PRIVATE HOST_TO_CONTAINER BIDIRECTIONAL; do ls PROPAGATION_$d/below | wc -l; done"))
                    .isEqualTo("0\n1\n1\n");
            linux.mounts().umount2(below.toString(), 0);

            assertThat(
                            fixture.shell(
                                    id,
                                    "cd /PROPAGATION_BIDIRECTIONAL && mkdir back && mount -t tmpfs none back && echo x > back/file; umount back; echo $?"))
                    .isEqualTo("0\n");
            fixture.removePod(sandbox);
        } finally {
            linux.mounts().umount2(shared.toString(), MountFlags.MNT_DETACH);
        }
    }
}
