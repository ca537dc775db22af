package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.packaging.DemoImage;
import dev.gantry.testing.RequiresRoot;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** What goes wrong is said with file, line, field and remedy, and other pods notice nothing. */
@RequiresRoot
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadInputIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private Path directory;

    private AgentProcess agent;
    private JsonNode bystander;

    @BeforeAll
    void anAgentWithAPodThatIsToNoticeNothing(@TempDir Path shared) throws Exception {
        directory = shared;
        agent = AgentProcess.start(directory.resolve("node"));
        Pods.create(agent, "bystander", "Always", 1, "trap 'exit 0' TERM; sleep 1000000 & wait");
        bystander = agent.awaitReady("bystander");
    }

    @AfterAll
    void theOtherPodNoticedNothing() throws Exception {
        try {
            JsonNode now = agent.api().pod("bystander");
            assertThat(now.at("/status/containerStatuses/0/containerID"))
                    .isEqualTo(bystander.at("/status/containerStatuses/0/containerID"));
            assertThat(now.at("/status/containerStatuses/0/restartCount").asInt())
                    .isZero();
        } finally {
            agent.close();
        }
    }

    @Test
    void brokenYamlIsRefusedWithFileAndLine() throws Exception {
        Command run = run("broken.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a\n");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.errors()).contains("broken.yaml:").doesNotContain("\tat ");
    }

    @Test
    void anUnknownFieldIsRefusedWithItsPathAndWhatMayHaveBeenMeant() throws Exception {
        Command run = run("typo.yaml", """
                apiVersion: v1
                kind: Pod
                metadata: {name: typo}
                spec:
                  containers:
                  - name: main
                    imagee: %s
                """.formatted(DemoImage.NAME));

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.errors())
                .contains("typo.yaml:7:")
                .contains("spec.containers[0].imagee: unknown field, did you mean 'image'?");
    }

    @Test
    void aWrongTypeIsRefusedWithWhatWasExpected() throws Exception {
        Command run = run("type.yaml", """
                apiVersion: v1
                kind: Pod
                metadata: {name: type}
                spec:
                  containers:
                  - name: main
                    image: %s
                    ports: [{containerPort: "80"}]
                """.formatted(DemoImage.NAME));

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.errors())
                .contains("type.yaml:8:")
                .contains("spec.containers[0].ports[0].containerPort: expected an integer");
    }

    @Test
    void aMissingFileIsNamed() throws Exception {
        Command run =
                agent.gantry("run", "-f", directory.resolve("nowhere.yaml").toString());

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.errors()).contains("nowhere.yaml").doesNotContain("Exception");
    }

    @Test
    void aManifestEditedIntoNonsenseLeavesItsPodRunningAndIsReportedOnIt() throws Exception {
        String good = """
                apiVersion: v1
                kind: Pod
                metadata: {name: edited}
                spec:
                  terminationGracePeriodSeconds: 1
                  containers:
                  - name: main
                    image: %s
                """.formatted(DemoImage.NAME);
        agent.putManifest("edited.yaml", good);
        Await.until(PATIENCE, "the pod", () -> name("edited-").isPresent(), agent::log);
        String name = name("edited-").orElseThrow();
        JsonNode before = agent.awaitReady(name);

        agent.putManifest("edited.yaml", good.replace("image:", "imagee:"));

        Await.until(
                PATIENCE,
                "an event with file, line and field",
                () -> agent.gantry("describe", "pod", name).output().contains("edited.yaml:8:"),
                agent::log);
        JsonNode after = agent.api().pod(name);
        assertThat(after.at("/status/containerStatuses/0/containerID"))
                .isEqualTo(before.at("/status/containerStatuses/0/containerID"));
        agent.removeManifest("edited.yaml");
        agent.awaitGone(name);
    }

    @Test
    void aManifestEditedIntoWhatThisNodeCannotDoLeavesItsPodRunningToo() throws Exception {
        String good = """
                apiVersion: v1
                kind: Pod
                metadata: {name: shared}
                spec:
                  terminationGracePeriodSeconds: 1
                  containers: [{name: main, image: "%s"}]
                """.formatted(DemoImage.NAME);
        agent.putManifest("shared.yaml", good);
        Await.until(PATIENCE, "the pod", () -> name("shared-").isPresent(), agent::log);
        String name = name("shared-").orElseThrow();
        JsonNode before = agent.awaitReady(name);

        agent.putManifest("shared.yaml", good + "  volumes: [{name: data, nfs: {server: nfs.example, path: /data}}]\n");

        Await.until(
                PATIENCE,
                "an event with file, line, field and remedy",
                () -> agent.gantry("describe", "pod", name)
                        .output()
                        .contains(
                                "shared.yaml:7:26: spec.volumes[0].nfs: Forbidden: volumes of this kind are not mounted"
                                        + " here; mount it on the node"),
                agent::log);
        JsonNode after = agent.api().pod(name);
        assertThat(after.at("/status/containerStatuses/0/containerID"))
                .isEqualTo(before.at("/status/containerStatuses/0/containerID"));
        agent.removeManifest("shared.yaml");
        agent.awaitGone(name);
    }

    @Test
    void anImageThatDoesNotExistIsReportedOnThePod() throws Exception {
        try (Answering registry = Answering.with("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")) {
            assertThat(waitingMessage("missing", registry.reference()))
                    .contains(registry.reference())
                    .contains("no such repository, tag or digest there");
        }
    }

    @Test
    void aRegistryThatAnswers500IsReportedOnThePod() throws Exception {
        try (Answering registry = Answering.with("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")) {
            assertThat(waitingMessage("failing", registry.reference())).contains("500");
        }
    }

    @Test
    void aRegistryThatCutsTheLineIsReportedOnThePod() throws Exception {
        try (Answering registry = Answering.with(
                "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\nContent-Length: 500\r\n\r\n{\"schemaVersion\":2,")) {
            assertThat(waitingMessage("cut", registry.reference())).contains(registry.host());
        }
    }

    @Test
    void aRegistryThatSendsSomethingElseThanTheDigestIsReportedOnThePod() throws Exception {
        String other = "{\"schemaVersion\":2}";
        String digest = "sha256:" + "0".repeat(64);
        try (Answering registry =
                Answering.with("HTTP/1.1 200 OK\r\nContent-Length: " + other.length() + "\r\n\r\n" + other)) {
            assertThat(waitingMessage("forged", registry.host() + "/app@" + digest))
                    .contains("manifest " + digest + ": registry " + registry.host()
                            + " sent one with the digest sha256:")
                    .contains("it is damaged there or on the way");
        }
    }

    @Test
    void aPodWhoseRegistryHangsCanBeDeletedAtOnce() throws Exception {
        try (Answering registry = Answering.with("")) {
            create("hanging", registry.reference());
            agent.awaitPod("hanging", "to be known", pod -> !pod.isMissingNode());
            Pods.delete(agent, "hanging");
            agent.awaitGone("hanging");
        }
    }

    @Test
    void withoutRootItSaysSoAndHowToGetIt() throws Exception {
        Command run = Command.run(
                Map.of("HOME", "/nonexistent"),
                "",
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
                // The build may lie in a directory that only root may enter, root's home for example.
                "--inh-caps=+dac_read_search",
                "--ambient-caps=+dac_read_search",
                AgentProcess.launcher().toString(),
                "run",
                "-f",
                manifest("noroot.yaml", "noroot", DemoImage.NAME).toString());

        assertThat(run.exitCode()).isNotZero();
        assertThat(run.errors()).contains("needs root").contains("sudo").doesNotContain("\tat ");
    }

    @Test
    void aFullDiskIsReportedOnThePod() throws Exception {
        Path small = Files.createDirectories(directory.resolve("small"));
        Command mount = Command.run("mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", small.toString());
        assertThat(mount.exitCode()).as("%s", mount).isZero();
        try {
            try (AgentProcess cramped =
                    AgentProcess.start(directory.resolve("cramped"), "--root-dir", small.toString())) {
                Pods.create(cramped, "big", "Never", 1, "exit 0");
                JsonNode pod = cramped.awaitPod(
                        "big",
                        "to say why it does not start",
                        found -> found.at("/status/containerStatuses/0/state/waiting/message")
                                .asText()
                                .contains("No space left"));
                assertThat(pod.at("/status/containerStatuses/0/state/waiting/message")
                                .asText())
                        .contains("No space left");
            }
        } finally {
            Command unmount = Command.run("umount", "-l", small.toString());
            assertThat(unmount.exitCode()).as("%s", unmount).isZero();
        }
    }

    /** Makes a pod with this image and returns what its container waits for. */
    private String waitingMessage(String name, String image) throws IOException, InterruptedException {
        create(name, image);
        JsonNode pod = agent.awaitPod(
                name,
                "to wait for its image",
                found -> Set.of("ErrImagePull", "ImagePullBackOff", "RegistryUnavailable")
                        .contains(found.at("/status/containerStatuses/0/state/waiting/reason")
                                .asText()));
        String described = agent.gantry("describe", "pod", name).output();
        Pods.delete(agent, name);
        agent.awaitGone(name);
        return pod.at("/status/containerStatuses/0/state/waiting/message").asText() + "\n" + described;
    }

    private void create(String name, String image) throws IOException {
        LocalApi.Answer answer =
                agent.api().send("POST", "/api/v1/namespaces/default/pods", """
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s", "namespace": "default"},
                 "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "main", "image": "%s"}]}}
                """.formatted(name, image));
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(201);
    }

    private Command run(String fileName, String yaml) throws IOException, InterruptedException {
        return agent.gantry(
                "run",
                "-f",
                Files.writeString(directory.resolve(fileName), yaml).toString());
    }

    private Path manifest(String fileName, String name, String image) throws IOException {
        Path shared = Files.createTempFile("gantry-e2e", fileName);
        Files.writeString(shared, """
                apiVersion: v1
                kind: Pod
                metadata: {name: %s}
                spec: {containers: [{name: main, image: "%s"}]}
                """.formatted(name, image));
        Files.setPosixFilePermissions(shared, java.nio.file.attribute.PosixFilePermissions.fromString("rw-r--r--"));
        shared.toFile().deleteOnExit();
        return shared;
    }

    private Optional<String> name(String prefix) throws IOException {
        for (JsonNode pod : agent.api().pods()) {
            String name = pod.at("/metadata/name").asText();
            if (name.startsWith(prefix)) {
                return Optional.of(name);
            }
        }
        return Optional.empty();
    }

    /** A registry that answers every request in the same way, or, with an empty answer, not at all. */
    private static final class Answering implements AutoCloseable {
        private final ServerSocket server;
        private final List<Socket> hanging = new CopyOnWriteArrayList<>();

        private Answering(ServerSocket server) {
            this.server = server;
        }

        static Answering with(String answer) throws IOException {
            Answering registry = new Answering(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
            Thread thread = new Thread(() -> registry.serve(answer), "registry-that-misbehaves");
            thread.setDaemon(true);
            thread.start();
            return registry;
        }

        private void serve(String answer) {
            while (!server.isClosed()) {
                try {
                    Socket socket = server.accept();
                    if (answer.isEmpty()) {
                        hanging.add(socket);
                        continue;
                    }
                    int unread = socket.getInputStream().read(new byte[8192]);
                    OutputStream out = socket.getOutputStream();
                    out.write(answer.getBytes(StandardCharsets.US_ASCII), 0, unread < 0 ? 0 : answer.length());
                    socket.close();
                } catch (IOException next) {
                    // The client gave up, or this registry is closed.
                }
            }
        }

        String host() {
            return "127.0.0.1:" + server.getLocalPort();
        }

        String reference() {
            return host() + "/team/app:1";
        }

        @Override
        public void close() throws IOException {
            server.close();
            for (Socket socket : hanging) {
                socket.close();
            }
        }
    }
}
