package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkFilesTest {
    private static final List<HostAlias> ALIASES = List.of(
            new HostAlias("192.0.2.9", List.of("db", "db.internal")), new HostAlias("192.0.2.10", List.of("mq")));

    @Test
    void hostsOfAPodWithEverything() {
        assertThat(NetworkFiles.hosts(
                        List.of("10.88.0.2", "fd00:88::2"), "web", "front.default.svc.cluster.local", ALIASES))
                .isEqualTo("""
                        # Kubernetes-managed hosts file.
                        127.0.0.1\tlocalhost
                        ::1\tlocalhost ip6-localhost ip6-loopback
                        fe00::0\tip6-localnet
                        fe00::0\tip6-mcastprefix
                        fe00::1\tip6-allnodes
                        fe00::2\tip6-allrouters
                        10.88.0.2\tweb.front.default.svc.cluster.local\tweb
                        fd00:88::2\tweb.front.default.svc.cluster.local\tweb

                        # Entries added by HostAliases.
                        192.0.2.9\tdb\tdb.internal
                        192.0.2.10\tmq
                        """);
    }

    @Test
    void hostsOfAPlainPodEndWithItsName() {
        assertThat(NetworkFiles.hosts(List.of("10.88.0.2"), "web", "", List.of()))
                .endsWith("fe00::2\tip6-allrouters\n10.88.0.2\tweb\n");
    }

    @Test
    void hostsOfAPodOnTheHostsNetworkAreTheHosts() {
        assertThat(NetworkFiles.hostsOfHostNetwork("127.0.0.1 localhost node\n", ALIASES))
                .isEqualTo("""
                        # Kubernetes-managed hosts file (host network).
                        127.0.0.1 localhost node

                        # Entries added by HostAliases.
                        192.0.2.9\tdb\tdb.internal
                        192.0.2.10\tmq
                        """);
    }

    @ParameterizedTest
    @CsvSource({
        "'', web, web",
        "front, web, front",
        "'', a23456789012345678901234567890123456789012345678901234567890.--b.c, a23456789012345678901234567890123456789012345678901234567890",
        "'', a234567890123456789012345678901234567890123456789012345678901234567890,"
                + " a23456789012345678901234567890123456789012345678901234567890123",
    })
    void aHostNameIsOneLabelOfThePodsName(String podHostname, String podName, String expected) {
        String hostname = NetworkFiles.hostnameOf(podHostname, podName);

        assertThat(hostname).isEqualTo(expected);
        assertThat(NetworkFiles.hostname(hostname)).isEqualTo(expected + "\n");
    }

    @ParameterizedTest
    @CsvSource({
        "'', default, cluster.local, ''",
        "front, default, cluster.local, front.default.svc.cluster.local",
        "front, default, '', front.default.svc",
    })
    void aSubdomainMakesAFullName(String subdomain, String namespace, String clusterDomain, String expected) {
        assertThat(NetworkFiles.domainOf(subdomain, namespace, clusterDomain)).isEqualTo(expected);
    }

    @Test
    void aFullHostNameThatTheKernelDoesNotTakeIsRefused() throws NetworkException {
        assertThat(NetworkFiles.fullHostname("web", "front.default.svc.cluster.local"))
                .isEqualTo("web.front.default.svc.cluster.local");
        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> NetworkFiles.fullHostname("w".repeat(40), "front.default.svc.cluster.local"))
                .withMessageContaining("has 72 characters, the kernel takes 64; shorten hostname or subdomain");
    }

    @Test
    void resolvConfHasItsLinesInTheUsualOrder() {
        assertThat(NetworkFiles.resolvConf(new DnsConfig(
                        List.of("10.96.0.10", "192.0.2.53"), List.of("a.local", "b"), List.of("ndots:5", "edns0"))))
                .isEqualTo("search a.local b\nnameserver 10.96.0.10\nnameserver 192.0.2.53\noptions ndots:5 edns0\n");
        assertThat(NetworkFiles.resolvConf(DnsConfig.EMPTY)).isEmpty();
    }
}
