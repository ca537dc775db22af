package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RuntimeVersionTest {
    @ParameterizedTest
    @CsvSource({
        "v1.7.24, 1.7.24",
        "v2.3.4, 2.3.4",
        "1.6.20~ds1, 1.6.20",
        "v2.0.0-rc.1, 2.0.0-rc.1",
        "1.29.0+git5, 1.29.0+git5",
        "0.1.0-SNAPSHOT, 0.1.0-SNAPSHOT",
        "1.29, 1.29",
        "1.29-dev, 1.29",
        "2.1.0-, 2.1.0",
        "latest, latest",
        "7, 7",
        "'', ''",
    })
    void isShownAsTheKubeletShowsIt(String told, String shown) {
        assertThat(RuntimeVersion.shown(told)).isEqualTo(shown);
    }
}
