package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
    @TempDir
    Path directory;

    @Test
    void filesAppearBehindTheDataLink() throws IOException {
        new AtomicFiles(directory, OptionalInt.empty())
                .write("1", List.of(file("a", "one", 0644), file("d/b", "two", 0400)));

        assertThat(directory.resolve("a")).hasContent("one").isSymbolicLink();
        assertThat(directory.resolve("d/b")).hasContent("two");
        assertThat(Files.readSymbolicLink(directory.resolve("..data"))).isEqualTo(Path.of("..1"));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("d/b"))))
                .isEqualTo("r--------");
    }

    @Test
    void aNewRevisionReplacesTheWholeOfTheOldOne() throws IOException {
        AtomicFiles files = new AtomicFiles(directory, OptionalInt.empty());
        files.write("1", List.of(file("a", "one", 0644), file("gone", "x", 0644)));

        boolean changed = files.write("2", List.of(file("a", "two", 0644), file("new/c", "y", 0644)));

        assertThat(changed).isTrue();
        assertThat(names()).containsExactly("..2", "..data", "a", "new");
        assertThat(directory.resolve("a")).hasContent("two");
    }

    @Test
    void equalContentIsLeftAlone() throws IOException {
        AtomicFiles files = new AtomicFiles(directory, OptionalInt.empty());
        files.write("1", List.of(file("a", "one", 0644)));

        boolean changed = files.write("2", List.of(file("a", "one", 0644)));

        assertThat(changed).isFalse();
        assertThat(names()).containsExactly("..1", "..data", "a");
    }

    @Test
    void aChangedModeIsAChange() throws IOException {
        AtomicFiles files = new AtomicFiles(directory, OptionalInt.empty());
        files.write("1", List.of(file("a", "one", 0644)));

        assertThat(files.write("2", List.of(file("a", "one", 0600)))).isTrue();
    }

    @Test
    void whatACutOffWriteLeftIsRemoved() throws IOException {
        AtomicFiles files = new AtomicFiles(directory, OptionalInt.empty());
        files.write("1", List.of(file("a", "one", 0644)));
        Files.createDirectories(directory.resolve("..2/half"));
        Files.createSymbolicLink(directory.resolve("..data_tmp"), Path.of("..2"));

        files.write("2", List.of(file("a", "two", 0644)));

        assertThat(names()).containsExactly("..2", "..data", "a");
        assertThat(directory.resolve("a")).hasContent("two");
        assertThat(directory.resolve("..2/half")).doesNotExist();
    }

    @Test
    void noFilesMakeAnEmptyVolume() throws IOException {
        AtomicFiles files = new AtomicFiles(directory, OptionalInt.empty());
        files.write("1", List.of(file("a", "one", 0644)));

        files.write("2", List.of());

        assertThat(names()).containsExactly("..2", "..data");
    }

    private List<String> names() throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
        }
    }

    private static FilePayload file(String path, String content, int mode) {
        return new FilePayload(path, content.getBytes(StandardCharsets.UTF_8), mode, OptionalInt.empty());
    }
}
