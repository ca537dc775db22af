package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gantry.packaging.DemoImage;
import dev.gantry.testing.Containerd;
import dev.gantry.testing.ContainerdProgram;
import dev.gantry.testing.OciImages;
import dev.gantry.testing.PeerRuntime;
import dev.gantry.testing.RequiresContainerd;
import dev.gantry.testing.RequiresTool;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The agent with its pods in containerd instead of the built-in runtime. */
@RequiresContainerd
@RequiresTool("script")
class AgentOnContainerdIT {
    private static final Duration PATIENCE = Duration.ofSeconds(40);
    static final String PAUSE = "example.test/pause:1";

    @TempDir
    Path directory;

    private PeerRuntime runtime;
    private AgentProcess agent;

    PeerRuntime start(PeerRuntime.Network network) throws Exception {
        return Containerd.start(directory, network, PAUSE);
    }

    /** What the ids of its containers begin with. */
    String scheme() {
        return "containerd://";
    }

    /** What its version begins with. */
    String version() throws Exception {
        ContainerdProgram program = ContainerdProgram.ofThisMachine();
        return program.major() + "." + program.minor() + ".";
    }

    /**
     * The code that it tells of a container that ended with 5 while the runtime was away. Since 1.7 it takes the shim of such a
     * container for a stray one, and knows no more than that it ended.
     */
    int codeOfAnUnseenEnd() throws Exception {
        return ContainerdProgram.ofThisMachine().isAtLeast(1, 7) ? 255 : 5;
    }

    /** Whether the signal that asks a container to end is its pod's; else it is the image's, or SIGTERM. */
    boolean looksAtStopSignals() throws Exception {
        return ContainerdProgram.ofThisMachine().isAtLeast(2, 3);
    }

    @BeforeEach
    void start() throws Exception {
        runtime = start(new PeerRuntime.Network("gantry-cd-it", "10.217.0.0/16"));
        runtime.load(OciImages.image(PAUSE)
                .busybox()
                .entrypoint("sleep", "2147483647")
                .writeArchive(directory.resolve("pause.tar")));
        runtime.load(AgentProcess.launcher()
                .resolveSibling("../share/images/gantry-demo-1.tar")
                .normalize());
        Path root = Files.createDirectories(directory.resolve("node"));
        Files.writeString(root.resolve("config.yaml"), "containerLogMaxSize: 20Ki\ncontainerLogMonitorInterval: 3s\n");
        agent = AgentProcess.on(runtime, root);
    }

    @AfterEach
    void end() throws Exception {
        try {
            agent.close();
        } finally {
            runtime.close();
        }
    }

    private void create(String name, String containers) throws IOException {
        LocalApi.Answer answer =
                agent.api().send("POST", "/api/v1/namespaces/default/pods", """
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s", "namespace": "default"},
                 "spec": {"terminationGracePeriodSeconds": 2, "os": {"name": "linux"}, "containers": [%s]}}
                """.formatted(name, containers));
        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(201);
    }

    private static String container(String name, String script, String more) {
        return "{\"name\": \"%s\", \"image\": \"%s\", \"command\": [\"sh\", \"-c\", \"%s\"]%s}"
                .formatted(name, DemoImage.NAME, script, more.isEmpty() ? "" : ", " + more);
    }

    private Command exec(String container, String script) throws Exception {
        return agent.gantry("exec", "web", "-c", container, "--", "sh", "-c", script);
    }

