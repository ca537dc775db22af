package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.netlink.InterfaceAddress;
import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.linux.netlink.Link;
import dev.gantry.linux.netlink.LinkStatistics;
import dev.gantry.linux.netlink.Links;
import dev.gantry.linux.netlink.NetlinkSocket;
import dev.gantry.linux.netlink.NetlinkSocket.Protocol;
import dev.gantry.linux.netlink.NfTables;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole pod network on a host that is itself a network namespace, with a router outside. */
@RequiresRoot
class PodNetworkIT {
    private static final int MTU = 1400;
    private static final String CIDRS = "10.88.0.0/22,fd00:88::/64";
    private static final NetworkNames NAMES = new NetworkNames("");

    @TempDir
    Path directory;

    private final List<AutoCloseable> opened = new ArrayList<>();
    private TestNamespace outside;
    private TestNamespace host;
    private PodNetwork network;

    @BeforeEach
    void open() throws Exception {
        outside = closeLater(TestNamespace.create("outside"));
        host = closeLater(TestNamespace.host(outside, MTU));
        network = closeLater(reopen(CIDRS));
    }

    @AfterEach
    void close() throws Exception {
        for (int i = opened.size() - 1; i >= 0; i--) {
            opened.get(i).close();
        }
    }

    @Test
    void aPodGetsAnAddressOfEachFamilyAndReachesItsNeighbours() throws Exception {
        TestNamespace a = pod();
        TestNamespace b = pod();
        network.add(request("a", a));
        PodAddresses addresses = network.add(request("b", b));
        closeLater(b.run(() -> Echo.tcp("b", 80)));

        assertThat(addresses.ips()).containsExactly(ip("10.88.0.3"), ip("fd00:88::3"));
        assertThat(addresses.gateways()).containsExactly(ip("10.88.0.1"), ip("fd00:88::1"));
        assertThat(addresses.mtu()).isEqualTo(MTU);
        assertThat(a.run(() -> Echo.askTcp("10.88.0.3", 80))).isEqualTo("b to 10.88.0.2");
        assertThat(a.run(() -> Echo.askTcp("fd00:88::3", 80))).isEqualTo("b to fd00:88::2");
        assertThat(host.run(() -> Echo.askTcp("10.88.0.3", 80))).isEqualTo("b to 10.88.0.1");
        assertThat(b.run(() -> Echo.askTcp("127.0.0.1", 80))).isEqualTo("b to 127.0.0.1");
        assertThat(b.run(() -> Echo.askTcp("::1", 80))).isEqualTo("b to ::1");
    }

    @Test
    void whatLeavesTheHostHasTheHostsAddress() throws Exception {
        TestNamespace pod = pod();
        network.add(request("a", pod));
        closeLater(outside.run(() -> Echo.tcp("outside", 80)));
        closeLater(outside.run(() -> Echo.udp("outside", 80)));

        assertThat(pod.run(() -> Echo.askTcp("192.0.2.1", 80))).isEqualTo("outside to 192.0.2.2");
        assertThat(pod.run(() -> Echo.askUdp("192.0.2.1", 80))).isEqualTo("outside to 192.0.2.2");
        assertThat(pod.run(() -> Echo.askTcp("2001:db8::1", 80))).isEqualTo("outside to 2001:db8::2");
    }

    @Test
    void aHostPortLeadsToThePodFromOutsideWithTheClientsAddress() throws Exception {
        TestNamespace pod = podWithPorts("a", port(PortProtocol.TCP, "", 8080), port(PortProtocol.UDP, "", 8080));

        assertThat(outside.run(() -> Echo.askTcp("192.0.2.2", 8080))).isEqualTo("a to 192.0.2.1");
        assertThat(outside.run(() -> Echo.askUdp("192.0.2.2", 8080))).isEqualTo("a to 192.0.2.1");
        assertThat(outside.run(() -> Echo.askTcp("2001:db8::2", 8080))).isEqualTo("a to 2001:db8::1");
        assertThat(outside.run(() -> Echo.askUdp("2001:db8::2", 8080))).isEqualTo("a to 2001:db8::1");
        assertThat(pod.run(() -> Echo.askTcp("127.0.0.1", 80))).isEqualTo("a to 127.0.0.1");
    }

