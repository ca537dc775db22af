package dev.gantry.probes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProbeHistoryTest {
    private static final ProbeAction ACTION = new ProbeAction.TcpSocket("127.0.0.1", 80);

    // P passed, W passed with a warning, F failed, n not tried
    @ParameterizedTest(name = "{0}: {3} at {1} successes and {2} failures is {4}")
    @CsvSource({
        "LIVENESS, 1, 3, '', HEALTHY",
        "LIVENESS, 1, 3, FF, HEALTHY",
        "LIVENESS, 1, 3, FFF, UNHEALTHY",
        "LIVENESS, 1, 3, FFPFF, HEALTHY",
        "LIVENESS, 1, 3, FFnF, UNHEALTHY",
        "LIVENESS, 1, 1, F, UNHEALTHY",
        "LIVENESS, 1, 3, nnnn, HEALTHY",
        "READINESS, 1, 3, '', UNHEALTHY",
        "READINESS, 1, 3, P, HEALTHY",
        "READINESS, 1, 3, W, HEALTHY",
        "READINESS, 3, 3, PP, UNHEALTHY",
        "READINESS, 3, 3, PPFPP, UNHEALTHY",
        "READINESS, 3, 3, PPFPPP, HEALTHY",
        "READINESS, 2, 2, PPFPF, HEALTHY",
        "READINESS, 2, 2, PPFF, UNHEALTHY",
        "STARTUP, 1, 3, FF, UNKNOWN",
        "STARTUP, 1, 3, FFP, HEALTHY",
        "STARTUP, 1, 3, FFF, UNHEALTHY",
    })
    void aRunAsLongAsTheThresholdDecides(
            ProbeKind kind, int successes, int failures, String results, ProbeVerdict expected) {
        ProbeSpec spec = new ProbeSpec(
                ACTION, Duration.ZERO, Duration.ofSeconds(10), Duration.ofSeconds(1), successes, failures);

        ProbeHistory history = ProbeHistory.startingAs(kind.initialVerdict());
        for (char result : results.toCharArray()) {
            history = history.after(result(result), spec);
        }

        assertThat(history.verdict()).isEqualTo(expected);
    }

    @Test
    void theRunOfAProbeThatAlwaysPassesDoesNotOverflow() {
        ProbeSpec spec = ProbeSpec.withDefaults(ACTION);

        ProbeHistory history = new ProbeHistory(ProbeVerdict.HEALTHY, true, 1).after(result('P'), spec);

        assertThat(history).isEqualTo(new ProbeHistory(ProbeVerdict.HEALTHY, true, 1));
    }

    @Test
    void aThresholdBelowOneCannotBeBuilt() {
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> new ProbeSpec(ACTION, Duration.ZERO, Duration.ofSeconds(1), Duration.ofSeconds(1), 0, 3))
                .withMessage("thresholds are below 1: success 0, failure 3");
    }

    private static ProbeResult result(char letter) {
        return switch (letter) {
            case 'P' -> new ProbeResult.Passed("");
            case 'W' -> new ProbeResult.Warned("");
            case 'F' -> new ProbeResult.Failed("");
            default -> new ProbeResult.NotTried("");
        };
    }
}
