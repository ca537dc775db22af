package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CrashLoopTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    /** Waits after each run of a container that ends with the given codes after so many seconds each, in seconds. */
    @ParameterizedTest(name = "{0}/{1} s, clean exits count: {2}; codes {3}, {4} s each: {5}")
    @CsvSource({
        "10, 300, true,  1 1 1 1 1 1 1 1, 0,   0 10 20 40 80 160 300 300",
        "10, 300, true,  0 0 0 0 0 0 0 0, 0,   0 10 20 40 80 160 300 300",
        "10, 300, true,  1 1 1 1,         600, 0 10 20 40",
        "10, 300, true,  1 1 1 1,         601, 0 0 0 0",
        "1,  60,  true,  1 1 1 1 1 1 1 1, 0,   0 1 2 4 8 16 32 60",
        "10, 5,   true,  1 1 1,           0,   0 5 5",
        "10, 1,   true,  1 1 1,           0,   0 1 1",
        "10, 300, false, 0 0 0 0,         0,   0 10 10 10",
        "10, 300, false, 1 1 1 0 1 1,     0,   0 10 20 40 10 20",
        "0,  60,  true,  1 1 1,           0,   0 0 0",
    })
    void waits(int initial, int max, boolean cleanExitsCount, String codes, int seconds, String expected) {
        CrashLoop crashLoop = CrashLoop.of(Duration.ofSeconds(initial), Duration.ofSeconds(max), cleanExitsCount);
        Duration recorded = Duration.ZERO;
        StringBuilder waits = new StringBuilder();
        for (String code : codes.split(" ")) {
            ObservedContainer ended = ended(Integer.parseInt(code), seconds, recorded);
            Instant finished = START.plusSeconds(seconds);
            Instant next = crashLoop.nextStart(ended);
            waits.append(waits.length() == 0 ? "" : " ")
                    .append(
                            next.isBefore(finished)
                                    ? 0
                                    : Duration.between(finished, next).toSeconds());
            recorded = crashLoop.following(ended);
        }
        assertThat(waits.toString()).isEqualTo(expected);
    }

    private static ObservedContainer ended(int code, int seconds, Duration recorded) {
        return new ObservedContainer(
                "id",
                "sandbox",
                "main",
                0,
                START,
                new ContainerRun.Exited(START, START.plusSeconds(seconds), code, "", ""),
                "busybox",
                "",
                "",
                "",
                Optional.empty(),
                Map.of(Labels.RESTART_BACKOFF_MILLIS, Long.toString(recorded.toMillis())));
    }
}
