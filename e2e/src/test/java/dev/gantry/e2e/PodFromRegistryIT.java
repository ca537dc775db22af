package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.packaging.DemoImage;
import dev.gantry.packaging.OciArchive;
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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A pod of two containers whose images come from a real registry, looked at from all sides. */
@RequiresRoot
@RequiresTool({"docker-registry", "nft"})
class PodFromRegistryIT {
    private static final int GRACE_SECONDS = 6;

    @Test
    void aPodOfTwoContainersFromARegistryWithoutTls(@TempDir Path directory) throws Exception {
        try (Registry registry = Registry.plain(directory.resolve("registry"));
                AgentProcess agent = AgentProcess.start(directory.resolve("node"))) {
            wholeLife(agent, registry);
        }
    }

    @Test
    @RequiresTool({"openssl", "htpasswd"})
    void theSameFromARegistryWithTlsAndAPassword(@TempDir Path directory) throws Exception {
        Path docker = Files.createDirectories(directory.resolve("docker"));
        Path trusted = null;
        try (Registry registry = Registry.withPassword(directory.resolve("registry"))) {
            String credentials = Registry.USER + ":" + Registry.PASSWORD;
            Files.writeString(
                    docker.resolve("config.json"),
                    "{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}"
                            .formatted(
                                    registry.host(),
                                    Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8))));
            trusted = Files.createDirectories(Path.of("/etc/gantry/certs.d", registry.host()));
            Files.copy(registry.certificate().orElseThrow(), trusted.resolve("ca.crt"));
            try (AgentProcess agent =
                    AgentProcess.start(directory.resolve("node"), Map.of("DOCKER_CONFIG", docker.toString()))) {
                wholeLife(agent, registry);
            }
        } finally {
            if (trusted != null) {
                Files.deleteIfExists(trusted.resolve("ca.crt"));
                Files.deleteIfExists(trusted);
            }
        }
    }

    @Test
    @RequiresTool({"openssl", "htpasswd"})
    void aPodBringsThePasswordOfItsRegistryAlong(@TempDir Path directory) throws Exception {
        Path trusted = null;
        try (Registry registry = Registry.withPassword(directory.resolve("registry"))) {
            trusted = Files.createDirectories(Path.of("/etc/gantry/certs.d", registry.host()));
            Files.copy(registry.certificate().orElseThrow(), trusted.resolve("ca.crt"));
            registry.push("team/own", DemoImage.create(registry.reference("team/own"), Files.readAllBytes(demo())));
            try (AgentProcess agent = AgentProcess.start(directory.resolve("node"))) {
                run(agent, secretive(agent, registry, "wrong", "not the password"));
                agent.awaitPod(
                        "wrong",
                        "to be refused",
                        pod -> pod.at("/status/containerStatuses/0/state/waiting/message")
                                .asText()
                                .contains("401"));
                run(agent, secretive(agent, registry, "right", Registry.PASSWORD));
                agent.awaitReady("right");
                assertThat(agent.gantry("describe", "pod", "wrong").output())
                        .contains("ErrImagePull")
                        .doesNotContain("not the password");
                Pods.delete(agent, "wrong");
                Pods.delete(agent, "right");
                agent.awaitGone("wrong");
                agent.awaitGone("right");
            }
        } finally {
            if (trusted != null) {
                Files.deleteIfExists(trusted.resolve("ca.crt"));
                Files.deleteIfExists(trusted);
            }
        }
    }

    /** A pod and its Secret in one file. */
    private static Path secretive(AgentProcess agent, Registry registry, String name, String password)
            throws IOException {
        return Files.writeString(agent.root().resolve(name + ".yaml"), """
                apiVersion: v1
                kind: Secret
                metadata: {name: %1$s}
                type: kubernetes.io/dockerconfigjson
                stringData:
                  .dockerconfigjson: '{"auths": {"%2$s": {"username": "%3$s", "password": "%4$s"}}}'
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: %1$s}
                spec:
                  terminationGracePeriodSeconds: 1
                  imagePullSecrets: [{name: %1$s}]
                  containers:
                  - name: main
                    image: %5$s
                    imagePullPolicy: Always
                    command: [/bin/sh, -c, "trap 'exit 0' TERM; sleep 1000000 & wait"]
                """.formatted(
                        name, registry.host(), Registry.USER, password, registry.reference("team/own")));
    }

    private static void wholeLife(AgentProcess agent, Registry registry) throws Exception {
        OciArchive image = DemoImage.create(registry.reference("team/demo"), Files.readAllBytes(demo()));
        registry.push("team/demo", image);
        int port = freePort();
        String yaml =
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: pair}
                spec:
                  terminationGracePeriodSeconds: %d
                  containers:
                  - name: server
                    image: %s
                    env: [{name: PORT, value: "8090"}]
                    ports: [{containerPort: 8090, hostPort: %d}]
                  - name: client
                    image: %s
                    command: [/bin/sh, -c, "trap 'exit 0' TERM; echo ready; sleep 1000000 & wait"]
                """.formatted(GRACE_SECONDS, registry.reference("team/demo"), port, registry.reference("team/demo"));
        Path manifest = Files.writeString(agent.root().resolve("pair.yaml"), yaml);
        String name = "pair";
        // The first pod makes the bridge and the tables, which stay.
        run(agent, manifest);
        agent.awaitReady(name);
        Pods.delete(agent, name);
        agent.awaitGone(name);
        Set<String> links = HostState.links(agent);
        Set<String> firewall = HostState.firewall(agent);
        HostState before = HostState.of(agent, Set.of());

        run(agent, manifest);
        JsonNode pod = agent.awaitReady(name);
        isReached(pod, port);
        assertThat(pod.path("status").path("containerStatuses"))
                .allMatch(status -> status.path("imageID").asText().startsWith(registry.host() + "/team/demo@sha256:"));
        sharesWhatAPodShares(agent, name);
        logsAreThere(agent, name);
        execIsAnswered(agent, name);

        long begin = System.nanoTime();
        Command deletion = agent.gantry("delete", "pod", name);
        assertThat(deletion.exitCode()).as("%s", deletion).isZero();
        agent.awaitGone(name);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(GRACE_SECONDS + 4));
        Set<String> uids = new TreeSet<>(Set.of(pod.path("metadata").path("uid").asText()));
        Await.until(
                Duration.ofSeconds(10),
                "nothing to be left behind",
                () -> HostState.of(agent, uids).equals(before)
                        && links.containsAll(HostState.links(agent))
                        && firewall.containsAll(HostState.firewall(agent)),
                () -> "Before: " + before + links + firewall + "\nAfter: " + now(agent, uids));
    }

    private static String now(AgentProcess agent, Set<String> uids) {
        try {
            return HostState.of(agent, uids) + " " + HostState.links(agent) + HostState.firewall(agent);
        } catch (IOException | InterruptedException e) {
            return e.toString();
        }
    }

    private static void isReached(JsonNode pod, int hostPort) throws Exception {
        String address = pod.path("status").path("podIP").asText();
        Await.until(
                Duration.ofSeconds(10),
                "the page on the pod's address",
                () -> page(address, 8090).contains("Hello from"),
                pod::toString);
        assertThat(page("127.0.0.1", hostPort)).contains("Hello from");
        for (NetworkInterface card : NetworkInterface.networkInterfaces().toList()) {
            if (!card.isLoopback() && card.isUp() && !card.getName().startsWith("gantry") && !card.isVirtual()) {
                for (InetAddress own : card.inetAddresses().toList()) {
                    if (own instanceof java.net.Inet4Address) {
                        assertThat(page(own.getHostAddress(), hostPort)).contains("Hello from");
                    }
                }
            }
        }
    }

    private static void sharesWhatAPodShares(AgentProcess agent, String name) throws Exception {
        for (String shared : Set.of("readlink /proc/self/ns/net", "readlink /proc/self/ns/ipc", "hostname")) {
            assertThat(exec(agent, name, "server", shared)).isEqualTo(exec(agent, name, "client", shared));
        }
        assertThat(exec(agent, name, "server", "hostname")).isEqualTo(name + "\n");
        assertThat(exec(agent, name, "server", "readlink /proc/self/ns/pid"))
                .isNotEqualTo(exec(agent, name, "client", "readlink /proc/self/ns/pid"));
        assertThat(exec(agent, name, "client", "ps")).doesNotContain("httpd");
        assertThat(exec(agent, name, "client", "wget -q -O - http://localhost:8090/"))
                .contains("Hello from " + name);
        exec(agent, name, "client", "echo shared > /dev/shm/file");
        assertThat(exec(agent, name, "server", "cat /dev/shm/file")).isEqualTo("shared\n");
    }

    private static void logsAreThere(AgentProcess agent, String name) throws Exception {
        assertThat(agent.gantry("logs", name, "-c", "client").output()).isEqualTo("ready\n");
        Await.until(
                Duration.ofSeconds(10),
                "two lines of the log",
                () -> agent.gantry("logs", name, "-c", "server", "--tail", "2")
                                .output()
                                .lines()
                                .filter(line -> line.matches("up \\d+ s"))
                                .count()
                        == 2,
                agent::log);
    }

    private static void execIsAnswered(AgentProcess agent, String name) throws Exception {
        Command both =
                agent.gantry("exec", name, "-c", "server", "--", "/bin/sh", "-c", "echo out; echo err >&2; exit 3");
        assertThat(both.output()).isEqualTo("out\n");
        assertThat(both.errors()).startsWith("err\n");
        assertThat(both.exitCode()).isEqualTo(3);

        Command input = Command.run(
                Map.of(), "one\ntwo\n", agent.commandLine("exec", "-i", name, "-c", "server", "--", "wc", "-l"));
        assertThat(input.output().strip()).isEqualTo("2");

        // script(1) gives the command a terminal of its own.
        String line = String.join(" ", agent.commandLine("exec", "-it", name, "-c", "server", "--", "tty"));
        Command terminal = Command.run("script", "-qec", line, "/dev/null");
        assertThat(terminal.output()).contains("/dev/pts/");
    }

    private static String exec(AgentProcess agent, String pod, String container, String script)
            throws IOException, InterruptedException {
        Command command = agent.gantry("exec", pod, "-c", container, "--", "/bin/sh", "-c", script);
        assertThat(command.exitCode()).as("%s", command).isZero();
        return command.output();
    }

    private static String page(String host, int port) throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://" + host + ":" + port + "/"))
                                .timeout(Duration.ofSeconds(5))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }

    private static void run(AgentProcess agent, Path manifest) throws IOException, InterruptedException {
        Command run = agent.gantry("run", "-d", "-f", manifest.toString());
        assertThat(run.exitCode()).as("%s", run).isZero();
    }

    private static Path demo() {
        return AgentProcess.launcher().resolve("../../../../src/main/demo/demo").normalize();
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }
}
