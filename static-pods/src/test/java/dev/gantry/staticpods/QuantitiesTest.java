package dev.gantry.staticpods;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantitiesTest {
    @ParameterizedTest(name = "{0} is {1} and {2} thousandths")
    @CsvSource({
        "1, 1, 1000",
        "500m, 1, 500",
        "1.5, 2, 1500",
        "100u, 1, 1",
        "1n, 1, 1",
        "2k, 2000, 2000000",
        "1M, 1000000, 1000000000",
        "64Mi, 67108864, 67108864000",
        "1.5Gi, 1610612736, 1610612736000",
        "1e3, 1000, 1000000",
        "12E-1, 2, 1200",
        "1E, 1000000000000000000, 9223372036854775807",
        "-1, -1, -1000",
        "+2, 2, 2000",
        ".5, 1, 500",
    })
    void aQuantityHasAnExactValueThatIsRoundedUp(String text, long units, long milli) {
        assertThat(Quantities.units(Quantities.quantity(text))).isEqualTo(units);
        assertThat(Quantities.milli(Quantities.quantity(text))).isEqualTo(milli);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "m", "1K", "64MB", "1mi", "1 Mi", "one", "1e", "1e12345", "1.2.3", "--1", "1-2", "0x10"})
    void whatIsNotAQuantityIsNull(String text) {
        assertThat(Quantities.parse(text)).isNull();
    }
}