    @Test
    void aHostPortLeadsToThePodFromTheHostItself() throws Exception {
        podWithPorts("a", port(PortProtocol.TCP, "", 8080), port(PortProtocol.UDP, "", 8080));

        for (String address : List.of("192.0.2.2", "10.88.0.1", "127.0.0.1")) {
            assertThat(host.run(() -> Echo.askTcp(address, 8080))).as(address).isEqualTo("a to 10.88.0.1");
            assertThat(host.run(() -> Echo.askUdp(address, 8080))).as(address).isEqualTo("a to 10.88.0.1");
        }
        for (String address : List.of("2001:db8::2", "fd00:88::1", "::1")) {
            assertThat(host.run(() -> Echo.askTcp(address, 8080))).as(address).isEqualTo("a to fd00:88::1");
            assertThat(host.run(() -> Echo.askUdp(address, 8080))).as(address).isEqualTo("a to fd00:88::1");
        }
    }

    @Test
    void aHostPortLeadsToThePodFromAPodAndFromItself() throws Exception {
        TestNamespace neighbour = pod();
        network.add(request("neighbour", neighbour));
        TestNamespace pod = podWithPorts("a", port(PortProtocol.TCP, "", 8080));

        assertThat(neighbour.run(() -> Echo.askTcp("192.0.2.2", 8080))).isEqualTo("a to 10.88.0.1");
        assertThat(pod.run(() -> Echo.askTcp("192.0.2.2", 8080))).isEqualTo("a to 10.88.0.1");
        assertThat(pod.run(() -> Echo.askTcp("2001:db8::2", 8080))).isEqualTo("a to fd00:88::1");
    }

    @Test
    void aHostPortWithAHostIpIsOpenThereOnly() throws Exception {
        podWithPorts("a", port(PortProtocol.TCP, "192.0.2.2", 8080));
        podWithPorts("b", port(PortProtocol.TCP, "127.0.0.1", 8080));
        podWithPorts("c", port(PortProtocol.TCP, "2001:db8::2", 8080));

        assertThat(outside.run(() -> Echo.askTcp("192.0.2.2", 8080))).isEqualTo("a to 192.0.2.1");
        assertThat(outside.run(() -> Echo.askTcp("2001:db8::2", 8080))).isEqualTo("c to 2001:db8::1");
        assertThat(host.run(() -> Echo.askTcp("127.0.0.1", 8080))).isEqualTo("b to 10.88.0.1");
        assertThatIOException().isThrownBy(() -> host.run(() -> Echo.askTcp("10.88.0.1", 8080)));
        assertThatIOException().isThrownBy(() -> host.run(() -> Echo.askTcp("::1", 8080)));
    }

    @Test
    void onlyPacketsForTheHostAreLedToAHostPort() throws Exception {
        TestNamespace neighbour = pod();
        network.add(request("neighbour", neighbour));
        podWithPorts("a", port(PortProtocol.TCP, "", 8080));
        closeLater(outside.run(() -> Echo.tcp("outside", 8080)));

        assertThat(neighbour.run(() -> Echo.askTcp("192.0.2.1", 8080))).isEqualTo("outside to 192.0.2.2");
    }

    @Test
    void noPodReachesWhatListensOnTheHostsLoopback() throws Exception {
        TestNamespace pod = pod();
        network.add(request("a", pod));
        closeLater(host.run(() -> Echo.tcp("secret", 9000)));

        // the other half of the attack: another program has opened the host's loopback network to all interfaces
        host.run(() -> Files.writeString(Path.of("/proc/sys/net/ipv4/conf/all/route_localnet"), "1"));
        pod.run(() -> Files.writeString(Path.of("/proc/sys/net/ipv4/conf/all/route_localnet"), "1"));
        assertThat(shell(
                        pod,
                        "ip addr del 127.0.0.1/8 dev lo && ip route flush table local"
                                + " && ip route add 127.0.0.0/8 via 10.88.0.1 && echo done"))
                .isEqualTo("done\n");

        assertThatIOException().isThrownBy(() -> pod.run(() -> Echo.askTcp("127.0.0.1", 9000)));
        assertThat(host.run(() -> Files.readString(Path.of("/proc/sys/net/ipv4/conf/gantry0/route_localnet"))))
                .isEqualToIgnoringNewLines("0");
    }

