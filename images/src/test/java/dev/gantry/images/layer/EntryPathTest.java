package dev.gantry.images.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EntryPathTest {
    @ParameterizedTest(name = "{0} is {1}, {2}")
    @CsvSource({
        "./a/b, a/b, PLAIN",
        "/a//b/, a/b, PLAIN",
        "a/../b, b, PLAIN",
        "./, '', PLAIN",
        "'', '', PLAIN",
        "a/.wh.b, a/.wh.b, WHITEOUT",
        ".wh.b, .wh.b, WHITEOUT",
        "a/.wh..wh..opq, a/.wh..wh..opq, OPAQUE",
        ".wh..wh.plnk, .wh..wh.plnk, IGNORED",
        ".wh..wh.plnk/1.2, .wh..wh.plnk/1.2, IGNORED",
        ".wh..wh.aufs, .wh..wh.aufs, IGNORED",
    })
    void namesAreCleanedAndUnderstood(String name, String path, EntryPath.Kind kind) throws Exception {
        EntryPath parsed = EntryPath.of(name, LayerLimits.DEFAULTS);

        assertThat(parsed).hasToString(path);
        assertThat(parsed.kind()).isEqualTo(kind);
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", "../x", "a/../../x", "/../etc/passwd", ".wh.", "a/.wh..", ".wh...", "a/.wh.b/c"})
    void namesThatLeaveTheRootOrMeanNothingAreRefused(String name) {
        assertThatExceptionOfType(LayerFormatException.class)
                .isThrownBy(() -> EntryPath.of(name, LayerLimits.DEFAULTS).kind());
    }

    @Test
    void depthIsBounded() {
        assertThatExceptionOfType(LayerFormatException.class)
                .isThrownBy(() -> EntryPath.of("a/".repeat(257), LayerLimits.DEFAULTS))
                .withMessageContaining("deeper than 256");
    }
}
