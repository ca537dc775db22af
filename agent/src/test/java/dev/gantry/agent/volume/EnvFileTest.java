package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Linux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnvFileTest {
    @ParameterizedTest(name = "{0}")
    @CsvSource(
            quoteCharacter = '"',
            value = {
                "A='x', x",
                "  A='x' , x",
                "A='x y' # comment, x y",
                "A='$B \\n #', $B \\n #",
                "# A='no'~A='yes', yes",
                "B='1'~~A='2', 2",
                "B='one~A=two'~A='three', three",
                "A='first'~A='second', first",
                "A='', \"\"",
                "A=, \"\"",
                "A= 'x', \"\"",
            })
    void theFirstValueOfAName(String file, String expected) throws VolumeException {
        assertThat(EnvFile.find(file.replace('~', '\n'), "A")).contains(expected);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            quoteCharacter = '"',
            value = {
                "A, line 1: there is no '='",
                "~ B~A='x', line 2: there is no '='",
                "='x', line 1: there is no name before '='",
                "A ='x', line 1: there is a space before '='",
                "A=x, line 1: the value is not in single quotes",
                "B='1~2'~A=\"\"x\"\", line 3: the value is not in single quotes",
                "A='x, line 1: the value has no closing quote",
                "A='x'y, line 1: something follows the closing quote",
            })
    void whatIsWrongIsSaidWithItsLine(String file, String message) {
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> EnvFile.find(file.replace('~', '\n'), "A"))
                .withMessage(message + "; write NAME='value'");
    }

    @Test
    void aFileOfAVolumeIsReadWithoutLeavingIt(@TempDir Path directory) throws Exception {
        Path volume = Files.createDirectories(directory.resolve("dirs/data"));
        Files.writeString(volume.resolve("env"), "A='1'\n");
        Files.createSymbolicLink(volume.resolve("link"), Path.of("env"));
        Files.writeString(directory.resolve("secret"), "A='stolen'\n");
        Files.createSymbolicLink(volume.resolve("out"), Path.of("../../secret"));
        PodEnvFiles files = new PodEnvFiles(Linux.system().files(), directory.resolve("dirs"));

        assertThat(files.find("data", "env", "A")).contains("1");
        assertThat(files.find("data", "link", "A")).contains("1");
        assertThat(files.find("data", "env", "B")).isEmpty();
        assertThat(files.find("data", "none", "A")).isEmpty();
        assertThat(files.find("none", "env", "A")).isEmpty();
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> files.find("data", "out", "A"))
                .withMessageContaining("EXDEV");
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> files.find("data", ".", "A"))
                .withMessage("env file \".\" of volume \"data\" is not a regular file");
    }

    @Test
    void aFileIsBounded(@TempDir Path directory) throws IOException {
        Path volume = Files.createDirectories(directory.resolve("data"));
        Files.write(volume.resolve("env"), new byte[(1 << 20) + 1]);

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> new PodEnvFiles(Linux.system().files(), directory).find("data", "env", "A"))
                .withMessage("env file \"env\" is larger than 1048576 bytes");
    }
}
