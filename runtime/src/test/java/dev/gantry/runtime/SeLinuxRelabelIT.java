package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.Linux;
import dev.gantry.linux.MountFlags;
import dev.gantry.runtime.spec.SandboxFiles;
import dev.gantry.runtime.spec.SpecException;
import dev.gantry.testing.ForwardingFiles;
import dev.gantry.testing.RequiresRoot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Labels are attributes of files, which kernels without SELinux keep too. */
@RequiresRoot
class SeLinuxRelabelIT {
    private static final String LABEL = "system_u:object_r:container_file_t:s0:c1,c2";

    private static final FileCalls FILES = Linux.system().files();

    @TempDir
    Path directory;

    private static ContainerConfig config(Path volume, boolean relabel) {
        ContainerConfig.Builder config = ContainerConfig.newBuilder();
        config.addMountsBuilder()
                .setContainerPath("/data")
                .setHostPath(volume.toString())
                .setSelinuxRelabel(relabel);
        return config.build();
    }

    private static Optional<String> label(Path path) throws ErrnoException {
        return FILES.lgetxattr(path.toString(), "security.selinux")
                .map(value -> new String(value, StandardCharsets.US_ASCII).replace("\0", ""));
    }

    @Test
    void everyFileOfTheVolumeGetsTheLabelAndNoOtherFile() throws Exception {
        Path volume = Files.createDirectories(directory.resolve("volume"));
        Path deep = Files.createDirectories(volume.resolve("a/b/c"));
        Path file = Files.writeString(deep.resolve("file"), "");
        Path outside = Files.createDirectory(directory.resolve("outside"));
        Files.writeString(outside.resolve("file"), "");
        Path link = Files.createSymbolicLink(volume.resolve("link"), outside);
        Path hosts = Files.writeString(directory.resolve("hosts"), "");
        Path mounted = Files.createDirectory(volume.resolve("mounted"));
        Linux.system().mounts().mount("other", mounted.toString(), "tmpfs", MountFlags.MS_NOSUID, "size=64k");
        try {
            Path beyond = Files.writeString(mounted.resolve("file"), "");

            List<String> notices = SeLinuxRelabel.apply(
                    FILES,
                    config(Files.createSymbolicLink(directory.resolve("name"), volume), true),
                    new SandboxFiles(Optional.of(hosts.toString()), Optional.empty(), Optional.empty()),
                    LABEL);

            assertThat(notices).isEmpty();
            for (Path path : List.of(volume, volume.resolve("a"), deep, file, link, hosts)) {
                assertThat(label(path)).as("%s", path).contains(LABEL);
            }
            for (Path path : List.of(outside, outside.resolve("file"), mounted, beyond, directory)) {
                assertThat(label(path)).as("%s", path).isEmpty();
            }
        } finally {
            Linux.system().mounts().umount2(mounted.toString(), MountFlags.MNT_DETACH);
        }
    }

    @Test
    void whatNobodyAskedForStaysAsItIs() throws Exception {
        Path volume = Files.createDirectories(directory.resolve("volume"));

        assertThat(SeLinuxRelabel.apply(FILES, config(volume, false), SandboxFiles.NONE, LABEL))
                .isEmpty();

        assertThat(label(volume)).isEmpty();
    }

    @Test
    void theSystemsOwnDirectoriesAreRefused() throws Exception {
        Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("/var/lib"));

        assertThatExceptionOfType(SpecException.class)
                .isThrownBy(() -> SeLinuxRelabel.apply(FILES, config(link, true), SandboxFiles.NONE, LABEL))
                .withMessageContaining("mount /data: selinux_relabel of /var/lib would take it from the system");
    }

    @Test
    void aFileSystemWithoutLabelsIsANotice() throws Exception {
        FileCalls without = new ForwardingFiles(FILES) {
            @Override
            public void lsetxattr(String path, String name, byte[] value, int flags) throws ErrnoException {
                throw new ErrnoException("lsetxattr(" + path + ")", Errno.EOPNOTSUPP);
            }
        };

        assertThat(SeLinuxRelabel.apply(without, config(directory, true), SandboxFiles.NONE, LABEL))
                .containsExactly("mount /data: the file system of " + directory.toRealPath()
                        + " keeps no SELinux labels, it was not relabelled");
    }
}
