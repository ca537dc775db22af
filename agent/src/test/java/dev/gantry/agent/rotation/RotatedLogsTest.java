package dev.gantry.agent.rotation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.rotation.RotatedLogs.Plan;
import dev.gantry.agent.rotation.RotatedLogs.Rotated;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RotatedLogsTest {
    private static final Instant NOW = Instant.parse("2026-01-02T15:04:05.9Z");

    private static RotationPolicy keeping(int files) {
        return new RotationPolicy(100, files, 1, Duration.ofSeconds(10));
    }

    @ParameterizedTest(name = "{0} files, present {1}: delete {2}, compress {3}")
    @CsvSource(
            nullValues = "-",
            value = {
                "2, -, -, -",
                "2, 1, 1, -",
                "3, 1, -, 1",
                "3, 1.gz, -, -",
                "5, 1.gz 2.gz 3, -, 3",
                "5, 1.gz 2.gz 3.gz 4, 1.gz, 4",
                "5, 1 2 3 4 5, 1 2, 3 4 5",
                "5, 1.gz.tmp 1, 1.gz.tmp, 1",
                "5, 1.gz 1 2, 1.gz, 1 2",
            })
    void aRotationDeletesWhatIsTooOldAndCompressesTheRest(int files, String present, String delete, String compress) {
        Plan plan = RotatedLogs.plan("0.log", names(present), keeping(files), NOW);

        assertThat(plan.delete()).containsExactlyElementsOf(names(delete));
        assertThat(plan.compress()).containsExactlyElementsOf(names(compress));
        assertThat(plan.renameTo()).isEqualTo("0.log.20260102-150405");
    }

    private static List<String> names(String words) {
        return words == null
                ? List.of()
                : List.of(words.split(" ", -1)).stream()
                        .map(word -> "0.log.20260101-00000" + word)
                        .toList();
    }

    @Test
    void othersFilesAreNoneOfItsBusiness() {
        List<String> others = List.of(
                "0.log",
                "1.log",
                "1.log.20260101-000000",
                "10.log",
                "0.log.bak",
                "0.log.tmp",
                "0.log.20260101",
                "0.logs");

        assertThat(RotatedLogs.of("0.log", others)).isEmpty();
        assertThat(RotatedLogs.plan("0.log", others, keeping(2), NOW).delete()).isEmpty();
        assertThat(others)
                .filteredOn(name -> RotatedLogs.belongsTo("0.log", name))
                .containsExactly("0.log");
    }

    @Test
    void namesTellTheOrderAlsoWhereTheClockWasPutBack() {
        Plan plan = RotatedLogs.plan("0.log", List.of("0.log.20260102-235959"), keeping(5), NOW);

        assertThat(plan.renameTo()).isEqualTo("0.log.20260103-000000");
    }

    @Test
    void aFileThatIsThereTwiceCountsOnce() {
        assertThat(RotatedLogs.of(
                        "0.log",
                        List.of("0.log.20260102-000000.gz", "0.log.20260101-000000.gz", "0.log.20260102-000000")))
                .containsExactly(
                        new Rotated("0.log.20260101-000000.gz", "20260101-000000", true),
                        new Rotated("0.log.20260102-000000", "20260102-000000", false));
    }

    @ParameterizedTest(name = "from {0} to {1} bytes in {2} ms: {3} ms")
    @CsvSource({
        "0, 0, 10000, 10000",
        "50, 50, 10000, 10000",
        "90, 10, 10000, 10000",
        "10, 20, 10000, 10000",
        "10, 60, 10000, 8000",
        "0, 80, 10000, 2500",
        "0, 99, 1000, 1000",
        "0, 50, 0, 10000",
    })
    void aLogThatGrowsQuicklyIsLookedAtEarlier(long before, long now, long sinceMillis, long millis) {
        assertThat(LogGrowth.untilNextLook(keeping(2), before, now, Duration.ofMillis(sinceMillis)))
                .isEqualTo(Duration.ofMillis(millis));
    }
}
