package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gantry.e2e.Await;
import dev.gantry.e2e.Command;
import dev.gantry.e2e.cri.CriServer.Feature;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ArgumentsSource;

/**
 * Kubernetes' crictl on the socket, command by command as people type them. The program is no part of this project: the property
 * {@code gantry.crictl} names one. What its commands ask for is tested without it by the other classes here.
 */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox", "script"})
@EnabledIfSystemProperty(
        named = "gantry.crictl",
        matches = "/.*",
        disabledReason = "needs a crictl: -Dgantry.crictl=/path/to/crictl")
@Timeout(
        value = 300,
        threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a read that nothing comes to hears no interrupt
@ParameterizedClass
@ArgumentsSource(CriServers.class)
class CrictlIT {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final CriServer cri;
    private Path files;
    private Path podConfig;
    private String uid;
    private String pod;

    CrictlIT(CriServer cri) {
        this.cri = cri;
    }

    @BeforeEach
    void runAPod() throws Exception {
        // Its containers share their PIDs, so that CRI-O needs a process to hold it, with a score that root must be
        // able to set.
        cri.requires(Feature.LESS_THAN_ALL_CAPABILITIES);
        uid = UUID.randomUUID().toString();
        files = Files.createDirectories(cri.directory().resolve("crictl-" + uid));
        podConfig = Files.writeString(
                files.resolve("pod.json"), """
                {"metadata": {"name": "crictl", "namespace": "test", "uid": "%s"}, "hostname": "tester", "labels": {"suite": "crictl"},
                 "log_directory": "%s", "linux": {"cgroup_parent": "%s"}}
                """.formatted(uid, files.resolve("logs"), cri.cgroupParent(uid)));
        pod = crictl("runp", podConfig.toString()).strip();
    }

    @AfterEach
    void removeIt() throws Exception {
        if (pod != null) {
            crictl("rmp", "-f", pod);
        }
    }

    private List<String> words(String... words) {
        List<String> all = new ArrayList<>(List.of(
                System.getProperty("gantry.crictl"),
                "--runtime-endpoint",
                "unix://" + cri.socket(),
                "--timeout",
                "30s"));
        all.addAll(List.of(words));
        return all;
    }

    /** Its output; a failure fails the test. */
    private String crictl(String... words) throws IOException, InterruptedException {
        Command command = Command.run(words(words).toArray(String[]::new));
        assertThat(command.exitCode()).as(command.toString()).isZero();
        return command.output();
    }

    private JsonNode json(String... words) throws IOException, InterruptedException {
        return JSON.readTree(crictl(words));
    }

    private Process start(String... words) throws IOException {
        return new ProcessBuilder(words(words)).redirectErrorStream(true).start();
    }

    /** On a terminal of its own. */
    private Process onTerminal(String... words) throws IOException {
        return new ProcessBuilder("script", "-qec", String.join(" ", words(words)), "/dev/null")
                .redirectErrorStream(true)
                .start();
    }

    private String create(String name, String more, String command) throws IOException, InterruptedException {
        Path config = Files.writeString(
                files.resolve(name + ".json"), """
                {"metadata": {"name": "%s"}, "image": {"image": "%s"}, "log_path": "%s.log", "labels": {"app": "%s"},
                 "command": ["sh", "-c", "%s"], "linux": {}%s}
                """.formatted(name, cri.image(), name, name, command, more));
        return crictl("create", pod, config.toString(), podConfig.toString()).strip();
    }

    private String running(String name, String more, String command) throws IOException, InterruptedException {
        String id = create(name, more, command);
        assertThat(crictl("start", id)).isEqualTo(id + "\n");
        return id;
    }

    private static String readUntil(InputStream in, StringBuilder read, String text) throws IOException {
        byte[] buffer = new byte[4096];
        while (read.indexOf(text) < 0) {
            int n = in.read(buffer);
            if (n < 0) {
                throw new AssertionError("'" + text + "' did not come, but: " + read);
            }
            read.append(new String(buffer, 0, n, StandardCharsets.UTF_8));
        }
        return read.toString();
    }

    @Test
    void podsAndContainersAreListedInspectedStoppedAndRemoved() throws Exception {
        String id = create("main", "", "trap 'exit 3' TERM; sleep 1000000 & wait");
        assertThat(crictl("ps", "-q", "--state", "created", "--pod", pod).strip())
                .isEqualTo(id);
        crictl("start", id);

        assertThat(crictl("pods", "-q", "--label", "suite=crictl", "--state", "ready")
                        .lines())
                .contains(pod);
        assertThat(crictl("ps", "--name", "main")).contains(id.substring(0, 13)).contains("Running");
        JsonNode container = json("inspect", id);
        assertThat(container.at("/status/state").asText()).isEqualTo("CONTAINER_RUNNING");
        assertThat(container.at("/status/labels/app").asText()).isEqualTo("main");
        assertThat(container.at("/info/pid").asInt()).isPositive();
        JsonNode sandbox = json("inspectp", pod);
        assertThat(sandbox.at("/status/state").asText()).isEqualTo("SANDBOX_READY");
        assertThat(sandbox.at("/status/network/ip").asText()).contains(".");
        assertThat(sandbox.at("/info/pid").asInt()).isPositive();

        assertThat(crictl("stop", "--timeout", "20", id)).contains(id);
        assertThat(json("inspect", id).at("/status/exitCode").asInt()).isEqualTo(3);
        assertThat(crictl("rm", id)).contains(id);
        assertThat(crictl("ps", "-a", "-q", "--pod", pod)).isBlank();
        assertThat(crictl("stopp", pod)).contains(pod);
        assertThat(json("inspectp", pod).at("/status/state").asText()).isEqualTo("SANDBOX_NOTREADY");
    }

    @Test
    void execRunsCommandsAtOnceAndOnATerminal() throws Exception {
        String id = running("main", "", "sleep 1000000");

        assertThat(crictl("exec", "-s", id, "hostname")).startsWith("tester\n");
        assertThat(crictl("exec", id, "echo", "streamed")).isEqualTo("streamed\n");
        // More than the windows that its protocols begin with.
        assertThat(crictl("exec", id, "sh", "-c", "yes | head -c 1000000")).hasSize(1_000_000);
        Command failed = Command.run(words("exec", id, "sh", "-c", "exit 7").toArray(String[]::new));
        assertThat(failed.exitCode()).isNotZero();
        assertThat(failed.errors()).contains("7");
        Command input = Command.run(
                java.util.Map.of(),
                "to the process",
                words("exec", "-i", id, "cat").toArray(String[]::new));
        assertThat(input.output()).isEqualTo("to the process");

        Process terminal = onTerminal("exec", "-it", id, "sh");
        StringBuilder read = new StringBuilder();
        try (OutputStream keys = terminal.getOutputStream();
                InputStream screen = terminal.getInputStream()) {
            keys.write("tty; echo $((6 * 7))\n".getBytes(StandardCharsets.UTF_8));
            keys.flush();
            readUntil(screen, read, "/dev/pts/");
            readUntil(screen, read, "42");
            keys.write("exit\n".getBytes(StandardCharsets.UTF_8));
            keys.flush();
            assertThat(terminal.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(terminal.exitValue()).isZero();
    }

    @Test
    void anAttachedTerminalIsTheContainers() throws Exception {
        String id = running("main", ", \"stdin\": true, \"stdin_once\": true", "read line; echo it was $line");

        Process attached = start("attach", "-i", id);
        StringBuilder read = new StringBuilder();
        try (OutputStream keys = attached.getOutputStream();
                InputStream screen = attached.getInputStream()) {
            keys.write("typed\n".getBytes(StandardCharsets.UTF_8));
            keys.flush();
            readUntil(screen, read, "it was typed");
        }
        assertThat(attached.waitFor(30, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aPortIsForwarded() throws Exception {
        running("main", "", "while true; do echo answer | nc -l -p 8099; done");
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }

        Process forward = start("port-forward", pod, port + ":8099");
        try (InputStream said = forward.getInputStream()) {
            readUntil(said, new StringBuilder(), "Forwarding from 127.0.0.1:" + port);
            Await.until(
                    PATIENCE,
                    "an answer through the forwarded port",
                    () -> {
                        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                            return new String(socket.getInputStream().readNBytes(7), StandardCharsets.UTF_8)
                                    .equals("answer\n");
                        }
                    },
                    () -> "");
        } finally {
            Command.end(forward);
        }
    }

    @Test
    void logsAreFollowedToTheEnd() throws Exception {
        String id = running("main", "", "echo first; sleep 1; echo second; echo third >&2");

        Command followed = Command.run(words("logs", "-f", id).toArray(String[]::new));

        assertThat(followed.output()).isEqualTo("first\nsecond\n");
        assertThat(followed.errors()).contains("third");
        assertThat(crictl("logs", "--tail", "2", id)).isEqualTo("second\n");
    }

    @Test
    void statisticsAreTold() throws Exception {
        String id = running("main", "", "sleep 1000000");

        assertThat(json("stats", "-o", "json", id).at("/stats/0/attributes/id").asText())
                .isEqualTo(id);
        assertThat(crictl("stats", id)).contains(id.substring(0, 13));
        assertThat(json("statsp", "-o", "json", "--id", pod)
                        .at("/stats/0/attributes/id")
                        .asText())
                .isEqualTo(pod);
        assertThat(json("imagefsinfo")
                        .at("/status/imageFilesystems/0/fsId/mountpoint")
                        .asText())
                .startsWith("/");
    }

    @Test
    void eventsAreFollowed() throws Exception {
        cri.requires(Feature.EVENTS);
        Process events = start("events");
        try (InputStream said = events.getInputStream()) {
            StringBuilder read = new StringBuilder();
            // Until it listens nobody knows: containers come and go until one is heard of.
            Thread reader = new Thread(() -> {
                try {
                    readUntil(said, read, "CONTAINER_STARTED_EVENT");
                } catch (IOException e) {
                    read.append(e);
                }
            });
            reader.start();
            for (int i = 0; reader.isAlive() && i < 50; i++) {
                var unused = running("e" + i, "", "true");
                reader.join(200);
            }
            reader.join(1000);
            assertThat(read.toString()).contains("CONTAINER_STARTED_EVENT");
        } finally {
            Command.end(events);
        }
    }

    @Test
    void imagesArePulledListedInspectedAndRemoved() throws Exception {
        cri.registry().push("crictl/own", TestImages.base("crictl-" + uid));
        String reference = cri.registry().reference("crictl/own");

        assertThat(crictl("pull", reference)).contains("sha256:");
        assertThat(crictl("images")).contains("crictl/own");
        JsonNode image = json("inspecti", reference);
        assertThat(image.at("/status/repoTags/0").asText()).isEqualTo(reference);
        assertThat(image.at("/status/size").asLong()).isPositive();
        assertThat(crictl("rmi", reference)).contains(reference);
        assertThat(crictl("images")).doesNotContain("crictl/own");
    }

    @Test
    void limitsAreUpdated() throws Exception {
        String id = running("main", "", "sleep 1000000");

        assertThat(crictl("update", "--cpu-share", "512", id)).contains(id);
    }

    @Test
    void theRuntimeTellsOfItself() throws Exception {
        JsonNode info = json("info");
        // containerd has one more, of what is deprecated.
        assertThat(info.at("/status/conditions"))
                .filteredOn(condition -> condition.path("status").asBoolean())
                .extracting(condition -> condition.path("type").asText())
                .contains("RuntimeReady", "NetworkReady");
        assertThat(crictl("version")).contains("RuntimeApiVersion:  v1");
        if (cri.has(Feature.RUNTIME_CONFIG)) {
            assertThat(crictl("runtime-config")).containsIgnoringCase("cgroupfs");
        }
        if (cri.has(Feature.METRICS)) {
            assertThat(crictl("metricdescs")).contains("container_");
            assertThat(crictl("metricsp")).contains(pod);
        }
    }

    @Test
    void checkpointsAreRefusedInWords() throws Exception {
        cri.requires(Feature.NO_CHECKPOINTS);
        String id = running("main", "", "sleep 1000000");

        Command refused = Command.run(
                words("checkpoint", "--export", files.resolve("c.tar").toString(), id)
                        .toArray(String[]::new));

        assertThat(refused.exitCode()).isNotZero();
        assertThat(refused.errors()).contains(cri.has(Feature.EVENTS) ? "Unimplemented" : "heckpoint");
    }
}
