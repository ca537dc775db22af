package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.gantry.linux.netlink.IpPrefix;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PodSubnetTest {
    @ParameterizedTest
    @CsvSource({
        "10.88.0.0/30, 10.88.0.1, 1",
        "10.88.0.0/24, 10.88.0.1, 253",
        "10.88.0.0/22, 10.88.0.1, 1021",
        "fd00:88::/126, fd00:88::1, 2",
        "fd00:88::/64, fd00:88::1, 1048574",
    })
    void theFirstAddressIsTheGatewaysAndTheLastOfIpv4IsForBroadcasts(String cidr, String gateway, int capacity) {
        PodSubnet subnet = subnet(cidr);

        assertThat(subnet.gateway()).isEqualTo(ip(gateway));
        assertThat(subnet.capacity()).isEqualTo(capacity);
    }

    @Test
    void allAddressesAreGivenOutBeforeOneIsAgain() {
        PodSubnet subnet = subnet("10.88.255.248/29");
        Set<InetAddress> used = new HashSet<>();
        Optional<InetAddress> last = Optional.of(ip("10.88.255.252"));
        for (int i = 0; i < subnet.capacity(); i++) {
            last = subnet.nextFree(last, address -> !used.contains(address));
            used.add(last.orElseThrow());
        }

        assertThat(used)
                .extracting(InetAddress::getHostAddress)
                .containsExactlyInAnyOrder(
                        "10.88.255.250", "10.88.255.251", "10.88.255.252", "10.88.255.253", "10.88.255.254");
        assertThat(last).contains(ip("10.88.255.252"));
        assertThat(subnet.nextFree(last, address -> !used.contains(address))).isEmpty();
    }

    @Test
    void theFirstPodHasTheSecondAddress() {
        assertThat(subnet("10.88.0.0/22").nextFree(Optional.empty(), address -> true))
                .contains(ip("10.88.0.2"));
        assertThat(subnet("fd00:88::/64").nextFree(Optional.empty(), address -> true))
                .contains(ip("fd00:88::2"));
        assertThat(subnet("10.88.0.0/22").nextFree(Optional.of(ip("10.99.0.7")), address -> true))
                .contains(ip("10.88.0.2"));
    }

    @ParameterizedTest
    @CsvSource({
        "10.88.0.0/31, pod CIDR 10.88.0.0/31: the prefix has 8 to 30 bits",
        "fd00::/127, pod CIDR fd00::/127: the prefix has 8 to 126 bits",
        "10.88.0.1/24, 'pod CIDR 10.88.0.1/24 has bits behind its prefix; did you mean 10.88.0.0/24?'",
        "127.0.0.0/8, pod CIDR 127.0.0.0/8 is not for hosts",
        "224.0.0.0/24, pod CIDR 224.0.0.0/24 is not for hosts",
    })
    void networksThatCannotBeArePointedOut(String cidr, String message) {
        assertThatIllegalArgumentException().isThrownBy(() -> subnet(cidr)).withMessage(message);
    }

    @Test
    void hardwareAndLinkLocalAddressesFollowFromTheAddress() {
        byte[] hardware = PodSubnet.hardwareAddress(ip("10.88.0.2"));

        assertThat(HexFormat.ofDelimiter(":").formatHex(hardware)).isEqualTo("0a:58:0a:58:00:02");
        assertThat(PodSubnet.linkLocal(hardware)).hasToString("fe80::858:aff:fe58:2/64");
    }

    @Test
    void atMostOneNetworkOfEachFamily() {
        assertThat(PodNetworkConfig.parsePodCidrs(" 10.88.0.0/22, fd00:88::/64 "))
                .hasSize(2);
        assertThat(PodNetworkConfig.parsePodCidrs("")).isEmpty();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PodNetworkConfig(
                        Path.of("x"), new NetworkNames(""), List.of(subnet("10.88.0.0/24"), subnet("10.99.0.0/24"))))
                .withMessage("--pod-cidr takes at most one IPv4 and one IPv6 network, not [10.88.0.0/24,"
                        + " 10.99.0.0/24]");
    }

    @Test
    void namesFitTheKernelAndTellAgentsApart() {
        NetworkNames usual = NetworkNames.forRoot(Path.of("/var/lib/gantry/"), Path.of("/var/lib/gantry"));
        NetworkNames other = NetworkNames.forRoot(Path.of("/tmp/x"), Path.of("/var/lib/gantry"));

        assertThat(usual.bridge()).isEqualTo("gantry0");
        assertThat(usual.table()).isEqualTo("gantry");
        assertThat(other.bridge()).matches("gantry-[0-9a-f]{8}").isEqualTo(other.table());
        assertThat(other.veth("a")).matches("veth[0-9a-f]{11}").isNotEqualTo(usual.veth("a"));
        assertThat(other.removalGroup()).isNotEqualTo(usual.removalGroup()).isPositive();
    }

    private static PodSubnet subnet(String cidr) {
        return new PodSubnet(IpPrefix.parse(cidr));
    }

    private static InetAddress ip(String text) {
        return IpPrefix.parseAddress(text);
    }
}
