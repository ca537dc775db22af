package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.packaging.DemoImage;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pods connected by Debian's plugins: bridge, host-local and portmap. */
@RequiresRoot
@RequiresTool({"/usr/lib/cni/bridge", "/usr/lib/cni/host-local", "/usr/lib/cni/portmap", "iptables", "ip"})
class CniIT {
    private static final String BRIDGE = "gantry-cni-it";

    @TempDir
    Path directory;

    @AfterEach
    void removeBridge() throws Exception {
        Command.run("ip", "link", "delete", BRIDGE);
    }

    private void configure() throws IOException {
        Path folder = Files.createDirectories(directory.resolve("net.d"));
        Path whole =
                Files.writeString(directory.resolve("list"), """
                {"cniVersion": "1.0.0", "name": "%1$s", "plugins": [
                  {"type": "bridge", "bridge": "%1$s", "isGateway": true, "ipMasq": true, "hairpinMode": true,
                   "ipam": {"type": "host-local", "dataDir": "%2$s", "ranges": [[{"subnet": "10.214.0.0/24"}]],
                            "routes": [{"dst": "0.0.0.0/0"}]}},
                  {"type": "portmap", "capabilities": {"portMappings": true}}]}
                """.formatted(BRIDGE, directory.resolve("addresses")));
        Files.move(whole, folder.resolve("10-pods.conflist"));
    }

    private AgentProcess start() throws Exception {
        return AgentProcess.start(
                directory.resolve("node"),
                "--network",
                "cni",
                "--cni-conf-dir",
                directory.resolve("net.d").toString());
    }

    private static void create(AgentProcess agent, int port) throws IOException {
        LocalApi.Answer answer =
                agent.api().send("POST", "/api/v1/namespaces/default/pods", """
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"},
                 "spec": {"terminationGracePeriodSeconds": 1, "containers": [
                   {"name": "main", "image": "%s", "env": [{"name": "PORT", "value": "8090"}],
                    "ports": [{"containerPort": 8090, "hostPort": %d}]}]}}
                """.formatted(DemoImage.NAME, port));
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(201);
    }

    @Test
    void aPodIsReachedOnItsAddressAndItsHostPortAndLeavesNothing() throws Exception {
        configure();
        int port = freePort();
        try (AgentProcess agent = start()) {
            create(agent, port);
            JsonNode pod = agent.awaitReady("web");

            String ip = pod.path("status").path("podIP").asText();
            assertThat(ip).startsWith("10.214.0.");
            assertAnswers("http://" + ip + ":8090/");
            assertAnswers("http://" + hostAddress() + ":" + port + "/");
            assertThat(rules()).anyMatch(rule -> rule.contains("--to-destination " + ip + ":8090"));
            assertThat(addresses()).containsExactly(ip);
            assertThat(namespaces()).hasSize(1);

            agent.killNine();
            agent.startAgain();
            assertThat(agent.awaitReady("web").path("status").path("podIP").asText())
                    .isEqualTo(ip);
            assertAnswers("http://" + ip + ":8090/");

            Pods.delete(agent, "web");
            agent.awaitGone("web");
            assertThat(rules()).noneMatch(rule -> rule.contains(ip));
            assertThat(addresses()).isEmpty();
            assertThat(namespaces()).isEmpty();
            assertThat(Path.of("/sys/class/net", BRIDGE, "brif")).isEmptyDirectory();
        }
    }

    @Test
    void anAgentWithoutPluginsTakesAwayWhatPluginsGave() throws Exception {
        configure();
        int port = freePort();
        try (AgentProcess agent = start()) {
            create(agent, port);
            agent.awaitReady("web");
            agent.killNine();
            AgentProcess other = AgentProcess.start(directory.resolve("node"));
            try (other) {
                other.awaitReady("web");
                assertThat(addresses()).hasSize(1);

                Pods.delete(other, "web");
                other.awaitGone("web");

                assertThat(addresses()).isEmpty();
                assertThat(namespaces()).isEmpty();
            }
        }
    }

    @Test
    void theNodeIsNotReadyAndPodsWaitUntilThereIsAConfiguration() throws Exception {
        int port = freePort();
        try (AgentProcess agent = start()) {
            String message = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"
                    + " message:Network plugin returns error: cni plugin not initialized";
            Await.until(
                    Duration.ofSeconds(20),
                    "the node to say why it is not ready",
                    () -> condition(agent).path("status").asText().equals("False")
                            && condition(agent).path("message").asText().contains(message),
                    () -> condition(agent) + agent.log());
            create(agent, port);
            Await.until(
                    Duration.ofSeconds(20),
                    "an event of the pod",
                    () -> agent.api()
                            .get("/api/v1/namespaces/default/events")
                            .body()
                            .toString()
                            .contains("cni plugin not initialized"),
                    agent::log);

            configure();

            agent.awaitReady("web");
            Await.until(
                    Duration.ofSeconds(20),
                    "the node to be ready",
                    () -> condition(agent).path("status").asText().equals("True"),
                    () -> condition(agent) + agent.log());
        }
    }

    private static JsonNode condition(AgentProcess agent) {
        try {
            JsonNode nodes = agent.api().get("/api/v1/nodes").body();
            for (JsonNode condition : nodes.at("/items/0/status/conditions")) {
                if (condition.path("type").asText().equals("Ready")) {
                    return condition;
                }
            }
            return nodes;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void assertAnswers(String url) throws Exception {
        HttpResponse<String> answer = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create(url))
                                .timeout(Duration.ofSeconds(10))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(url).isEqualTo(200);
    }

    private static String hostAddress() throws IOException {
        for (NetworkInterface one : java.util.Collections.list(NetworkInterface.getNetworkInterfaces())) {
            for (InetAddress address : java.util.Collections.list(one.getInetAddresses())) {
                if (!address.isLoopbackAddress()
                        && address.getAddress().length == 4
                        && !one.getName().equals(BRIDGE)) {
                    return address.getHostAddress();
                }
            }
        }
        return "127.0.0.1";
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static Stream<String> rules() throws Exception {
        return Command.run("iptables", "-t", "nat", "-S").output().lines();
    }

    private Set<String> addresses() throws IOException {
        Path folder = directory.resolve("addresses").resolve(BRIDGE);
        Set<String> held = new TreeSet<>();
        try (Stream<Path> files = Files.list(folder)) {
            files.map(file -> file.getFileName().toString())
                    .filter(name -> name.matches("[0-9.]+"))
                    .forEach(held::add);
        }
        return held;
    }

    /** Of this agent's sandboxes, by the records that it keeps for DEL. */
    private Set<String> namespaces() throws IOException {
        Set<String> found = new TreeSet<>();
        try (Stream<Path> records = Files.list(directory.resolve("node/lib/cni/results"))) {
            records.map(record -> record.getFileName().toString()).forEach(found::add);
        }
        return found;
    }
}
