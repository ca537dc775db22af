package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gantry.linux.Linux;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Directories on disk that hold no more than they may. */
@RequiresRoot
@RequiresTool({"mkfs.ext4", "e2fsck"})
class DiskImagesIT {
    @TempDir
    Path directory;

    private final SystemHostMounts mounts = new SystemHostMounts(Linux.system());
    private final DiskImages images = new DiskImages(mounts);

    @BeforeEach
    void requireLoopDevices() {
        assumeTrue(Files.exists(Path.of("/dev/loop-control")), "no loop devices here");
    }

    @AfterEach
    void unmount() throws IOException {
        mounts.unmountBelow(directory);
    }

    private Path mount(String name, long bytes) throws Exception {
        Path target = Files.createDirectories(directory.resolve(name));
        images.mount(target, bytes);
        return target;
    }

    @ParameterizedTest(name = "{0} bytes")
    @ValueSource(longs = {256 << 10, 1 << 20, 16 << 20, 100 << 20})
    void aDirectoryHoldsItsLimit(long limit) throws Exception {
        Path target = mount("data", limit);

        long[] written = {0};
        byte[] block = new byte[16 << 10];
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> {
                    try (OutputStream file = Files.newOutputStream(target.resolve("file"))) {
                        while (written[0] <= 2 * limit) {
                            file.write(block);
                            written[0] += block.length;
                        }
                    }
                })
                .withMessageContaining("No space left on device");
        assertThat(written[0]).isCloseTo(limit, Percentage.withPercentage(limit < 1 << 20 ? 10 : 3));
    }

    @Test
    void whatIsInItOutlivesTheMachine() throws Exception {
        Path target = mount("data", 1 << 20);
        assertThat(target).isEmptyDirectory();
        Files.writeString(target.resolve("file"), "kept");
        // As a restart of the machine does.
        mounts.unmount(target);
        assertThat(target).isEmptyDirectory();

        assertThat(images.mount(target, 1 << 20)).as("new").isFalse();

        assertThat(target.resolve("file")).hasContent("kept");
    }

    @Test
    void anEmptyOneTakesLittleOfTheDisk() throws Exception {
        mount("data", 10L << 30);

        long blocks = Linux.system()
                .files()
                .lstat(directory.resolve("data.ext4").toString())
                .blocks();
        assertThat(blocks * 512).isLessThan(4 << 20);
    }

    @Test
    void aFileSystemThatIsNoneIsAnErrorThatSaysWhatTheToolSaid() throws IOException {
        Path target = Files.createDirectories(directory.resolve("data"));
        Files.writeString(directory.resolve("data.ext4"), "no file system");

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> images.mount(target, 1 << 20))
                .withMessageContaining("e2fsck, -y, " + directory.resolve("data.ext4") + "]: exit status 8: ");
    }
}
