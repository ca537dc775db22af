package dev.gantry.linux.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpPrefixTest {
    @ParameterizedTest
    @CsvSource({
        "10.88.1.7/22, 10.88.0.0/22",
        "10.88.1.7/32, 10.88.1.7/32",
        "10.88.1.7/0, 0.0.0.0/0",
        "fd00:88::1:2/64, fd00:88::/64",
        "2001:db8:0:1:0:0:0:1/128, 2001:db8:0:1::1/128",
        "1:0:2:3:4:5:6:7/128, 1:0:2:3:4:5:6:7/128",
    })
    void theNetworkHasNoBitsBehindThePrefix(String prefix, String network) {
        assertThat(IpPrefix.parse(prefix).network()).hasToString(network);
    }

    @ParameterizedTest
    @CsvSource({
        "10.88.0.0/16, 10.88.4.0/22, true",
        "10.88.4.0/22, 10.88.0.0/16, true",
        "10.88.0.0/22, 10.88.4.0/22, false",
        "10.88.0.0/22, fd00::/64, false",
        "fd00::/8, fd00:88::/64, true",
        "0.0.0.0/0, 10.88.0.0/22, true",
        "10.88.0.7/32, 10.88.0.7/32, true",
        "10.88.0.6/32, 10.88.0.7/32, false",
        "10.88.0.128/25, 10.88.0.255/32, true",
        "10.88.0.128/25, 10.88.0.127/32, false",
    })
    void networksOverlapIfOneContainsTheOther(String one, String other, boolean expected) {
        assertThat(IpPrefix.parse(one).overlaps(IpPrefix.parse(other))).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "10.88.0.0",
                "10.88.0.0/33",
                "10.88.0/22",
                "fd00::/129",
                "host/8",
                "10.88.0.0/x",
                "fd00::%eth0/64",
                "1.2.3.999/8"
            })
    void whatIsNoPrefixIsRefused(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> IpPrefix.parse(text));
    }

    @Test
    void theErrorSaysWhatWasExpected() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> IpPrefix.parse("10.88.0.0"))
                .withMessage("no prefix length: '10.88.0.0' (expected e.g. 10.88.0.0/22)");
    }
}
