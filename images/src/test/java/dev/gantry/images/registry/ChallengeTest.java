package dev.gantry.images.registry;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ChallengeTest {
    @Test
    void parametersMayBeQuotedOrNot() {
        assertThat(Challenge.parse(List.of(
                        "Bearer realm=\"https://a.example/token\",service=reg,scope=\"repository:a/b:pull,push\"")))
                .containsExactly(new Challenge(
                        "bearer",
                        Map.of(
                                "realm",
                                "https://a.example/token",
                                "service",
                                "reg",
                                "scope",
                                "repository:a/b:pull,push")));
    }

    @Test
    void severalChallengesFitOneHeader() {
        assertThat(Challenge.parse(List.of("Basic realm=\"x, y\" , Bearer realm=\"z\\\"q\"", "Negotiate")))
                .extracting(Challenge::scheme)
                .containsExactly("basic", "bearer", "negotiate");
        assertThat(Challenge.parse(List.of("BEARER realm=\"z\\\"q\""))
                        .get(0)
                        .parameter("REALM".toLowerCase(java.util.Locale.ROOT)))
                .isEqualTo("z\"q");
    }

    @Test
    void malformedHeadersEndWithoutAnError() {
        for (String header : List.of("", ",", "=", "\"", "Bearer realm=\"unclosed", "Bearer =x", "a b c d", " , , ")) {
            assertThat(Challenge.parse(List.of(header))).isNotNull();
        }
    }
}
