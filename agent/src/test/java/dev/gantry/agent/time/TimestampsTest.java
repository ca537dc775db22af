package dev.gantry.agent.time;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TimestampsTest {
    @ParameterizedTest
    @ValueSource(
            strings = {"1970-01-01T00:00:00Z", "2026-02-28T23:59:59Z", "2024-02-29T01:02:03Z", "0999-12-31T00:00:00Z"})
    void aPointInTimeIsWrittenInWholeSecondsOfUtc(String text) {
        assertThat(Timestamps.format(Instant.parse(text).plusMillis(999))).isEqualTo(text);
    }
}
