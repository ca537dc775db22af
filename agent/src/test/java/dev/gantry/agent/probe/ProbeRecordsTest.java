package dev.gantry.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.probes.ProbeKind;
import dev.gantry.probes.ProbeVerdict;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProbeRecordsTest {
    @TempDir
    Path directory;

    @Test
    void verdictsAreReadAsTheyWereWritten() throws Exception {
        ProbeRecords records = new ProbeRecords(directory::resolve);
        Files.createDirectory(directory.resolve("u1"));
        Map<ProbeKind, ProbeVerdict> verdicts =
                Map.of(ProbeKind.STARTUP, ProbeVerdict.HEALTHY, ProbeKind.READINESS, ProbeVerdict.UNHEALTHY);

        records.save("u1", "c1", verdicts);
        assertThat(records.load("u1", "c1")).isEqualTo(verdicts);
        assertThat(records.load("u1", "c2")).isEmpty();
        records.save("u1", "c1", Map.of(ProbeKind.LIVENESS, ProbeVerdict.HEALTHY));
        assertThat(records.load("u1", "c1")).containsOnlyKeys(ProbeKind.LIVENESS);
        records.remove("u1", "c1");
        records.remove("u1", "c1");
        assertThat(records.load("u1", "c1")).isEmpty();
    }

    @Test
    void aPodThatHasGoneGetsNoDirectoryAgain() throws Exception {
        new ProbeRecords(directory::resolve).save("gone", "c1", Map.of(ProbeKind.LIVENESS, ProbeVerdict.HEALTHY));

        assertThat(directory.resolve("gone")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "LIVENESS", "LIVENESS MAYBE", "X HEALTHY", "\0"})
    void aFileThatIsNoRecordSaysNothing(String content) throws Exception {
        Path file = Files.createDirectories(directory.resolve("u1/probes")).resolve("c1");
        Files.writeString(file, content);

        assertThat(new ProbeRecords(directory::resolve).load("u1", "c1")).isEmpty();
    }
}
