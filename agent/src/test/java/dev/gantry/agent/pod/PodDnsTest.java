package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.DNSConfig;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PodDnsTest {
    private static final String NODE = """
            # made by hand
            search old.example
            nameserver 192.0.2.53  # the router
            nameserver
            search corp.example. lan .
            options timeout:3 rotate
            options timeout:1
            """;
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
        Pod pod = pod(policy, "");
        pod.getSpec().setHostNetwork(hostNetwork);
        PodDns dns = hasCluster ? cluster() : PodDns.NONE;

        assertThat(text(dns.configOf(pod, NODE))).isEqualTo(expected);
        assertThat(dns.omissions(pod, NODE)).isEmpty();
    }

    @Test
    void thePodsOwnConfigurationIsAppendedAndItsOptionsWin() {
        Pod pod = pod(
                "ClusterFirst",
                "{nameservers: [192.0.2.54, 10.96.0.10], searches: [lan, mine.example],"
                        + " options: [{name: ndots, value: '2'}, {name: edns0}]}");

        assertThat(text(cluster().configOf(pod, NODE)))
                .isEqualTo("10.96.0.10 192.0.2.54 | default.svc.cluster.local svc.cluster.local cluster.local"
                        + " corp.example lan . mine.example | ndots:2 edns0");
    }

    @Test
    void aFourthServerIsLeftOutAndThatIsTold() {
        Pod pod = pod("None", "{nameservers: [192.0.2.1, 192.0.2.2, 192.0.2.3]}");
        pod.getSpec().getDnsConfig().setNameservers(List.of("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"));

        assertThat(cluster().configOf(pod, NODE).getServersList())
                .containsExactly("192.0.2.1", "192.0.2.2", "192.0.2.3");
        assertThat(cluster().omissions(pod, NODE))
                .containsExactly("Nameserver limits were exceeded, some nameservers have been omitted, the applied"
                        + " nameserver line is: 192.0.2.1 192.0.2.2 192.0.2.3");
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
        Pod pod = pod("None", "{nameservers: [192.0.2.1]}");
        pod.getSpec().getDnsConfig().setSearches(own);
        List<String> searches = cluster().configOf(pod, NODE).getSearchesList();
        boolean cut = searches.size() < own.stream().distinct().count();
        assertThat(cluster().omissions(pod, NODE)).hasSize(cut ? 1 : 0);
        return searches;
    }

    private static PodDns cluster() {
        return new PodDns(List.of("10.96.0.10"), "cluster.local");
    }

    private static Pod pod(String policy, String config) {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web, namespace: default}
                spec:
                  dnsConfig: %s
                  containers:
                  - {name: main, image: busybox}
                """.formatted(config.isEmpty() ? "{}" : config));
        pod.getSpec().setDnsPolicy(policy);
        return pod;
    }

    private static String text(DNSConfig config) {
        return String.join(" ", config.getServersList()) + " | " + String.join(" ", config.getSearchesList()) + " | "
                + String.join(" ", config.getOptionsList());
    }
}
