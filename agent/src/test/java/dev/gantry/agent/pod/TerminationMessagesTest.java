package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.event.PodReference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is taken from a container's message file and from the end of its log, and how much. */
class TerminationMessagesTest {
    private static final PodReference POD = new PodReference("default", "web", "uid-1");

    @TempDir
    Path directory;

    private TerminationMessages messages;
    private Path file;

    @BeforeEach
    void prepare() throws IOException {
        messages = new TerminationMessages(
                new PodPaths(directory.resolve("pods"), directory.resolve("logs"), directory.resolve("seccomp")));
        file = Path.of(messages.prepare(POD, "main", 0, "/dev/termination-log").getHostPath());
    }

    private String messageOf(int exitCode, String reason, String policy) {
        ObservedContainer ended = new ObservedContainer(
                "id-1",
                "sandbox-1",
                "main",
                0,
                Instant.EPOCH,
                new ContainerRun.Exited(Instant.EPOCH, Instant.EPOCH, exitCode, reason, ""),
                "busybox",
                "sha256:1",
                directory.resolve("0.log").toString(),
                "",
                Optional.empty(),
                Map.of(Labels.TERMINATION_MESSAGE_POLICY, policy));
        ObservedPod seen = messages.withMessages(POD, new ObservedPod(List.of(), List.of(ended)), ObservedPod.NOTHING);
        return ((ContainerRun.Exited) seen.containers().get(0).run()).message();
    }

    private void log(int lines, String content) throws IOException {
        Files.write(
                directory.resolve("0.log"),
                IntStream.rangeClosed(1, lines)
                        .mapToObj(number -> "2026-01-01T00:00:00.000000000Z stdout F " + number + content)
                        .toList());
    }

    @Test
    void anyUserMayWriteTheFile() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-rw-rw-");
        assertThat(file).isEmptyFile();
    }

    @Test
    void noMoreThanFourKibibytesOfTheFileAreTaken() throws IOException {
        Files.writeString(file, "x".repeat(5000));

        assertThat(messageOf(0, "Completed", "File")).isEqualTo("x".repeat(4096));
    }

    @Test
    void theLogSpeaksForAContainerThatFailsAndSaysNothing() throws IOException {
        log(3, "");

        assertThat(messageOf(1, "Error", "FallbackToLogsOnError")).isEqualTo("1\n2\n3\n");
        assertThat(messageOf(0, "Completed", "FallbackToLogsOnError")).isEmpty();
        assertThat(messageOf(128, "ContainerCannotRun", "FallbackToLogsOnError"))
                .isEmpty();
        assertThat(messageOf(1, "Error", "File")).isEmpty();
        Files.writeString(file, "said");
        assertThat(messageOf(1, "Error", "FallbackToLogsOnError")).isEqualTo("said");
    }

    @Test
    void noMoreThanEightyLinesOfTheLogAreTaken() throws IOException {
        log(100, "");

        assertThat(messageOf(1, "Error", "FallbackToLogsOnError"))
                .isEqualTo(IntStream.rangeClosed(21, 100)
                        .mapToObj(number -> number + "\n")
                        .collect(Collectors.joining()));
    }

    @Test
    void noMoreThanTwoKibibytesOfTheLogAreTaken() throws IOException {
        log(9, "x".repeat(998));

        assertThat(messageOf(1, "Error", "FallbackToLogsOnError"))
                .isEqualTo("8" + "x".repeat(998) + "\n9" + "x".repeat(998) + "\n");
    }

    @ParameterizedTest
    @ValueSource(ints = {2048, 3000, 9000, 16384, 40000})
    void ofALastLineThatIsLongerTheEndIsTaken(int length) throws IOException {
        log(2, "x".repeat(length - 4) + "END");

        assertThat(messageOf(1, "Error", "FallbackToLogsOnError")).isEqualTo("x".repeat(2048 - 4) + "END\n");
    }

    @Test
    void aLongLineIsTakenTogetherFromTheParts() throws IOException {
        Files.writeString(
                directory.resolve("0.log"),
                "2026-01-01T00:00:00.000000000Z stdout F before\n2026-01-01T00:00:00.000000000Z stdout P "
                        + "\u00fc".repeat(8192) + "\n2026-01-01T00:00:00.000000000Z stdout F END\n");

        assertThat(messageOf(1, "Error", "FallbackToLogsOnError")).isEqualTo("\u00fc".repeat((2048 - 4) / 2) + "END\n");
    }

    @Test
    void aFileThatIsGoneSaysNothing() throws IOException {
        Files.delete(file);

        assertThat(messageOf(1, "Error", "FallbackToLogsOnError")).isEmpty();
    }
}