    @Test
    void aPodsWholeLife() throws Exception {
        int port = freePort();
        create(
                "web",
                "{\"name\": \"server\", \"image\": \"%s\", \"env\": [{\"name\": \"PORT\", \"value\": \"8090\"}],"
                                .formatted(DemoImage.NAME)
                        + "\"ports\": [{\"containerPort\": 8090, \"hostPort\": %d}],".formatted(port)
                        + "\"readinessProbe\": {\"exec\": {\"command\": [\"wget\", \"-q\", \"-O\", \"/dev/null\", \"http://localhost:8090/\"]}},"
                        + "\"livenessProbe\": {\"httpGet\": {\"port\": 8090}},"
                        + "\"lifecycle\": {\"postStart\": {\"exec\": {\"command\": [\"touch\", \"/started\"]}}}},"
                        + container("once", "echo bye > /dev/termination-log; sleep 1; exit 7", ""));
        JsonNode pod = agent.awaitPod(
                "web",
                "to serve, and its other container to have been restarted",
                one -> status(one, "server").path("ready").asBoolean()
                        && status(one, "once").path("restartCount").asInt() > 0);

        assertThat(status(pod, "server").path("containerID").asText()).startsWith(scheme());
        assertThat(status(pod, "once").at("/lastState/terminated/exitCode").asInt())
                .isEqualTo(7);
        assertThat(status(pod, "once").at("/lastState/terminated/message").asText())
                .isEqualTo("bye\n");
        String ip = pod.at("/status/podIP").asText();
        assertThat(ip).startsWith("10.217.");
        assertThat(page(ip, 8090)).contains("Hello from web");
        assertThat(agent.api()
                        .get("/api/v1/nodes")
                        .body()
                        .at("/items/0/status/nodeInfo/containerRuntimeVersion")
                        .asText())
                .startsWith(scheme() + version());

        Command both = exec("server", "ls /started; echo err >&2; exit 3");
        assertThat(both.output()).isEqualTo("/started\n");
        assertThat(both.errors()).startsWith("err\n");
        assertThat(both.exitCode()).isEqualTo(3);
        Command input = Command.run(
                Map.of(),
                "x".repeat(200_000),
                agent.commandLine("exec", "-i", "web", "-c", "server", "--", "wc", "-c"));
        assertThat(input.output().strip()).as("%s", input).isEqualTo("200000");
        String line = "stty rows 33 cols 99; "
                + String.join(
                        " ",
                        agent.commandLine(
                                "exec", "-it", "web", "-c", "server", "--", "sh", "-c", "'sleep 0.3; stty size'"));
        assertThat(Command.run("script", "-qec", line, "/dev/null").output()).contains("33 99");
        assertThat(exec("server", "hostname").output()).isEqualTo("web\n");

        Pods.delete(agent, "web");
        agent.awaitGone("web");
        String uid = pod.at("/metadata/uid").asText();
        Await.until(PATIENCE, "the pod's cgroups to be gone", () -> cgroups(uid).isEmpty(), () -> "" + cgroups(uid));
        assertThat(runtime.keepers()).isEmpty();
        assertThat(directory.resolve("node/log/pods")).isEmptyDirectory();
        assertThat(HostState.of(agent, Set.of(uid)).volumes()).isEmpty();
    }

    @Test
    void logsAreRotatedWithoutALostLine() throws Exception {
        create("web", container("main", "i=0; while :; do i=$((i+1)); echo line $i; usleep 500; done", ""));
        agent.awaitReady("web");
        String uid = agent.api().pod("web").at("/metadata/uid").asText();
        Path logs = directory.resolve("node/log/pods/default_web_" + uid + "/main");

        Await.until(PATIENCE, "two rotated logs", () -> files(logs).size() > 2, () -> files(logs) + agent.log());

        List<String> lines = agent.gantry("logs", "web").output().lines().toList();
        long first = Long.parseLong(lines.get(0).substring("line ".length()));
        for (int i = 0; i < lines.size(); i++) {
            assertThat(lines.get(i)).isEqualTo("line " + (first + i));
        }
    }

