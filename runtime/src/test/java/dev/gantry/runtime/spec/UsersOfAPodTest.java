package dev.gantry.runtime.spec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.IDMapping;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.UserNamespace;
import dev.gantry.images.ImageConfig;
import dev.gantry.images.Platform;
import dev.gantry.runtime.seccomp.SeccompArchitecture;
import dev.gantry.runtime.seccomp.SeccompFilters;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class UsersOfAPodTest {
    private static final IDMapping MAPPING = IDMapping.newBuilder()
            .setHostId(65536)
            .setContainerId(0)
            .setLength(65536)
            .build();

    /** The runtime's directory is on tmpfs, which cannot map ids before Linux 6.3; a volume that cannot is an error. */
    @Test
    void theRuntimesOwnFilesAreMappedWhereTheyCanBe() throws Exception {
        PodSandboxConfig.Builder pod = PodSandboxConfig.newBuilder();
        pod.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setUsernsOptions(UserNamespace.newBuilder()
                        .setMode(NamespaceMode.POD)
                        .addUids(MAPPING)
                        .addGids(MAPPING));
        ContainerConfig.Builder config = ContainerConfig.newBuilder()
                .addCommand("true")
                .addMounts(Mount.newBuilder()
                        .setContainerPath("/data")
                        .setHostPath("/volume")
                        .addUidMappings(MAPPING)
                        .addGidMappings(MAPPING));
        config.getLinuxBuilder()
                .getSecurityContextBuilder()
                .setNamespaceOptions(pod.getLinux().getSecurityContext().getNamespaceOptions());
        ContainerSpec spec = new SpecCompiler(new MachineFacts(Set.of(), -1000, false, false), new FakeHost())
                .compile(
                        new SpecCompiler.Pod(
                                pod.build(),
                                "web",
                                new SandboxFiles(
                                        Optional.of("/run/hosts"), Optional.of("/run/hostname"), Optional.empty()),
                                Optional.empty()),
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
        String program = ContainerProgram.write(
                        spec,
                        spec.context(new SeccompFilters(SeccompArchitecture.ofMachine("amd64"))),
                        new ContainerProgram.Layers("/layers", "lowerdir=a", "/upper", "lowerdir=a"),
                        Map.of(),
                        1024)
                .explain();

        assertThat(step(program, "map the ids of /run/hosts ")).contains("EINVAL");
        assertThat(step(program, "map the ids of /run/hostname ")).contains("EINVAL");
        assertThat(step(program, "map the ids of /volume ")).doesNotContain("EINVAL");
    }

    private static String step(String program, String what) {
        return program.lines().filter(line -> line.contains(what)).findFirst().orElse(what + "is not in\n" + program);
    }
}
