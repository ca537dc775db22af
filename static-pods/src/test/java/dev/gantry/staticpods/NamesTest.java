package dev.gantry.staticpods;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lengths of names: the API bounds a subdomain as a whole, not its labels as DNS does. */
class NamesTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 63, 64, 253})
    void aPodMayHaveALongName(int length) {
        assertThat(Names.subdomain("n".repeat(length))).isEmpty();
    }

    @Test
    void whatIsTooLongIsToldTheMost() {
        assertThat(Names.subdomain("n".repeat(254))).isEqualTo(Optional.of("must be no more than 253 characters"));
        assertThat(Names.label("n".repeat(63))).isEmpty();
        assertThat(Names.label("n".repeat(64))).isEqualTo(Optional.of("must be no more than 63 characters"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "a.", "-a", "a-.b", "A", "a_b", "a..b"})
    void whatIsNoSubdomainIsToldTheRule(String name) {
        assertThat(Names.subdomain(name))
                .hasValueSatisfying(
                        rule -> assertThat(rule).startsWith("a lowercase RFC 1123 subdomain must consist of"));
    }
}
