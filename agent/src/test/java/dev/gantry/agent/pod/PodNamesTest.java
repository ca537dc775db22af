package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.RuntimeHandler;
import dev.gantry.cri.v1.RuntimeHandlerFeatures;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Host names, hosts files, resolv.conf, handlers. */
class PodNamesTest {
    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "{}                                            | web  | web",
                "{hostname: db}                                | db   | db",
                "{hostname: db, subdomain: s}                  | db   | db.s.default.svc.cluster.local\tdb",
                "{subdomain: s, setHostnameAsFQDN: true}       | web.s.default.svc.cluster.local | web.s.default.svc.cluster.local\tweb",
                "{setHostnameAsFQDN: true}                     | web  | web",
                "{hostnameOverride: a.b.example, hostname: db} | a.b.example | a.b.example",
            })
    void hostNames(String fields, String kernel, String entry) {
        PodHostName name = PodHostName.of(pod("web", fields), "cluster.local");

        assertThat(name.kernel()).isEqualTo(kernel);
        assertThat(name.hostsEntry()).isEqualTo(entry);
        assertThat(name.objection()).isEmpty();
    }

    @Test
    void aLongNameIsCutAtALabel() {
        String name = "a".repeat(62) + ".b";

        assertThat(PodHostName.of(pod(name, "{}"), "").kernel()).isEqualTo("a".repeat(62));
        assertThat(PodHostName.of(pod("web", "{subdomain: s}"), "").domain()).isEqualTo("s.default.svc");
    }

    @Test
    void theNodesHostsAreCopiedForItsNetwork() {
        Pod pod = pod("web", "{hostAliases: [{ip: 10.0.0.1, hostnames: [x, y]}]}");

        assertThat(HostsFile.ofNode("127.0.0.1 node", pod.getSpec().getHostAliases()))
                .isEqualTo("""
                        # Kubernetes-managed hosts file (host network).
                        127.0.0.1 node

                        # Entries added by HostAliases.
                        10.0.0.1\tx\ty
                        """);
        assertThat(HostsFile.ofNode("127.0.0.1 node\n", null))
                .isEqualTo("# Kubernetes-managed hosts file (host network).\n127.0.0.1 node\n");
    }

    @Test
    void whatDoesNotFitResolvConfIsSaid() {
        String searches =
                IntStream.range(0, 40).mapToObj(i -> "d" + i + ".example").collect(Collectors.joining(" "));
        String host = "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\nsearch "
                + searches + "\n";
        Pod pod = pod("web", "{}");

        assertThat(PodDns.NONE.configOf(pod, host).getServersList())
                .containsExactly("192.0.2.1", "192.0.2.2", "192.0.2.3");
        assertThat(PodDns.NONE.configOf(pod, host).getSearchesList()).hasSize(32);
        assertThat(PodDns.NONE.omissions(pod, host))
                .hasSize(2)
                .contains("Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver"
                        + " line is: 192.0.2.1 192.0.2.2 192.0.2.3");
        assertThat(PodDns.NONE.omissions(pod, "search " + "x".repeat(256) + "\n"))
                .containsExactly("Search Line limits were exceeded, some search paths have been omitted, the applied"
                        + " search line is: ");
        assertThat(PodDns.NONE.omissions(pod, "nameserver 192.0.2.1\nsearch a.example\n"))
                .isEmpty();
    }

    @Test
    void aHandlerMustBeThereAndDoWhatIsAsked() {
        List<RuntimeHandler> handlers = List.of(
                RuntimeHandler.newBuilder()
                        .setFeatures(RuntimeHandlerFeatures.newBuilder().setUserNamespaces(true))
                        .build(),
                RuntimeHandler.newBuilder().setName("plain").build());

        assertThat(RuntimeHandlers.objection(handlers, "", true)).isEmpty();
        assertThat(RuntimeHandlers.objection(handlers, "plain", false)).isEmpty();
        assertThat(RuntimeHandlers.objection(handlers, "plain", true))
                .contains("RuntimeClass handler \"plain\" does not support user namespaces, which hostUsers: false asks"
                        + " for");
        assertThat(RuntimeHandlers.objection(handlers, "kata", false))
                .contains("RuntimeClass \"kata\" not found: the runtime's handlers are [plain]");
        // One that tells nothing knows itself; but it does not know of users.
        assertThat(RuntimeHandlers.objection(List.of(), "kata", false)).isEmpty();
        assertThat(RuntimeHandlers.objection(List.of(), "", true)).isPresent();
    }

    private static Pod pod(String name, String fields) {
        return EngineFixture.pod("# yaml\n{apiVersion: v1, kind: Pod, metadata: {name: " + name
                + "}, spec: {containers: [{name: main, image: busybox}], "
                + fields.substring(1, fields.length() - 1) + "}}");
    }
}
