package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.linux.netlink.IpPrefix;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NetworkRecordTest {
    private static final NetworkRecord RECORD = new NetworkRecord(
            "a",
            "default/web",
            List.of(IpPrefix.parse("10.88.0.2/22"), IpPrefix.parse("fd00:88::2/64")),
            List.of(
                    new PortMapping(PortProtocol.TCP, Optional.empty(), 8080, 80),
                    new PortMapping(PortProtocol.UDP, Optional.of(IpPrefix.parseAddress("::1")), 53, 5353)));

    @Test
    void readsWhatItWrote() {
        assertThat(RECORD.format()).isEqualTo("a default/web 10.88.0.2/22,fd00:88::2/64 TCP|*|8080|80,UDP|::1|53|5353");
        assertThat(NetworkRecord.parse(RECORD.format())).contains(RECORD);
        NetworkRecord plain = new NetworkRecord("a", "default/web", List.of(), List.of());
        assertThat(NetworkRecord.parse(plain.format())).contains(plain);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a",
                "a default/web 10.88.0.2/22",
                "a default/web 10.88 ",
                "a b 10.88.0.2/22 TCP",
                "a b  TCP|*|99999|80",
                "a b c d e"
            })
    void nonsenseIsNoRecord(String text) {
        assertThat(NetworkRecord.parse(text)).isEmpty();
    }
}
