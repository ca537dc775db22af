package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Stat;
import dev.gantry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresRoot
class FsGroupIT {
    private static final int GROUP = 4321;

    private final FileCalls files = Linux.system().files();

    @TempDir
    Path directory;

    private Path volume;
    private Path outside;

    @BeforeEach
    void fill() throws IOException {
        outside = make("outside", 0600);
        volume = Files.createDirectories(directory.resolve("volume"));
        Files.createDirectories(volume.resolve("a/b"));
        Files.setAttribute(volume.resolve("a"), "unix:mode", 0500);
        make("volume/a/b/file", 0400);
        make("volume/script", 0755);
        Files.createSymbolicLink(volume.resolve("link"), outside);
        files.mknodat(Fd.AT_FDCWD, volume.resolve("pipe").toString(), Stat.S_IFIFO | 0600, 0, 0);
    }

    private Path make(String name, int mode) throws IOException {
        Path file = Files.writeString(directory.resolve(name), "x");
        Files.setAttribute(file, "unix:mode", mode);
        return file;
    }

    @Test
    void theGroupMayReadAndWriteAllOfTheVolumeAndNothingElse() throws IOException {
        apply(false);

        assertThat(modeAndGroup(volume)).isEqualTo("2775 4321");
        assertThat(modeAndGroup(volume.resolve("a"))).isEqualTo("2770 4321");
        assertThat(modeAndGroup(volume.resolve("a/b/file"))).isEqualTo("660 4321");
        assertThat(modeAndGroup(volume.resolve("script"))).isEqualTo("775 4321");
        assertThat(Files.getAttribute(volume.resolve("pipe"), "unix:gid")).isEqualTo(GROUP);
        assertThat(modeAndGroup(outside)).isEqualTo("600 0");
    }

    @Test
    void onRootMismatchLeavesAVolumeAloneWhoseRootIsRight() throws IOException {
        apply(true);
        Path later = make("volume/later", 0600);

        apply(true);
        assertThat(modeAndGroup(later)).as("the group is inherited").isEqualTo("600 4321");

        apply(false);
        assertThat(modeAndGroup(later)).isEqualTo("660 4321");
    }

    @Test
    void aWalkThatIsGivenUpIsDoneAgain() throws IOException {
        long[] done = {0};

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(
                        () -> FsGroup.apply(files, volume, GROUP, true, () -> done[0] > 1, count -> done[0] = count))
                .withMessage("change the group of the volume: abandoned after 2 files");
        assertThat(Files.getAttribute(volume, "unix:gid")).isEqualTo(0);

        apply(true);
        assertThat(modeAndGroup(volume.resolve("a/b/file"))).isEqualTo("660 4321");
    }

    @Test
    void aTreeIsNotFollowedForEver() throws IOException {
        Path deep = volume;
        for (int i = 0; i < 300; i++) {
            deep = Files.createDirectory(deep.resolve("d"));
        }

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> apply(false))
                .withMessageContaining("deeper than 256 directories");
    }

    private void apply(boolean onRootMismatch) throws IOException {
        FsGroup.apply(files, volume, GROUP, onRootMismatch, () -> false, count -> {});
    }

    private static String modeAndGroup(Path path) throws IOException {
        return "%o %d".formatted((int) Files.getAttribute(path, "unix:mode") & 07777, (int)
                Files.getAttribute(path, "unix:gid"));
    }
}
