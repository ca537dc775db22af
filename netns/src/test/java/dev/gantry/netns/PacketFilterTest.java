package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.linux.netlink.NetlinkRequest;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PacketFilterTest {
    private static final List<InetAddress> POD =
            List.of(IpPrefix.parseAddress("10.88.0.2"), IpPrefix.parseAddress("fd00:88::2"));
    private static final PacketFilter FILTER =
            new PacketFilter(new NetworkNames(""), List.of(IpPrefix.parse("10.88.0.0/22")));

    @Test
    void aPortOfAllAddressesIsAnElementOfEachFamilysMap() {
        List<PacketFilter.HostPort> ports = PacketFilter.hostPorts(POD, List.of(port("", 8080)));

        assertThat(ports).hasSize(2).allMatch(PacketFilter.HostPort::anyHostIp);
        assertThat(hex(ports.get(0).element().key())).isEqualTo("06000000" + "1f900000");
        assertThat(hex(ports.get(0).element().value())).isEqualTo("0a580002" + "00500000");
        assertThat(hex(ports.get(1).element().value())).isEqualTo("fd000088000000000000000000000002" + "00500000");
    }

    @ParameterizedTest
    @CsvSource({"192.0.2.2, 1, false", "2001:db8::2, 1, true", "127.0.0.1, 0, false", "::1, 0, false"})
    void aPortOfOneAddressIsAnElementOfThatFamilysMapUnlessItIsLoopback(String hostIp, int count, boolean ipv6) {
        List<PacketFilter.HostPort> ports = PacketFilter.hostPorts(POD, List.of(port(hostIp, 8080)));

        assertThat(ports).hasSize(count).allMatch(port -> !port.anyHostIp() && port.ipv6() == ipv6);
    }

    @Test
    void theTableIsReplacedInOneTransaction() {
        Stream<String> words = FILTER.replace(PacketFilter.hostPorts(POD, List.of(port("", 8080)))).stream()
                .map(NetlinkRequest::what)
                .map(what -> what.replace("nf_tables: ", ""));

        assertThat(words)
                .startsWith(
                        "begin of an nf_tables transaction",
                        "add table inet gantry",
                        "delete table inet gantry",
                        "add table inet gantry",
                        "add map inet gantry hostports_ip")
                .endsWith(
                        "add elements to map inet gantry hostports_anyip",
                        "add elements to map inet gantry hostports_anyip6",
                        "end of an nf_tables transaction");
    }

    @Test
    void aPodsPortsComeAndGoInOneTransaction() {
        List<PacketFilter.HostPort> ports =
                PacketFilter.hostPorts(POD, List.of(port("", 8080), port("", 8081), port("192.0.2.2", 8082)));

        assertThat(FILTER.publish(ports)).hasSize(2 + 3);
        assertThat(FILTER.withdraw(ports)).hasSize(2 + 3);
    }

    private static PortMapping port(String hostIp, int hostPort) {
        return new PortMapping(
                PortProtocol.TCP,
                Optional.of(hostIp).filter(text -> !text.isEmpty()).map(IpPrefix::parseAddress),
                hostPort,
                80);
    }

    private static String hex(byte... bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
