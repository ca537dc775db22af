package dev.gantry.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlatformTest {
    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "linux/x86_64, linux/amd64",
        "linux/amd64/v1, linux/amd64",
        "Linux/AArch64, linux/arm64/v8",
        "linux/arm64, linux/arm64/v8",
        "linux/arm, linux/arm/v7",
        "linux/armhf, linux/arm/v7",
        "linux/armel, linux/arm/v6",
        "linux/arm/6, linux/arm/v6",
        "linux/i386, linux/386",
    })
    void differentSpellingsAreOne(String text, String normal) {
        assertThat(Platform.parse(text)).hasToString(normal);
    }

    @ParameterizedTest(name = "on {0} run {1}")
    @CsvSource({
        "linux/amd64/v3, amd64/v3 amd64/v2 amd64 386",
        "linux/arm64, arm64/v8 arm/v8 arm/v7 arm/v6 arm/v5",
        "linux/arm64/v8.2, arm64/v8.2 arm64/v8.1 arm64/v8 arm/v8 arm/v7 arm/v6 arm/v5",
        "linux/arm/v6, arm/v6 arm/v5",
        "linux/s390x, s390x",
    })
    void olderLevelsRunOnNewerMachines(String machine, String runnable) {
        List<String> found = Platform.parse(machine).runnable().stream()
                .map(p -> p.toString().substring("linux/".length()))
                .toList();

        assertThat(String.join(" ", found)).isEqualTo(runnable);
    }

    @Test
    void armV9RunsWhatItsMinorImplies() {
        assertThat(Platform.parse("linux/arm64/v9.1").runnable())
                .startsWith(
                        Platform.parse("linux/arm64/v9.1"),
                        Platform.parse("linux/arm64/v9"),
                        Platform.parse("linux/arm64/v8.6"))
                .contains(Platform.parse("linux/arm64/v8"), Platform.parse("linux/arm/v7"));
    }

    @Test
    void nonsenseIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> Platform.parse("amd64"));
        assertThatIllegalArgumentException().isThrownBy(() -> Platform.parse("a/b/c/d"));
    }
}
