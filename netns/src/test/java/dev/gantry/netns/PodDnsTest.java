package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PodDnsTest {
    private static final DnsConfig NODE = DnsConfig.parse("""
            # made by hand
            domain ignored.example
            search old.example
            nameserver 192.0.2.53  # the router
            nameserver
            search corp.example. lan .
            options timeout:3 rotate
            options timeout:1
            """);

    private static final String NODE_TEXT = "192.0.2.53 | corp.example lan . | timeout:1 rotate";
    private static final String CLUSTER_TEXT =
            "10.96.0.10 | default.svc.cluster.local svc.cluster.local cluster.local corp.example lan . | ndots:5";

    @ParameterizedTest
    @CsvSource({
        "Default, false, true, " + NODE_TEXT,
        "ClusterFirst, false, true, " + CLUSTER_TEXT,
        "ClusterFirst, true, true, " + NODE_TEXT,
        "ClusterFirstWithHostNet, true, true, " + CLUSTER_TEXT,
        "ClusterFirst, false, false, " + NODE_TEXT,
        "ClusterFirstWithHostNet, true, false, " + NODE_TEXT,
        "None, false, true, ' |  | '",
    })
    void thePolicySaysWhoseServersAreAsked(String policy, boolean hostNetwork, boolean hasCluster, String expected) {
        PodDns dns = PodDns.decide(request(policy, hostNetwork, hasCluster, DnsConfig.EMPTY));

        assertThat(text(dns.config())).isEqualTo(expected);
    }

    @Test
    void aClusterWithoutServersIsToldOf() {
        PodDns dns = PodDns.decide(request("ClusterFirst", false, false, DnsConfig.EMPTY));

        assertThat(dns.warnings())
                .containsExactly(new PodDns.Warning(
                        "MissingClusterDNS",
                        "dnsPolicy ClusterFirst falls back to Default: the agent has no clusterDNS configured"));
        assertThat(PodDns.decide(request("Default", false, false, DnsConfig.EMPTY))
                        .warnings())
                .isEmpty();
    }

    @Test
    void thePodsOwnConfigurationIsAppendedAndItsOptionsWin() {
        DnsConfig own = new DnsConfig(
                List.of("192.0.2.54", "10.96.0.10"), List.of("lan", "mine.example"), List.of("ndots:2", "edns0"));

        PodDns dns = PodDns.decide(request("ClusterFirst", false, true, own));

        assertThat(text(dns.config()))
                .isEqualTo("10.96.0.10 192.0.2.54 | default.svc.cluster.local svc.cluster.local cluster.local"
                        + " corp.example lan . mine.example | ndots:2 edns0");
    }

    @Test
    void aFourthServerIsLeftOut() {
        DnsConfig own =
                new DnsConfig(List.of("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"), List.of(), List.of());

        PodDns dns = PodDns.decide(request("None", false, true, own));

        assertThat(dns.config().servers()).containsExactly("192.0.2.1", "192.0.2.2", "192.0.2.3");
        assertThat(dns.warnings())
                .containsExactly(new PodDns.Warning(
                        "DNSConfigForming",
                        "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver"
                                + " line is: 192.0.2.1 192.0.2.2 192.0.2.3"));
    }

    @Test
    void searchesAreLimitedInNumberLengthAndSum() {
        List<String> many = IntStream.range(0, 40).mapToObj(i -> "d" + i).toList();
        List<String> large =
                IntStream.range(0, 20).mapToObj(i -> "d".repeat(198) + (10 + i)).toList();
        List<String> tooLong = List.of("a", "b".repeat(256), "c");

        assertThat(searches(many)).hasSize(32);
        // 10 of 200 characters and 9 blanks are 2009, one more would be 2210
        assertThat(searches(large)).hasSize(10);
        assertThat(searches(tooLong)).containsExactly("a", "c");
        assertThat(searches(Collections.nCopies(50, "same"))).containsExactly("same");
    }

    private static List<String> searches(List<String> own) {
        PodDns dns = PodDns.decide(request("None", false, true, new DnsConfig(List.of(), own, List.of())));
        boolean cut = dns.config().searches().size() < own.stream().distinct().count();
        assertThat(dns.warnings()).hasSize(cut ? 1 : 0);
        return dns.config().searches();
    }

    @Test
    void aNodeWithoutAFileAsksItself() {
        assertThat(text(DnsConfig.withoutNodeFile(false))).isEqualTo("127.0.0.1 | . | ");
        assertThat(text(DnsConfig.withoutNodeFile(true))).isEqualTo("::1 | . | ");
    }

    @Test
    void anUnknownPolicyIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> DnsPolicy.parse("ClusterLast"))
                .withMessage("dnsPolicy: 'ClusterLast' (expected Default, ClusterFirst, ClusterFirstWithHostNet or"
                        + " None)");
    }

    private static DnsRequest request(String policy, boolean hostNetwork, boolean hasCluster, DnsConfig own) {
        List<String> servers = hasCluster ? List.of("10.96.0.10") : List.of();
        return new DnsRequest("default", DnsPolicy.parse(policy), hostNetwork, own, NODE, servers, "cluster.local");
    }

    private static String text(DnsConfig config) {
        return String.join(" ", config.servers()) + " | " + String.join(" ", config.searches()) + " | "
                + String.join(" ", config.options());
    }
}
