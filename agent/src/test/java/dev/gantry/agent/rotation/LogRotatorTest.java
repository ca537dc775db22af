package dev.gantry.agent.rotation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.rotation.LogRotator.RunningLog;
import dev.gantry.testing.FakeClock;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogRotatorTest {
    private static final RotationPolicy POLICY = new RotationPolicy(100, 3, 1, Duration.ofSeconds(10));

    @TempDir
    Path directory;

    private final FakeClock clock = new FakeClock();
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Map<String, Path> running = new LinkedHashMap<>();
    private final List<String> reopened = new ArrayList<>();
    private Path log = Path.of("/unset");
    private boolean refuse;
    private AutoCloseable rotator = () -> {};

    @AfterEach
    void stop() throws Exception {
        rotator.close();
    }

    @BeforeEach
    void oneContainer() throws IOException {
        log = Files.createDirectories(directory.resolve("app")).resolve("0.log");
        Files.createFile(log);
        running.put("c1", log);
    }

    private void start(RotationPolicy policy) {
        rotator = LogRotator.start(
                policy,
                () -> running.entrySet().stream()
                        .map(entry -> new RunningLog(entry.getKey(), entry.getValue()))
                        .toList(),
                this::reopen,
                clock,
                tasks::add,
                clock.timers());
    }

    private CompletableFuture<?> reopen(String id) {
        if (refuse) {
            return CompletableFuture.failedFuture(new IOException("it does not run"));
        }
        try {
            reopened.add(id);
            Files.write(running.get(id), new byte[0], StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            return CompletableFuture.completedFuture(null);
        } catch (IOException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private void after(Duration duration) {
        for (long second = 0; second < duration.toSeconds(); second++) {
            clock.advance(Duration.ofSeconds(1));
            for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                task.run();
            }
        }
    }

    private void write(int bytes, String letter) throws IOException {
        Files.writeString(log, letter.repeat(bytes), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(log.getParent())) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static String unzip(Path file) throws IOException {
        try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void aLogThatIsTooLargeIsRotatedAndItsPredecessorsCompressed() throws IOException {
        start(POLICY);
        write(101, "a");
        after(Duration.ofSeconds(12));
        assertThat(files()).hasSize(2);
        write(101, "b");
        after(Duration.ofSeconds(12));
        write(50, "c");
        after(Duration.ofSeconds(12));

        assertThat(reopened).containsExactly("c1", "c1");
        assertThat(Files.readString(log)).isEqualTo("c".repeat(50));
        List<String> files = files();
        assertThat(files).hasSize(3);
        assertThat(files.get(1)).endsWith(".gz");
        assertThat(unzip(log.resolveSibling(files.get(1)))).isEqualTo("a".repeat(101));
        assertThat(Files.readString(log.resolveSibling(files.get(2)))).isEqualTo("b".repeat(101));

        write(51, "c");
        after(Duration.ofSeconds(12));
        assertThat(files()).hasSize(3).doesNotContain(files.get(1));
    }

    @Test
    void aLogOfTheLargestSizeIsNotRotated() throws IOException {
        start(POLICY);
        write(100, "a");
        after(Duration.ofSeconds(30));

        assertThat(files()).containsExactly("0.log");
    }

    @Test
    void aLogThatGrowsQuicklyIsRotatedBeforeTheNextRegularLook() throws IOException {
        start(POLICY);
        after(Duration.ofSeconds(1));
        write(60, "a");
        after(Duration.ofSeconds(10));
        write(60, "a");
        // 60 bytes in 10 s: 40 more are there after 7 s
        after(Duration.ofSeconds(7));

        assertThat(files()).hasSize(2);
    }

    @Test
    void aRefusalOfTheRuntimeLeavesTheLogAsItWas() throws IOException {
        refuse = true;
        start(POLICY);
        write(101, "a");
        after(Duration.ofSeconds(12));
        assertThat(files()).containsExactly("0.log");
        assertThat(Files.size(log)).isEqualTo(101);

        refuse = false;
        after(Duration.ofSeconds(12));
        assertThat(files()).hasSize(2);
    }

    @Test
    void anAgentThatWasKilledBetweenRenamingAndReopeningLeavesNothingUndone() throws IOException {
        write(101, "a");
        Files.move(log, log.resolveSibling("0.log.20260101-000000"));
        start(POLICY);
        after(Duration.ofSeconds(2));

        assertThat(reopened).containsExactly("c1");
        assertThat(files()).containsExactly("0.log", "0.log.20260101-000000");
    }

    @Test
    void anAgentThatWasKilledWhileCompressingLeavesNothingBehind() throws IOException {
        Files.writeString(log.resolveSibling("0.log.20260101-000000"), "whole");
        Files.writeString(log.resolveSibling("0.log.20260101-000000.gz.tmp"), "ha");
        start(POLICY);
        write(101, "a");
        after(Duration.ofSeconds(12));

        assertThat(files()).hasSize(3).contains("0.log.20260101-000000.gz");
        assertThat(unzip(log.resolveSibling("0.log.20260101-000000.gz"))).isEqualTo("whole");
    }

    @Test
    void whereNothingCanBeDeletedTheLogStaysAsItWas() throws IOException {
        RotationPolicy four = new RotationPolicy(100, 4, 1, Duration.ofSeconds(10));
        Path stamped = log.resolveSibling("0.log.20260101-000000");
        Files.writeString(stamped, "whole");
        Files.createDirectories(log.resolveSibling("0.log.20260101-000000.gz.tmp/x"));
        start(four);
        write(101, "a");
        after(Duration.ofSeconds(12));
        assertThat(Files.readString(stamped)).isEqualTo("whole");
        assertThat(Files.size(log)).isEqualTo(101);

        Files.delete(log.resolveSibling("0.log.20260101-000000.gz.tmp/x"));
        after(Duration.ofSeconds(12));
        assertThat(files()).hasSize(3).contains("0.log.20260101-000000.gz");
    }

    @Test
    void aFileThatCannotBeCompressedHoldsUpNothing() throws IOException {
        // A link is not read; a disk that takes no more fails in the same place.
        Path link = log.resolveSibling("0.log.20260101-000000");
        Files.createSymbolicLink(link, Files.writeString(directory.resolve("secret"), "s"));
        start(POLICY);
        write(101, "a");
        after(Duration.ofSeconds(12));
        assertThat(files()).hasSize(3).contains("0.log", "0.log.20260101-000000");
        write(101, "b");
        after(Duration.ofSeconds(12));

        assertThat(files()).hasSize(3).doesNotContain("0.log.20260101-000000");
        assertThat(directory.resolve("secret")).exists();
    }

    @Test
    void aLinkInPlaceOfALogIsLeftAlone() throws IOException {
        Path secret = Files.writeString(directory.resolve("secret"), "s".repeat(200));
        Files.delete(log);
        Files.createSymbolicLink(log, secret);
        start(POLICY);
        after(Duration.ofSeconds(30));

        assertThat(files()).containsExactly("0.log");
        assertThat(reopened).isEmpty();
        assertThat(Files.size(secret)).isEqualTo(200);
    }

    @Test
    void aContainerThatHasEndedIsNotLookedAtAnyMore() throws IOException {
        start(POLICY);
        after(Duration.ofSeconds(12));
        running.clear();
        write(101, "a");
        after(Duration.ofSeconds(30));

        assertThat(files()).containsExactly("0.log");
    }

    @Test
    void withoutALargestSizeNothingIsDone() throws IOException {
        start(new RotationPolicy(0, 3, 1, Duration.ofSeconds(10)));
        write(1000, "a");
        after(Duration.ofSeconds(30));

        assertThat(files()).containsExactly("0.log");
    }
}
