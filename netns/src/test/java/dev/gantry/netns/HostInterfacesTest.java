package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.netlink.InterfaceAddress;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.linux.netlink.Link;
import dev.gantry.linux.netlink.Route;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostInterfacesTest {
    private static final int ETH0 = 2;
    private static final int WLAN0 = 3;
    private static final int BRIDGE = 4;
    private static final NetworkNames NAMES = new NetworkNames("");

    @TempDir
    Path directory;

    @Test
    void theUplinkIsBehindTheMostPreferredDefaultRoute() {
        HostInterfaces host =
                host(route("0.0.0.0/0", ETH0, 600), route("0.0.0.0/0", WLAN0, 100), route("::/0", ETH0, 1));

        assertThat(host.uplink()).map(Link::name).contains("wlan0");
        assertThat(host.mtu()).isEqualTo(1400);
        assertThat(host.hostAddresses())
                .extracting(InetAddress::getHostAddress)
                .containsExactly("198.51.100.7", "2001:db8:0:0:0:0:0:2");
    }

    @Test
    void aHostWithoutUplinkHasAnAddressAndAnMtuAllTheSame() {
        HostInterfaces host = host();

        assertThat(host.uplink()).isEmpty();
        assertThat(host.mtu()).isEqualTo(1500);
        assertThat(host.hostAddresses())
                .extracting(InetAddress::getHostAddress)
                .containsExactly("192.0.2.2", "2001:db8:0:0:0:0:0:2");
    }

    @ParameterizedTest
    @CsvSource({
        "10.88.0.0/24, false, true",
        "10.88.0.0/22, false, true",
        "10.0.0.0/8, false, false",
        "10.0.0.0/8, true, true",
        "0.0.0.0/0, true, false",
        "192.0.2.0/24, true, false",
    })
    void aRouteIsInTheWayIfItIsNarrowerOrIfNothingAtAllMayOverlap(
            String destination, boolean strictly, boolean expected) {
        HostInterfaces host = host(route(destination, ETH0, 0), route("10.88.0.0/22", BRIDGE, 0));

        assertThat(host.conflict(IpPrefix.parse("10.88.0.0/22"), BRIDGE, strictly))
                .isEqualTo(expected ? Optional.of(route(destination, ETH0, 0)) : Optional.empty());
    }

    @Test
    void aFreeNetworkIsFoundAndKept() throws IOException {
        HostInterfaces host = host(route("10.86.0.0/21", ETH0, 0));

        PodSubnet chosen = PodCidrs.choose(directory, NAMES, host);

        assertThat(chosen).hasToString("10.86.8.0/22");
        assertThat(PodCidrs.choose(directory, NAMES, host())).isEqualTo(chosen);
        assertThat(PodCidrs.choose(directory, NAMES, host(route("10.86.8.0/24", ETH0, 0))))
                .hasToString("10.86.0.0/22");
    }

    @Test
    void aWideRouteIsNarrowedIfThereIsNoOtherWay() throws IOException {
        assertThat(PodCidrs.choose(directory, NAMES, host(route("10.0.0.0/8", ETH0, 0))))
                .hasToString("10.86.0.0/22");
    }

    @Test
    void noFreeNetworkIsSaid() {
        Route[] all = IntStream.range(0, 256)
                .mapToObj(third -> route("10.86." + third + ".0/24", ETH0, 0))
                .toArray(Route[]::new);

        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> PodCidrs.choose(directory, NAMES, host(all)))
                .withMessage("no network for pods: every part of 10.86.0.0/16 has a route on this host already; name a"
                        + " free network with --pod-cidr");
    }

    private static HostInterfaces host(Route... routes) {
        return new HostInterfaces(
                List.of(
                        link(1, "lo", 65_536),
                        link(ETH0, "eth0", 1500),
                        link(WLAN0, "wlan0", 1400),
                        link(BRIDGE, "gantry0", 1500)),
                Stream.of(
                                address(1, "127.0.0.1/8", 0x80),
                                address(ETH0, "192.0.2.3/24", 0x01),
                                address(ETH0, "192.0.2.2/24", 0x80),
                                address(WLAN0, "198.51.100.7/24", 0x80),
                                address(ETH0, "2001:db8::3/64", 0x20),
                                address(ETH0, "2001:db8::2/64", 0x80))
                        .toList(),
                List.of(routes));
    }

    private static Link link(int index, String name, int mtu) {
        return new Link(index, name, true, mtu, OptionalInt.empty(), "", "", Optional.empty());
    }

    private static InterfaceAddress address(int index, String prefix, int flags) {
        return new InterfaceAddress(index, IpPrefix.parse(prefix), true, flags);
    }

    private static Route route(String destination, int index, int priority) {
        return new Route(IpPrefix.parse(destination), Optional.empty(), OptionalInt.of(index), priority);
    }
}
