package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fd;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.linux.netlink.Netlink;
import dev.gantry.linux.netlink.NetlinkData;
import dev.gantry.linux.netlink.NetlinkRequest;
import dev.gantry.linux.netlink.NfTablesMonitor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class HostPortsTest {
    private static final NetworkNames NAMES = new NetworkNames("");
    private static final List<IpPrefix> SUBNETS = List.of(IpPrefix.parse("10.88.0.0/22"));

    private final FakeNetfilter netfilter = new FakeNetfilter();
    private final HostPorts ports = new HostPorts(NAMES, () -> netfilter);

    @Test
    void aHostWithoutPacketFilterRefusesHostPortsAndSaysWhy() throws Exception {
        HostPorts without = new HostPorts(NAMES, () -> {
            throw new ErrnoException(
                    "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_NETFILTER)", Errno.EPROTONOSUPPORT);
        });

        assertThat(without.setUp(SUBNETS, List.of()))
                .hasToString("[masquerade and hostPort is off:"
                        + " socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_NETFILTER): EPROTONOSUPPORT (errno 93, Protocol not"
                        + " supported) (load the modules nf_tables, nft_nat, nft_masq and nft_fib_inet, and run the agent as"
                        + " root)]");
        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> without.checkSupported(request(8080)))
                .withMessageStartingWith(
                        "pod default/web: hostPort :8080/TCP cannot be opened: masquerade and hostPort is"
                                + " off: socket(AF_NETLINK");
        without.checkSupported(request());
        without.withdraw(record("a", 8080));
    }

    @Test
    void aFlushedRuleSetIsMadeAnewWithEverybodysPorts() throws Exception {
        ports.setUp(SUBNETS, List.of(record("a", 8080)));
        netfilter.sent.clear();
        netfilter.failure = new ErrnoException("netlink: nf_tables: add elements", Errno.ENOENT);

        ports.publish(record("b", 9090));

        assertThat(netfilter.sent)
                .filteredOn(what -> what.contains("elements"))
                .containsExactly("nf_tables: add elements to map inet gantry hostports_anyip");
        assertThat(netfilter.sent).contains("nf_tables: delete table inet gantry");
    }

    @Test
    void whatOthersTakeOutOfTheTableIsWanted() throws Exception {
        assertThat(ports.wants(new NfTablesMonitor.Removal("gantry", 8))).isFalse();
        ports.setUp(SUBNETS, List.of(record("a", 8080)));

        assertThat(ports.wants(new NfTablesMonitor.Removal("gantry", 8))).isTrue();
        assertThat(ports.wants(new NfTablesMonitor.Removal("gantry", 7))).isFalse();
        assertThat(ports.wants(new NfTablesMonitor.Removal("filter", 8))).isFalse();
        netfilter.sent.clear();
        ports.restore();
        assertThat(netfilter.sent)
                .contains(
                        "nf_tables: delete table inet gantry",
                        "nf_tables: add elements to map inet gantry hostports_anyip");
    }

    @Test
    void aPodWithoutPortsCostsNothing() throws Exception {
        ports.setUp(SUBNETS, List.of());
        netfilter.sent.clear();

        ports.publish(record("a"));
        ports.withdraw(record("a"));

        assertThat(netfilter.sent).isEmpty();
    }

    @Test
    void withdrawingTwiceWithdrawsOnce() throws Exception {
        ports.setUp(SUBNETS, List.of(record("a", 8080)));
        netfilter.sent.clear();

        ports.withdraw(record("a", 8080));
        ports.withdraw(record("a", 8080));

        assertThat(netfilter.sent)
                .containsExactly(
                        "begin of an nf_tables transaction",
                        "nf_tables: delete elements of map inet gantry hostports_anyip",
                        "end of an nf_tables transaction");
    }

    private static NetworkRecord record(String id, int... hostPorts) {
        return new NetworkRecord(id, "default/" + id, List.of(IpPrefix.parse("10.88.0.2/22")), mappings(hostPorts));
    }

    private static PodNetworkRequest request(int... hostPorts) {
        return new PodNetworkRequest("a", "default", "web", "uid", Fd.AT_FDCWD, mappings(hostPorts));
    }

    private static List<PortMapping> mappings(int... hostPorts) {
        List<PortMapping> mappings = new ArrayList<>();
        for (int port : hostPorts) {
            mappings.add(new PortMapping(PortProtocol.TCP, Optional.empty(), port, 80));
        }
        return mappings;
    }

    /** Remembers what it was asked; fails once if told to. */
    private static final class FakeNetfilter implements Netlink {
        private final List<String> sent = new ArrayList<>();
        private @Nullable ErrnoException failure;

        @Override
        public void transact(List<NetlinkRequest> requests) throws ErrnoException {
            ErrnoException thrown = failure;
            failure = null;
            if (thrown != null) {
                throw thrown;
            }
            requests.forEach(request -> sent.add(request.what()));
        }

        @Override
        public int port() {
            return 7;
        }

        @Override
        public List<NetlinkData> query(NetlinkRequest request) {
            return List.of();
        }

        @Override
        public void close() {
            sent.clear();
        }
    }
}