    @Test
    void theRuntimeIsKilledAndComesBack() throws Exception {
        create(
                "web",
                container("main", "trap 'exit 0' TERM; while :; do sleep 0.1; done", "") + ","
                        + container("ends", "touch /ready; while [ ! -e /end ]; do sleep 0.1; done; exit 5", ""));
        JsonNode before = agent.awaitReady("web");
        exec("ends", "(sleep 2; touch /end) >/dev/null 2>&1 &");

        runtime.killNine();
        Await.until(
                PATIENCE,
                "the node to say that its runtime is away",
                () -> ready().path("status").asText().equals("False")
                        && ready().path("message").asText().startsWith("container runtime is down: ")
                        && ready().path("message")
                                .asText()
                                .contains(runtime.socket().toString()),
                () -> ready() + agent.log());
        assertThat(exec("main", "true").errors()).contains("UNAVAILABLE");
        create("later", container("main", "sleep 1000", ""));
        Await.until(
                PATIENCE,
                "the container to have ended",
                () -> ProcessHandle.allProcesses()
                        .noneMatch(process ->
                                process.info().commandLine().orElse("").contains("/end ]; do sleep 0.1; done; exit 5")),
                agent::log);

        runtime.startAgain();
        Await.until(
                PATIENCE,
                "the node to be ready",
                () -> ready().path("status").asText().equals("True"),
                () -> ready() + agent.log());
        JsonNode after = agent.awaitPod(
                "web",
                "to have restarted what ended meanwhile",
                pod -> status(pod, "ends").path("restartCount").asInt() == 1);
        assertThat(status(after, "main").path("containerID"))
                .isEqualTo(status(before, "main").path("containerID"));
        assertThat(status(after, "main").path("restartCount").asInt()).isZero();
        assertThat(status(after, "ends").at("/lastState/terminated/exitCode").asInt())
                .isEqualTo(codeOfAnUnseenEnd());
        assertThat(exec("main", "echo back").output()).isEqualTo("back\n");
        agent.awaitReady("later");

        agent.killNine();
        agent.startAgain();
        JsonNode adopted = agent.awaitReady("web");
        assertThat(status(adopted, "main").path("containerID"))
                .isEqualTo(status(before, "main").path("containerID"));
        for (String name : List.of("web", "later")) {
            Pods.delete(agent, name);
            agent.awaitGone(name);
        }
        assertThat(runtime.keepers()).isEmpty();
    }

    /** containerd 1.7 hands the first event after it to the agent that has gone, and to nobody else. */
    @Test
    void theNextAgentSeesAtOnceWhatEnds() throws Exception {
        create("web", container("main", "while [ ! -e /end ]; do sleep 0.1; done; exit 3", ""));
        agent.awaitReady("web");
        agent.killNine();
        agent.startAgain();
        agent.awaitReady("web");

        exec("main", "touch /end");

        JsonNode pod = agent.awaitPod(
                "web",
                "to have been restarted",
                one -> status(one, "main").path("restartCount").asInt() == 1);
        assertThat(status(pod, "main").at("/lastState/terminated/exitCode").asInt())
                .isEqualTo(3);
    }