    @Test
    void aPortThatAPodHasIsRefusedToTheNext() throws Exception {
        podWithPorts("a", port(PortProtocol.TCP, "", 8080));

        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> network.add(request("b", pod(), port(PortProtocol.TCP, "192.0.2.2", 8080))))
                .withMessage("pod default/b: hostPort 192.0.2.2:8080/TCP is taken by pod default/a; delete that pod or"
                        + " choose another hostPort");
        network.remove("a");
        network.add(request("b", pod(), port(PortProtocol.TCP, "192.0.2.2", 8080)));
    }

    @Test
    void aPortThatAProcessOfTheHostHasIsRefusedAndNothingIsLeftBehind() throws Exception {
        closeLater(host.run(() -> Echo.tcp("sshd", 22)));

        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> network.add(request("a", pod(), port(PortProtocol.TCP, "", 22))))
                .withMessage("pod default/a: hostPort 22/TCP: 127.0.0.1:22 is in use by another process of this host;"
                        + " stop it (`ss -lnp 'sport = :22'` names it) or choose another hostPort");
        restart(CIDRS);
        assertNothingIsLeft();
    }

    @Test
    void removalIsIdempotentAndLeavesNothing() throws Exception {
        podWithPorts("a", port(PortProtocol.TCP, "", 8080), port(PortProtocol.UDP, "127.0.0.1", 53));
        TestNamespace dead = podWithPorts("b", port(PortProtocol.TCP, "", 9090));
        dead.close();

        network.remove("a");
        network.remove("a");
        network.remove("b");
        network.remove("never seen");

        restart(CIDRS);
        assertNothingIsLeft();
        assertThatIOException().isThrownBy(() -> host.run(() -> Echo.askTcp("127.0.0.1", 8080)));
    }

    @Test
    void anAgentThatEndsWithoutPodsLeavesNeitherBridgeNorTable() throws Exception {
        podWithPorts("a", port(PortProtocol.TCP, "", 8080));
        network.close();
        assertThat(hostHasBridgeAndTable()).containsExactly(true, true);
        network = closeLater(reopen(CIDRS));
        network.remove("a");
        network.close();

        assertThat(hostHasBridgeAndTable()).containsExactly(false, false);
    }

    private List<Boolean> hostHasBridgeAndTable() throws Exception {
        return host.run(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open(Protocol.ROUTE);
                    NetlinkSocket netfilter = NetlinkSocket.open(Protocol.NETFILTER)) {
                return List.of(
                        HostInterfaces.read(netlink).link("gantry0").isPresent(),
                        !NfTables.parseBaseChains(netfilter.query(NfTables.listChains()))
                                .isEmpty());
            }
        });
    }

    @Test
    void aRemovedPodMayComeBackAtOnce() throws Exception {
        TestNamespace pod = pod();
        for (int i = 0; i < 10; i++) {
            network.add(request("a", pod, port(PortProtocol.TCP, "", 8080)));
            network.remove("a");
        }
        network.add(request("a", pod, port(PortProtocol.TCP, "", 8080)));

        network.check("a");
    }

    @Test
    void anAgentThatWasKilledFindsItsPodsConnectedAndCleansUpTheDead() throws Exception {
        TestNamespace alive = podWithPorts("alive", port(PortProtocol.TCP, "", 8080));
        podWithPorts("dead", port(PortProtocol.TCP, "", 9090));
        TestNamespace stranger = pod();
        network.add(request("forgotten", stranger));
        network.close();
        Path journal = directory.resolve("addresses");
        Files.write(
                journal,
                Files.readAllLines(journal).stream()
                        .filter(line -> !line.contains("forgotten"))
                        .toList());
        network = closeLater(reopen(CIDRS));
        network.recover(Set.of("alive"));

        network.check("alive");
        assertThat(portNames()).containsExactly(NAMES.veth("alive"));
        assertThat(elements()).hasSize(2);
        assertThat(outside.run(() -> Echo.askTcp("192.0.2.2", 8080))).isEqualTo("alive to 192.0.2.1");
        assertThat(host.run(() -> Echo.askTcp("127.0.0.1", 8080))).isEqualTo("alive to 10.88.0.1");
        assertThatIOException().isThrownBy(() -> outside.run(() -> Echo.askTcp("192.0.2.2", 9090)));
        closeLater(outside.run(() -> Echo.tcp("outside", 80)));
        assertThat(alive.run(() -> Echo.askTcp("192.0.2.1", 80))).isEqualTo("outside to 192.0.2.2");
    }

    @Test
    void podsKeepTheirNetworkWhenTheConfigurationChanges() throws Exception {
        TestNamespace old = podWithPorts("old", port(PortProtocol.TCP, "", 8080));
        closeLater(outside.run(() -> Echo.tcp("outside", 80)));

        restart("10.99.0.0/24");
        network.recover(Set.of("old"));
        TestNamespace young = pod();

        assertThat(network.add(request("young", young)).ips()).containsExactly(ip("10.99.0.2"));
        assertThat(old.run(() -> Echo.askTcp("192.0.2.1", 80))).isEqualTo("outside to 192.0.2.2");
        assertThat(young.run(() -> Echo.askTcp("192.0.2.1", 80))).isEqualTo("outside to 192.0.2.2");
        assertThat(outside.run(() -> Echo.askTcp("192.0.2.2", 8080))).isEqualTo("old to 192.0.2.1");
        network.remove("old");
        network.remove("young");
        restart("10.99.0.0/24");
        assertThat(hostAddresses("gantry0")).containsExactly("10.99.0.1/24");
    }

    @Test
    void twoHundredPodsAtOnceGetDifferentAddresses() throws Exception {
        int pods = 200;
        ExecutorService threads = Executors.newFixedThreadPool(16);
        closeLater(threads::shutdownNow);
        List<Future<PodAddresses>> adds = new ArrayList<>();
        for (int i = 0; i < pods; i++) {
            String id = "pod" + i;
            int port = 10_000 + i;
            Fd namespace = closeLater(TestNamespace.empty());
            adds.add(threads.submit(() -> network.add(new PodNetworkRequest(
                    id, "default", id, "uid", namespace, List.of(port(PortProtocol.TCP, "", port))))));
        }
        Set<InetAddress> ips = new HashSet<>();
        for (Future<PodAddresses> add : adds) {
            ips.addAll(TestNamespace.await(add).ips());
        }

        assertThat(ips).hasSize(2 * pods);
        assertThat(portNames()).hasSize(pods);
        List<Future<?>> removals = new ArrayList<>();
        for (int i = 0; i < pods; i++) {
            String id = "pod" + i;
            removals.add(threads.submit(() -> {
                network.remove(id);
                return null;
            }));
        }
        for (Future<?> removal : removals) {
            TestNamespace.await(removal);
        }
        restart(CIDRS);
        assertNothingIsLeft();
    }

    @Test
    void anAdditionThatFailsHalfWayLeavesNothing() throws Exception {
        Fd noNamespace = closeLater(Linux.system().files().open("/proc/self/ns/uts", 0));

        assertThatIOException()
                .isThrownBy(
                        () -> network.add(new PodNetworkRequest("a", "default", "a", "uid", noNamespace, List.of())))
                .withMessageContaining("EINVAL");

        restart(CIDRS);
        assertNothingIsLeft();
    }

    @Test
    void aFlushedRuleSetIsRestoredByTheNextHostPort() throws Exception {
        podWithPorts("a", port(PortProtocol.TCP, "", 8080));
        host.run(() -> {
            try (NetlinkSocket netfilter = NetlinkSocket.open(Protocol.NETFILTER)) {
                netfilter.transact(NfTables.batch(List.of(NfTables.deleteTable("gantry"))));
            }
            return null;
        });
        podWithPorts("b", port(PortProtocol.TCP, "", 9090));

        assertThat(outside.run(() -> Echo.askTcp("192.0.2.2", 8080))).isEqualTo("a to 192.0.2.1");
        assertThat(outside.run(() -> Echo.askTcp("192.0.2.2", 9090))).isEqualTo("b to 192.0.2.1");
    }

    @Test
    void udpFlowsFollowAPodThatComesGoesAndComesAgain() throws Exception {
        DatagramSocket client = closeLater(outside.run(() -> new DatagramSocket()));
        assertThatIOException().isThrownBy(() -> Echo.askUdp(client, "192.0.2.2", 5353));

        podWithPorts("a", port(PortProtocol.UDP, "", 5353));
        assertThat(Echo.askUdp(client, "192.0.2.2", 5353)).isEqualTo("a to 192.0.2.1");
        network.remove("a");
        podWithPorts("b", port(PortProtocol.UDP, "", 5353));
        assertThat(Echo.askUdp(client, "192.0.2.2", 5353)).isEqualTo("b to 192.0.2.1");
    }

    @Test
    @RequiresTool("nft")
    void aFirewallThatDropsWhatPodsSendIsPointedOut() throws Exception {
        assertThat(network.limitations()).isEmpty();
        assertThat(shell(
                        host,
                        "nft 'add table ip filter; add chain ip filter FORWARD {type filter hook forward priority"
                                + " 0; policy drop;}'"))
                .isEmpty();

        assertThat(network.status().ready()).isTrue();
        assertThat(network.limitations())
                .containsExactly(new NetworkLimitation(
                        "traffic between pods and other hosts, in part",
                        "chain ip filter FORWARD of another program drops what none of its rules accepts",
                        "nft insert rule ip filter FORWARD iifname gantry0 accept; nft insert rule ip filter FORWARD"
                                + " oifname gantry0 accept"));
    }

    @Test
    void trafficIsCountedFromThePodsPointOfView() throws Exception {
        TestNamespace pod = podWithPorts("a");
        host.run(() -> Echo.askTcp("10.88.0.2", 80));

        Optional<LinkStatistics> stats = network.stats("a");

        assertThat(stats).isPresent();
        assertThat(stats.get().receivedBytes()).isGreaterThan(100_000);
        assertThat(stats.get().sentBytes()).isLessThan(100_000);
        assertThat(network.stats("b")).isEmpty();
        assertThat(pod).isNotNull();
    }

    @Test
    void anInterfaceThatSomebodyDeletedIsNoticed() throws Exception {
        podWithPorts("a");
        network.check("a");
        assertThat(network.limitations()).isEmpty();
        host.run(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open(Protocol.ROUTE)) {
                netlink.transact(Links.delete(NAMES.veth("a")));
            }
            return null;
        });

        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> network.check("a"))
                .withMessage("pod default/a: its interface " + NAMES.veth("a")
                        + " is gone from the host; delete the pod so that it is made anew");
        assertThat(network.limitations())
                .containsExactly(new NetworkLimitation(
                        "the network of pod default/a",
                        "its interface " + NAMES.veth("a")
                                + " is no port of gantry0 any more; another program has taken it away",
                        "delete the pod, so that it is made anew"));
        network.remove("a");
        assertThat(network.limitations()).isEmpty();
    }

    @Test
    void aSecondAgentNeedsADirectoryAndNamesOfItsOwn() throws Exception {
        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> reopen(CIDRS))
                .withMessage(directory + " is in use by another agent; stop it, or give this one another --root");

        NetworkNames names = NetworkNames.forRoot(Path.of("/tmp/other"), Path.of("/var/lib/gantry"));
        PodNetwork other = closeLater(host.run(() ->
                PodNetwork.open(Linux.system(), new PodNetworkConfig(directory.resolve("other"), names, List.of()))));
        TestNamespace pod = pod();
        PodAddresses addresses = other.add(request("a", pod, port(PortProtocol.TCP, "", 9090)));
        closeLater(pod.run(() -> Echo.tcp("other", 80)));
        TestNamespace mine = podWithPorts("a", port(PortProtocol.TCP, "", 8080));

        assertThat(IpPrefix.parse("10.86.0.0/16").contains(addresses.ips().get(0)))
                .isTrue();
        assertThat(outside.run(() -> Echo.askTcp("192.0.2.2", 9090))).isEqualTo("other to 192.0.2.1");
        assertThat(outside.run(() -> Echo.askTcp("192.0.2.2", 8080))).isEqualTo("a to 192.0.2.1");
        assertThat(mine.run(() -> Echo.askTcp("192.0.2.2", 9090))).startsWith("other to ");
    }

    @Test
    void aNetworkInUseElsewhereOnTheHostIsNotTaken() throws Exception {
        network.close();
        network = closeLater(reopen("192.0.2.0/24"));

        assertThat(network.status().ready()).isFalse();
        assertThat(network.status().message())
                .isEqualTo("the pod network cannot be set up: pod CIDR 192.0.2.0/24 overlaps the route to 192.0.2.0/24"
                        + " on bridge; name another network with --pod-cidr");
        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> network.add(request("a", pod())))
                .withMessage(network.status().message());
    }

    @Test
    @RequiresTool("nft")
    void hostPortsAndMasqueradeComeBackWhenAFirewallScriptFlushesEverything() throws Exception {
        TestNamespace pod = podWithPorts("a", port(PortProtocol.TCP, "", 8080));
        closeLater(outside.run(() -> Echo.tcp("outside", 80)));

        // what is flushed in one transaction with a new rule set, and bit by bit
        for (String script : List.of("flush ruleset; add table ip filter", "flush table inet gantry")) {
            String before = handles();
            assertThat(shell(host, "nft '" + script + "'")).isEmpty();
            String now = before;
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (System.nanoTime() < end
                    && (now.equals(before) || !now.contains("10.88.0.2") || !now.contains("jump hostports"))) {
                now = handles();
            }

            assertThat(outside.run(() -> Echo.askTcp("192.0.2.2", 8080))).isEqualTo("a to 192.0.2.1");
            assertThat(pod.run(() -> Echo.askTcp("192.0.2.1", 80))).isEqualTo("outside to 192.0.2.2");
        }
        assertThat(network.limitations()).isEmpty();
    }

    /** The table with the numbers of its rules, which are never used again. */
    private String handles() throws Exception {
        return shell(host, "nft -a list table inet gantry");
    }

    @Test
    @RequiresTool("nft")
    void nftPrintsTheTableReadably() throws Exception {
        podWithPorts("a", port(PortProtocol.TCP, "", 8080), port(PortProtocol.UDP, "192.0.2.2", 53));

        String text = shell(host, "nft list ruleset");

        assertThat(text)
                .contains("table inet gantry {")
                .contains("type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service")
                // nft knows the names of protocols from /etc/protocols, which small machines lack
                .containsPattern("elements = \\{ (tcp|6) \\. 8080 : 10\\.88\\.0\\.2 \\. 80 }")
                .containsPattern("elements = \\{ 192\\.0\\.2\\.2 \\. (udp|17) \\. 53 : 10\\.88\\.0\\.2 \\. 80 }")
                .contains("ip saddr 10.88.0.0/22 oifname != \"gantry0\" masquerade")
                .contains("fib daddr type local jump hostports");
    }

    @Test
    void thePodsInterfaceBelievesNoRouter() throws Exception {
        TestNamespace pod = podWithPorts("a");

        assertThat(pod.run(() -> Files.readString(Path.of("/proc/sys/net/ipv6/conf/eth0/accept_ra"))))
                .isEqualToIgnoringNewLines("0");
    }

    @Test
    void theHostKeepsItsRouterThoughItForwardsNow() throws Exception {
        assertThat(host.run(() -> Files.readString(Path.of("/proc/sys/net/ipv6/conf/bridge/accept_ra"))))
                .isEqualToIgnoringNewLines("2");
        assertThat(host.run(() -> Files.readString(Path.of("/proc/sys/net/ipv6/conf/all/forwarding"))))
                .isEqualToIgnoringNewLines("1");
    }

    private void assertNothingIsLeft() throws Exception {
        assertThat(portNames()).isEmpty();
        assertThat(elements()).isEmpty();
        assertThat(Files.readAllLines(directory.resolve("addresses")))
                .hasSize(1)
                .allMatch(line -> line.startsWith("= "));
    }

    private List<String> portNames() throws Exception {
        return host.run(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open(Protocol.ROUTE)) {
                int bridge = TestNamespace.index(netlink, "gantry0");
                return Links.parse(netlink.query(Links.listPorts(bridge))).stream()
                        .filter(link -> link.master().orElse(0) == bridge)
                        .map(Link::name)
                        .toList();
            }
        });
    }

    private List<NfTables.Element> elements() throws Exception {
        return host.run(() -> {
            List<NfTables.Element> elements = new ArrayList<>();
            try (NetlinkSocket netfilter = NetlinkSocket.open(Protocol.NETFILTER)) {
                for (boolean ipv6 : new boolean[] {false, true}) {
                    for (boolean any : new boolean[] {false, true}) {
                        elements.addAll(NfTables.parseElements(netfilter.query(
                                NfTables.listElements(new PacketFilter(NAMES, List.of()).map(ipv6, any)))));
                    }
                }
            }
            return elements;
        });
    }

    private List<String> hostAddresses(String name) throws Exception {
        return host.run(() -> {
            try (NetlinkSocket netlink = NetlinkSocket.open(Protocol.ROUTE)) {
                int index = TestNamespace.index(netlink, name);
                return HostInterfaces.read(netlink).addresses().stream()
                        .filter(address -> address.index() == index && address.global())
                        .map(InterfaceAddress::prefix)
                        .map(IpPrefix::toString)
                        .toList();
            }
        });
    }

    private TestNamespace podWithPorts(String id, PortMapping... ports) throws Exception {
        TestNamespace pod = pod();
        network.add(request(id, pod, ports));
        ServerSocket tcp = closeLater(pod.run(() -> Echo.tcp(id, 80)));
        DatagramSocket udp = closeLater(pod.run(() -> Echo.udp(id, 80)));
        assertThat(tcp.isBound() && udp.isBound()).isTrue();
        return pod;
    }

    private TestNamespace pod() throws Exception {
        return closeLater(TestNamespace.create("pod"));
    }

    private void restart(String podCidrs) throws Exception {
        network.close();
        network = closeLater(reopen(podCidrs));
    }

    private PodNetwork reopen(String podCidrs) throws Exception {
        return host.run(() -> PodNetwork.open(
                Linux.system(), new PodNetworkConfig(directory, NAMES, PodNetworkConfig.parsePodCidrs(podCidrs))));
    }

    private <T extends AutoCloseable> T closeLater(T resource) {
        opened.add(resource);
        return resource;
    }

    private static PodNetworkRequest request(String id, TestNamespace pod, PortMapping... ports) {
        return new PodNetworkRequest(id, "default", id, "uid-" + id, pod.fd(), List.of(ports));
    }

    private static PortMapping port(PortProtocol protocol, String hostIp, int hostPort) {
        return new PortMapping(
                protocol,
                Optional.of(hostIp).filter(text -> !text.isEmpty()).map(IpPrefix::parseAddress),
                hostPort,
                80);
    }

    private static InetAddress ip(String text) {
        return IpPrefix.parseAddress(text);
    }

    private static String shell(TestNamespace in, String command) throws Exception {
        return in.run(() -> {
            Process process = new ProcessBuilder("sh", "-c", command)
                    .redirectErrorStream(true)
                    .start();
            try {
                return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new IOException("output of " + command, e);
            }
        });
    }
}
