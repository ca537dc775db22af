package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RevisionFilesTest {
    private static final String FILE = "/etc/kubernetes/manifests/web.yaml";

    @TempDir
    Path state;

    @Test
    void whatIsKeptIsThereForTheNextAgentAndForNobodyElse() throws IOException {
        keep("first: 1\n");
        keep("kind: Pod\n# \u00fc\n");

        assertThat(files().load()).hasSize(1);
        assertThat(loaded()).isEqualTo("kind: Pod\n# \u00fc\n");
        assertThat(onDisk())
                .singleElement()
                .satisfies(file -> assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                        .isEqualTo("rw-------"));
    }

    @Test
    void nothingIsThereAtTheFirstStart() {
        assertThat(files().load()).isEmpty();
    }

    @Test
    void whatIsForgottenIsGone() throws IOException {
        keep("kind: Pod\n");

        files().forget(FILE);
        files().forget(FILE);

        assertThat(files().load()).isEmpty();
        assertThat(onDisk()).isEmpty();
    }

    @Test
    void whatDidNotReachTheDiskWholeCountsForNothing() throws IOException {
        keep("kind: Pod\nmetadata: {name: web}\n");
        Path file = onDisk().get(0);
        byte[] content = Files.readAllBytes(file);

        for (int length = 0; length < content.length; length++) {
            Files.write(file, java.util.Arrays.copyOf(content, length));
            assertThat(files().load()).as("cut at %d", length).isEmpty();
        }
    }

    private void keep(String content) {
        files().keep(FILE, content.getBytes(StandardCharsets.UTF_8));
    }

    private RevisionFiles files() {
        return new RevisionFiles(state.resolve("manifests"));
    }

    private String loaded() {
        return new String(files().load().get(FILE), StandardCharsets.UTF_8);
    }

    private List<Path> onDisk() throws IOException {
        try (Stream<Path> files = Files.list(state.resolve("manifests"))) {
            return files.toList();
        }
    }
}