    @Test
    void limitsChangeWhileTheContainerRuns() throws Exception {
        // Not of the class Guaranteed, whose processes the kernel spares if the runtime has CAP_SYS_RESOURCE.
        create(
                "web",
                container(
                        "main",
                        "sleep 1000",
                        "\"resources\": {\"limits\": {\"cpu\": \"300m\", \"memory\": \"64Mi\"},"
                                + " \"requests\": {\"cpu\": \"100m\", \"memory\": \"32Mi\"}}"));
        agent.awaitReady("web");
        ObjectNode wanted = agent.api().pod("web").deepCopy();
        wanted.withObject("/spec/containers/0/resources/limits").put("cpu", "500m");

        LocalApi.Answer answer =
                agent.api().send("PUT", "/api/v1/namespaces/default/pods/web/resize", wanted.toString());

        assertThat(answer.status()).as("%s", answer.body()).isEqualTo(200);
        JsonNode pod = agent.awaitPod(
                "web",
                "to have been resized",
                one -> status(one, "main").at("/resources/limits/cpu").asText().equals("500m"));
        assertThat(status(pod, "main").path("restartCount").asInt()).isZero();
        String quota = Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))
                ? "cat /sys/fs/cgroup/cpu.max"
                : "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us";
        assertThat(exec("main", quota).output().split("\\s")).containsExactly("50000", "100000");
        assertThat(agent.log()).doesNotContain("ResizeError");
    }

    @Test
    void theStopSignalIsTheOneAskedFor() throws Exception {
        create(
                "web",
                container(
                        "main",
                        "trap 'exit 41' USR1; trap 'exit 42' TERM; touch /up; while :; do sleep 0.05; done",
                        "\"lifecycle\": {\"stopSignal\": \"SIGUSR1\"},"
                                + "\"startupProbe\": {\"exec\": {\"command\": [\"test\", \"-e\", \"/up\"]}, \"periodSeconds\": 1},"
                                + "\"livenessProbe\": {\"exec\": {\"command\": [\"test\", \"!\", \"-e\", \"/down\"]},"
                                + " \"periodSeconds\": 1, \"failureThreshold\": 1}"));
        agent.awaitReady("web");

        exec("main", "touch /down");

        JsonNode pod = agent.awaitPod(
                "web",
                "to have been restarted",
                one -> status(one, "main").path("restartCount").asInt() > 0);
        assertThat(status(pod, "main").at("/lastState/terminated/exitCode").asInt())
                .isEqualTo(looksAtStopSignals() ? 41 : 42);
    }

    @Test
    void imagesAreThoseOfTheRuntime() throws Exception {
        assertThat(agent.gantry("image", "ls").output())
                .containsPattern("localhost/gantry-demo +1 +[0-9a-f]{12} +<unknown>")
                .contains("example.test/pause");
        Command absent = agent.gantry("image", "pull", "127.0.0.1:1/none:1");
        assertThat(absent.exitCode()).isEqualTo(1);
        assertThat(absent.errors()).contains("PullImage of image 127.0.0.1:1/none:1", "connection refused");

        assertThat(agent.gantry("image", "rm", DemoImage.NAME).output()).isEqualTo("removed " + DemoImage.NAME + "\n");

        assertThat(agent.gantry("image", "ls").output()).doesNotContain("gantry-demo");
        assertThat(agent.gantry("image", "rm", DemoImage.NAME).errors()).contains("not found");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/run/no-such/runtime.sock", "/etc/passwd"})
    void withoutTheSocketTheAgentSaysSoAndEnds(String path) throws Exception {
        Command command = Command.run(
                AgentProcess.launcher().toString(),
                "--root",
                directory.resolve("other").toString(),
                "agent",
                "--container-runtime-endpoint",
                "unix://" + path);

        assertThat(command.exitCode()).isEqualTo(1);
        assertThat(command.errors())
                .contains("connect to the container runtime at unix://" + path + ": there is no such socket;"
                        + " start the runtime, or leave out --container-runtime-endpoint to use the built-in one");
    }

    private static JsonNode status(JsonNode pod, String container) {
        for (JsonNode status : pod.at("/status/containerStatuses")) {
            if (status.path("name").asText().equals(container)) {
                return status;
            }
        }
        return com.fasterxml.jackson.databind.node.MissingNode.getInstance();
    }

    private JsonNode ready() {
        try {
            JsonNode conditions = agent.api().get("/api/v1/nodes").body().at("/items/0/status/conditions");
            for (JsonNode condition : conditions) {
                if (condition.path("type").asText().equals("Ready")) {
                    return condition;
                }
            }
            return conditions;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static String page(String host, int port) throws Exception {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://" + host + ":" + port + "/"))
                                .timeout(Duration.ofSeconds(10))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    private static List<String> files(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    private static List<String> cgroups(String uid) {
        List<String> found = new ArrayList<>();
        for (String hierarchy : files(Path.of("/sys/fs/cgroup"))) {
            Path pod = Path.of("/sys/fs/cgroup", hierarchy, "kubepods/besteffort/pod" + uid);
            if (Files.exists(pod)) {
                found.add(pod.toString());
            }
        }
        return found;
    }
}
