package dev.gantry.netns.cni;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.Fd;
import dev.gantry.netns.DnsConfig;
import dev.gantry.netns.NetworkException;
import dev.gantry.netns.NetworkHints;
import dev.gantry.netns.PodNetworkRequest;
import dev.gantry.netns.PortMapping;
import dev.gantry.netns.PortProtocol;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CniCapabilitiesTest {
    private static PodNetworkRequest request(NetworkHints hints, PortMapping... ports) {
        return new PodNetworkRequest(
                "c0ffee", "default", "web", "uid-1", Fd.AT_FDCWD, List.of(ports), Optional.empty(), hints);
    }

    private static NetworkHints annotated(String name, String value) {
        return new NetworkHints(Map.of(name, value), DnsConfig.EMPTY, "");
    }

    @Test
    void theArgumentsAreThoseOfKubernetes() {
        assertThat(CniCapabilities.arguments(request(NetworkHints.NONE)))
                .containsExactly(
                        Map.entry("IgnoreUnknown", "1"),
                        Map.entry("K8S_POD_NAMESPACE", "default"),
                        Map.entry("K8S_POD_NAME", "web"),
                        Map.entry("K8S_POD_INFRA_CONTAINER_ID", "c0ffee"),
                        Map.entry("K8S_POD_UID", "uid-1"));
    }

    @Test
    void aPodThatAsksForNothingOffersNothing() throws Exception {
        assertThat(CniCapabilities.of(request(NetworkHints.NONE), List.of())).isEmpty();
    }

    @Test
    void protocolsAreInLowerCaseAndNoHostAddressIsEmpty() throws Exception {
        var port = new PortMapping(PortProtocol.SCTP, Optional.empty(), 8080, 80);

        assertThat(CniCapabilities.of(request(NetworkHints.NONE, port), List.of()))
                .containsEntry(
                        "portMappings",
                        "[{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"sctp\",\"hostIP\":\"\"}]");
    }

    @Test
    void theNodesRangesAreOneRangeSetEach() throws Exception {
        assertThat(CniCapabilities.of(request(NetworkHints.NONE), List.of("10.9.0.0/24", "fd00:9::/64")))
                .containsEntry("ipRanges", "[[{\"subnet\":\"10.9.0.0/24\"}],[{\"subnet\":\"fd00:9::/64\"}]]");
    }

    @Test
    void addressesThatAPodAsksForAreHandedOn() throws Exception {
        assertThat(CniCapabilities.of(request(annotated("gantry.dev/ips", "10.9.0.7, fd00:9::7/64")), List.of()))
                .containsEntry("ips", "[\"10.9.0.7\",\"fd00:9::7/64\"]");
    }

    @Test
    void theCgroupAndAllAnnotationsAreThereForPluginsThatAsk() throws Exception {
        var hints = new NetworkHints(Map.of("a", "b\"c"), DnsConfig.EMPTY, "/kubepods/pod1");

        assertThat(CniCapabilities.of(request(hints), List.of()))
                .containsEntry("cgroupPath", "\"/kubepods/pod1\"")
                .containsEntry("io.kubernetes.cri.pod-annotations", "{\"a\":\"b\\\"c\"}");
    }

    @ParameterizedTest(name = "{0} is {1} bit/s")
    @CsvSource({"1000, 1000", "10M, 10000000", "1.5G, 1500000000", "1Ki, 1024", "10k, 10000", "2Mi, 2097152"})
    void ratesAreBitsPerSecond(String quantity, long rate) throws Exception {
        assertThat(CniCapabilities.of(request(annotated("kubernetes.io/egress-bandwidth", quantity)), List.of()))
                .containsEntry("bandwidth", "{\"egressRate\":" + rate + ",\"egressBurst\":4294967295}");
    }

    @ParameterizedTest(name = "{0}: {1}: {2}")
    @CsvSource({
        "kubernetes.io/ingress-bandwidth, fast, expected bits per second as a quantity like 10M",
        "kubernetes.io/ingress-bandwidth, 999, resource is unreasonably small (< 1kbit)",
        "kubernetes.io/ingress-bandwidth, 2P, resource is unreasonably large (> 1Pbit)",
        "gantry.dev/ips, example.test, expected addresses with commas between them"
    })
    void whatCannotBeUnderstoodIsNamed(String annotation, String value, String why) {
        assertThatExceptionOfType(NetworkException.class)
                .isThrownBy(() -> CniCapabilities.of(request(annotated(annotation, value)), List.of()))
                .withMessage("pod default/web: annotation %s: '%s': %s", annotation, value, why);
    }
}
