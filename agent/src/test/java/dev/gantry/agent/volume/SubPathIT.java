package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sub paths of volumes whose content somebody else changes at the same time. */
@RequiresRoot
class SubPathIT {
    private static final int ATTEMPTS = 400;

    @TempDir
    Path directory;

    private final Linux linux = Linux.system();
    private final SystemHostMounts mounts = new SystemHostMounts(linux);
    private Path volume;
    private Path outside;
    private Path targets;

    @BeforeEach
    void make() throws IOException {
        volume = Files.createDirectories(directory.resolve("volume"));
        outside = Files.createDirectories(directory.resolve("outside"));
        targets = Files.createDirectories(directory.resolve("targets"));
        Files.writeString(outside.resolve("file"), "outside");
    }

    @AfterEach
    void unmount() throws IOException {
        mounts.unmountBelow(targets);
    }

    /** The attack of CVE-2017-1002101 and CVE-2021-25741: a directory becomes a link between the check and the mount. */
    @Test
    void aDirectoryThatKeepsBecomingALinkNeverLeadsOut() throws Exception {
        Files.writeString(Files.createDirectories(volume.resolve("a")).resolve("file"), "inside");
        Files.createSymbolicLink(volume.resolve("b"), outside);
        AtomicBoolean done = new AtomicBoolean();
        Thread attacker = new Thread(() -> swap(done), "attacker");
        attacker.start();
        int mounted = 0;
        try {
            for (int i = 0; i < ATTEMPTS; i++) {
                Path target = targets.resolve(Integer.toString(i));
                try {
                    mounts.bindBeneath(volume, "a/file", target);
                } catch (VolumeException e) {
                    assertThat(e).hasMessageContaining("leads out of its volume");
                    continue;
                }
                mounted++;
                assertThat(target).hasContent("inside");
                mounts.unmount(target);
            }
        } finally {
            done.set(true);
            attacker.join();
        }
        assertThat(mounted).as("of %d attempts", ATTEMPTS).isPositive();
        try (var left = Files.list(outside)) {
            assertThat(left).containsExactly(outside.resolve("file"));
        }
    }

    private void swap(AtomicBoolean done) {
        try (Fd root = linux.files().open(volume.toString(), Fcntl.O_PATH | Fcntl.O_DIRECTORY)) {
            while (!done.get()) {
                linux.files().renameat2(root, "a", root, "b", Fcntl.RENAME_EXCHANGE);
            }
        } catch (ErrnoException e) {
            throw new IllegalStateException(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"absolute/file", "parent/file", "absolute/new/dir", "chain/file"})
    void linksThatLeadOutAreRefusedAndNothingIsMadeThere(String path) throws IOException {
        Files.createSymbolicLink(volume.resolve("absolute"), outside);
        Files.createSymbolicLink(volume.resolve("parent"), Path.of("../outside"));
        Files.createSymbolicLink(volume.resolve("chain"), Path.of("parent"));

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> mounts.bindBeneath(volume, path, targets.resolve("1")))
                .withMessageStartingWith("subPath '" + path + "' leads out of its volume by a link");
        try (var left = Files.list(outside)) {
            assertThat(left).hasSize(1);
        }
    }

    @Test
    void whatIsMissingIsMadeAsTheVolumeIs() throws Exception {
        Files.setAttribute(volume, "unix:mode", 02775);
        Files.setAttribute(volume, "unix:gid", 4321);

        mounts.bindBeneath(volume, "a/./b//c", targets.resolve("1"));

        for (String made : new String[] {"a", "a/b", "a/b/c"}) {
            assertThat((int) Files.getAttribute(volume.resolve(made), "unix:mode") & 07777)
                    .isEqualTo(02775);
            assertThat(Files.getAttribute(volume.resolve(made), "unix:gid")).isEqualTo(4321);
        }
        Files.writeString(volume.resolve("a/b/c/file"), "x");
        assertThat(targets.resolve("1/file")).hasContent("x");
    }

    @Test
    void aFileOnTheWayIsAnError() throws IOException {
        Files.writeString(volume.resolve("file"), "x");

        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> mounts.bindBeneath(volume, "file/sub", targets.resolve("1")))
                .withMessageContaining("ENOTDIR");
    }
}
