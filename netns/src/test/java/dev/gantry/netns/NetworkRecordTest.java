package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.linux.netlink.IpPrefix;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

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
        assertThat(RECORD.format()).isEqualTo("""
                        pod=default/web
                        address=10.88.0.2/22
                        address=fd00:88::2/64
                        port=TCP * 8080 80
                        port=UDP ::1 53 5353
                        end
                        """);
        assertThat(NetworkRecord.parse("a", RECORD.format())).contains(RECORD);
    }

    @Test
    void noPartOfItIsTakenForTheWhole() {
        String text = RECORD.format();
        for (int length = 0; length < text.length(); length++) {
            assertThat(NetworkRecord.parse("a", text.substring(0, length))).isEmpty();
        }
    }

    @Test
    void nonsenseIsNoRecord() {
        assertThat(NetworkRecord.parse("a", "address=10.88\nend\n")).isEmpty();
        assertThat(NetworkRecord.parse("a", "port=TCP\nend\n")).isEmpty();
        assertThat(NetworkRecord.parse("a", "port=TCP * 99999 80\nend\n")).isEmpty();
    }
}
