package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.linux.Linux;
import dev.gantry.linux.netlink.Link;
import dev.gantry.linux.netlink.Links;
import dev.gantry.linux.netlink.NetlinkSocket;
import dev.gantry.linux.netlink.NetlinkSocket.Protocol;
import dev.gantry.linux.netlink.NfTables;
import dev.gantry.testing.RequiresRoot;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** kill -9 at an arbitrary instruction, then a new start. */
@RequiresRoot
class KilledAgentIT {
    private static final String CIDRS = "10.88.0.0/26,fd00:88::/120";

    @TempDir
    Path directory;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void nothingIsLostOrLeaked(long seed) throws Exception {
        int pods = 1 + new Random(seed).nextInt(40);
        try (TestNamespace outside = TestNamespace.create("outside");
                TestNamespace host = TestNamespace.host(outside, 1500)) {
            host.run(() -> {
                killAfter(pods);
                return null;
            });

            try (PodNetwork network = host.run(() -> PodNetwork.open(
                    Linux.system(),
                    new PodNetworkConfig(directory, new NetworkNames(""), PodNetworkConfig.parsePodCidrs(CIDRS))))) {
                network.recover(Set.of());

                assertThat(network.status()).isEqualTo(NetworkStatus.ready(List.of()));
                host.run(() -> {
                    assertNothingIsLeft();
                    return null;
                });
            }
        }
    }

    /** The process is a child of the calling thread, so it lives in its network namespace. */
    private void killAfter(int pods) throws Exception {
        Process agent = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        KilledAgent.class.getName(),
                        directory.toString(),
                        CIDRS)
                .redirectErrorStream(true)
                .start();
        List<String> lines = new ArrayList<>();
        try (BufferedReader output =
                new BufferedReader(new InputStreamReader(agent.getInputStream(), StandardCharsets.UTF_8))) {
            while (lines.size() < pods) {
                String line = output.readLine();
                assertThat(line).as("after %s", lines).startsWith("added ");
                lines.add(line);
            }
        } finally {
            agent.destroyForcibly().waitFor();
        }
    }

    private void assertNothingIsLeft() throws Exception {
        Set<String> held = new HashSet<>();
        for (String line : Files.readAllLines(directory.resolve("addresses"))) {
            String sandboxId = line.split(" ", -1)[1];
            if (line.startsWith("+ ")) {
                held.add(sandboxId);
            } else if (line.startsWith("- ")) {
                held.remove(sandboxId);
            }
        }
        assertThat(held).isEmpty();
        try (NetlinkSocket netlink = NetlinkSocket.open(Protocol.ROUTE);
                NetlinkSocket netfilter = NetlinkSocket.open(Protocol.NETFILTER)) {
            int bridge = netlink.interfaceIndex("gantry0");
            assertThat(Links.parse(netlink.query(Links.list())))
                    .filteredOn(link -> link.master().orElse(0) == bridge)
                    .extracting(Link::name)
                    .isEmpty();
            for (boolean ipv6 : new boolean[] {false, true}) {
                NfTables.Map map = new PacketFilter(new NetworkNames(""), List.of()).map(ipv6, true);
                assertThat(NfTables.parseElements(netfilter.query(NfTables.listElements(map))))
                        .isEmpty();
            }
        }
    }
}
