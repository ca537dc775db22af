package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageWorkTest {
    @ParameterizedTest(name = "{0} ms is {1}")
    @CsvSource({"0, 0ms", "7, 7ms", "1000, 1s", "1234, 1.234s", "1500, 1.5s", "60000, 1m0s", "83050, 1m23.05s"})
    void durationsReadAsInTheKubeletsEvents(long millis, String text) {
        assertThat(ImageWork.text(Duration.ofMillis(millis))).isEqualTo(text);
    }
}
