package dev.gantry.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class HelperProgramTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @Test
    void statusAndBothOutputsAreTold() throws IOException {
        assertThat(HelperProgram.run(List.of("sh", "-c", "cat; echo one; echo two >&2; exit 3"), PATIENCE))
                .isEqualTo(new HelperProgram.Result(3, "one\ntwo"));
    }

    @Test
    void oneThatDoesNotEndIsKilled() {
        assertThatIOException()
                .isThrownBy(() -> HelperProgram.run(List.of("sleep", "1000"), Duration.ZERO))
                .withMessage("[sleep, 1000]: no end within 0 s");
    }

    @Test
    void oneThatIsNotThereIsNamed() {
        assertThatIOException()
                .isThrownBy(() -> HelperProgram.run(List.of("/no/such/program"), PATIENCE))
                .withMessageContaining("/no/such/program");
    }
}
