package dev.gantry.agent.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.PodBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(20)
class ApiServerTest {
    private static final String AS_TABLE = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    private static final String MANIFEST =
            "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\"},\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"busybox\"}]}}";

    @TempDir
    Path directory;

    private final FakePodEngine engine = new FakePodEngine();
    private Path socket = Path.of("/unset");
    private ApiServer server;

    @BeforeEach
    void start() throws IOException {
        socket = directory.resolve("run/gantry.sock");
        server = ApiServer.start(
                socket,
                engine.backend(directory),
                new ApiLimits(
                        4,
                        16,
                        2_000,
                        1_000,
                        10_000,
                        100_000,
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(5),
                        64 * 1024),
                TestPods.CLOCK);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void onlyTheOwnerMayReachTheSocket() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-rw----");
        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(Objects.requireNonNull(socket.getParent()))))
                .isEqualTo("rwx------");
    }

    @Test
    void aSecondServerOnTheSocketIsRefused() {
        assertThatThrownBy(() -> ApiServer.start(socket, engine.backend(directory), ApiLimits.STANDARD, TestPods.CLOCK))
                .isInstanceOf(IOException.class)
                .hasMessage("bind " + socket + ": another agent answers there");
    }

    @Test
    void aSocketPathThatIsTooLongIsRefusedWithTheRemedy() {
        Path deep = directory.resolve("x".repeat(100)).resolve("gantry.sock");

        assertThatThrownBy(() -> ApiServer.start(deep, engine.backend(directory), ApiLimits.STANDARD, TestPods.CLOCK))
                .hasMessageContaining("a unix socket's may have 107; choose a shorter --root");
    }

    @Test
    void aListHasTheKindAndTheVersionToWatchFrom() throws IOException {
        engine.put(TestPods.running("web"));

        assertThat(RawClient.get(socket, "/api/v1/namespaces/default/pods"))
                .startsWith("HTTP/1.1 200 OK")
                .contains("content-type: application/json")
                .contains("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"101\"}")
                .contains("\"name\":\"web\"");
    }

    @Test
    void aTableHasWhatKubectlShows() throws IOException {
        engine.put(TestPods.running("web"));
        engine.put(TestPods.crashing("worker", 3));

        assertThat(RawClient.get(socket, "/api/v1/pods", AS_TABLE))
                .contains("\"kind\":\"Table\"")
                .contains("\"name\":\"Ready\"")
                .contains("[\"web\",\"1/1\",\"Running\",\"0\",\"2m5s\",\"10.88.0.7\",\"node-1\",\"<none>\",\"<none>\"]")
                .contains("[\"worker\",\"0/1\",\"CrashLoopBackOff\",\"3 (10s ago)\",\"2m5s\"");
    }

    @Test
    void sidecarsCountAmongAPodsContainers() throws IOException {
        engine.put(new PodBuilder(TestPods.running("web"))
                .editSpec()
                .addNewInitContainer()
                .withName("once")
                .endInitContainer()
                .addNewInitContainer()
                .withName("proxy")
                .withRestartPolicy("Always")
                .endInitContainer()
                .endSpec()
                .editStatus()
                .addNewInitContainerStatus()
                .withName("once")
                .withReady(true)
                .withRestartCount(2)
                .withNewState()
                .withNewTerminated()
                .withExitCode(0)
                .endTerminated()
                .endState()
                .endInitContainerStatus()
                .addNewInitContainerStatus()
                .withName("proxy")
                .withReady(true)
                .withStarted(true)
                .withRestartCount(1)
                .withNewState()
                .withNewRunning()
                .endRunning()
                .endState()
                .endInitContainerStatus()
                .endStatus()
                .build());

        assertThat(RawClient.get(socket, "/api/v1/pods", AS_TABLE)).contains("[\"web\",\"2/2\",\"Running\",\"1\",");
    }

    @ParameterizedTest(name = "{0} {1} is {2} {3}")
    @CsvSource({
        "GET, /api/v1/namespaces/default/pods/none, 404, NotFound, 'pods \\\"none\\\" not found'",
        "GET, /api/v1/services, 404, NotFound, could not find the requested resource",
        "GET, /nothing, 404, NotFound, could not find the requested resource",
        "PUT, /api/v1/pods, 405, MethodNotAllowed, does not allow PUT",
        "GET, '/api/v1/pods?fieldSelector=spec.color=red', 400, BadRequest, 'field label not supported: spec.color'",
        "GET, '/api/v1/pods?labelSelector=a%20b%20c', 400, BadRequest, unable to parse requirement",
        "GET, '/api/v1/pods?watch=maybe', 400, BadRequest, 'takes true or false, not ''maybe'''",
        "GET, '/api/v1/pods?watch=1&resourceVersion=x', 400, BadRequest, takes a whole number",
        "GET, /api/v1/%zz, 400, BadRequest, not well formed",
        "DELETE, /api/v1/namespaces/default/pods/none, 404, NotFound, 'pods \\\"none\\\" not found'",
        "GET, /gantry/v1/images, 503, ServiceUnavailable, ListImages of the runtime: UNAVAILABLE",
    })
    void everyFailureIsAStatus(String method, String path, int code, String reason, String message) throws IOException {
        assertThat(RawClient.request(socket, method, path, ""))
                .startsWith("HTTP/1.1 " + code + " ")
                .contains("\"kind\":\"Status\"")
                .contains("\"status\":\"Failure\"")
                .contains("\"reason\":\"" + reason + "\"")
                .contains("\"code\":" + code)
                .contains(message);
    }

    @Test
    void aPodIsCreatedInTheNamespaceOfThePath() throws IOException {
        String answer = RawClient.request(socket, "POST", "/api/v1/namespaces/default/pods", MANIFEST);

        assertThat(answer).startsWith("HTTP/1.1 201 Created").contains("\"namespace\":\"default\"");
        assertThat(RawClient.request(socket, "POST", "/api/v1/namespaces/default/pods", MANIFEST))
                .startsWith("HTTP/1.1 409 Conflict")
                .contains("\"reason\":\"AlreadyExists\"");
    }

    @Test
    void quantitiesAreTexts() throws IOException {
        String manifest = """
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "small"}, "spec": {"containers": [
                 {"name": "c", "image": "busybox", "resources": {"limits": {"memory": "64Mi"}}}]}}
                """;

        assertThat(RawClient.request(socket, "POST", "/api/v1/namespaces/default/pods", manifest))
                .contains("\"limits\":{\"memory\":\"64Mi\"}");
    }

    @Test
    void aMistakeInAManifestIsToldWithItsPlace() throws IOException {
        String yaml =
                "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: app\n    imagee: x\n";

        assertThat(RawClient.request(socket, "POST", "/gantry/v1/pods?source=web.yaml", yaml))
                .startsWith("HTTP/1.1 400")
                .contains("web.yaml:7:5: spec.containers[0].imagee: unknown field");
    }

    @Test
    void deletionTakesTheGraceFromTheQueryOrTheBody() throws IOException {
        engine.put(TestPods.running("web"));

        RawClient.request(socket, "DELETE", "/api/v1/namespaces/default/pods/web?gracePeriodSeconds=5", "");
        RawClient.request(
                socket,
                "DELETE",
                "/api/v1/namespaces/default/pods/web",
                "{\"gracePeriodSeconds\":7,\"kind\":\"DeleteOptions\"}");
        RawClient.request(socket, "DELETE", "/api/v1/namespaces/default/pods/web", "");

        assertThat(engine.deletions()).containsExactly("default/web 5", "default/web 7", "default/web own");
    }

    @Test
    void aPodOfAFileCannotBeDeleted() throws IOException {
        engine.put(TestPods.waiting("static")
                .editMetadata()
                .addToAnnotations("kubernetes.io/config.source", "file")
                .endMetadata()
                .build());

        assertThat(RawClient.request(socket, "DELETE", "/api/v1/namespaces/default/pods/static", ""))
                .startsWith("HTTP/1.1 403 Forbidden")
                .contains("it comes from a file");
    }

    @Test
    void aWatchBeginsWithWhatIsThereAndTellsEachChange() throws IOException {
        engine.put(TestPods.running("web"));

        try (RawClient client = new RawClient(socket)) {
            client.send("GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n");
            client.until("{\"type\":\"ADDED\",\"object\":");
            engine.put(TestPods.crashing("web", 1));
            client.until("{\"type\":\"MODIFIED\",\"object\":");
            engine.remove("default", "web");
            client.until("{\"type\":\"DELETED\",\"object\":");
        }
    }

    @Test
    void aWatchFromAListMissesNothingAndRepeatsNothing() throws IOException {
        engine.put(TestPods.running("old"));
        String version = engine.resourceVersion();
        engine.put(TestPods.running("between"));
        engine.remove("default", "old");

        try (RawClient client = new RawClient(socket)) {
            client.send("GET /api/v1/pods?watch=1&resourceVersion=" + version + " HTTP/1.1\r\nHost: x\r\n\r\n");

            String text = client.until("\"DELETED\"");
            assertThat(text.split("\"type\":\"(ADDED|MODIFIED|DELETED)\"", -1)).hasSize(3);
            assertThat(text.indexOf("\"name\":\"between\"")).isLessThan(text.indexOf("\"name\":\"old\""));
        }
    }

    @Test
    void aWatchEndsWhenItsClientSaysAndTheConnectionGoesOn() throws IOException {
        engine.put(TestPods.running("web"));

        try (RawClient client = new RawClient(socket)) {
            client.send("GET /api/v1/pods?watch=1&timeoutSeconds=1 HTTP/1.1\r\nHost: x\r\n\r\n");
            client.until("\r\n0\r\n\r\n");
            engine.put(TestPods.crashing("web", 1));
            client.send("GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            assertThat(client.rest())
                    .contains("\"ADDED\"")
                    .doesNotContain("\"MODIFIED\"")
                    .contains("gitVersion");
        }
    }

    @Test
    void nothingIsDoneForThoseWhoOnlyWantToTry() throws IOException {
        engine.put(TestPods.running("web"));

        for (String answer : List.of(
                RawClient.request(socket, "POST", "/api/v1/namespaces/default/pods?dryRun=All", "{}"),
                RawClient.request(socket, "DELETE", "/api/v1/namespaces/default/pods/web?dryRun=All", ""),
                RawClient.request(socket, "DELETE", "/api/v1/namespaces/default/pods/web", "{\"dryRun\":[\"All\"]}"))) {
            assertThat(answer).startsWith("HTTP/1.1 400").contains("dryRun is not supported, and nothing was changed");
        }
        assertThat(engine.deletions()).isEmpty();
    }

    @Test
    void aWatchFromTooLongAgoIsToldToListAgain() throws IOException {
        String version = engine.resourceVersion();
        for (int i = 0; i < 4200; i++) {
            engine.put(TestPods.running("web"));
        }

        assertThat(RawClient.get(socket, "/api/v1/pods?watch=1&resourceVersion=" + version))
                .contains("{\"type\":\"ERROR\",\"object\":")
                .contains("\"reason\":\"Expired\"")
                .contains("\"code\":410");
    }

    @Test
    void aPodThatCeasesToFitASelectorIsDeletedForItsWatch() throws IOException {
        engine.put(TestPods.waiting("web").build());

        try (RawClient client = new RawClient(socket)) {
            client.send("GET /api/v1/pods?watch=1&fieldSelector=status.phase%3DPending HTTP/1.1\r\nHost: x\r\n\r\n");
            client.until("\"ADDED\"");
            engine.put(TestPods.running("web"));
            client.until("\"DELETED\"");
        }
    }

    @Test
    void aWatchAsTableSendsTheColumnsOnce() throws IOException {
        engine.put(TestPods.running("web"));

        try (RawClient client = new RawClient(socket)) {
            client.send("GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\n" + AS_TABLE + "\r\n\r\n");
            String first = client.until("\"rows\":[{\"cells\":[\"web\"");
            engine.put(TestPods.crashing("web", 1));
            String both = client.until("CrashLoopBackOff");

            assertThat(first).contains("\"name\":\"Ready\"");
            assertThat(both.substring(first.length())).doesNotContain("\"name\":\"Ready\"");
        }
    }

    @Test
    void aWatcherThatDoesNotReadIsCutOff() throws IOException {
        try (RawClient client = new RawClient(socket)) {
            client.send("GET /api/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n");
            client.until("\r\n\r\n");
            String large = "x".repeat(10_000);
            for (int i = 0; i < 200; i++) {
                engine.put(new PodBuilder(TestPods.running("web"))
                        .editMetadata()
                        .addToAnnotations("large", large)
                        .endMetadata()
                        .build());
            }

            assertThat(client.rest().length()).isLessThan(2_000_000);
        }
    }

    @Test
    void whoDisconnectsIsForgotten() throws Exception {
        int before = engine.watchers();
        Path log = directory.resolve("web.log");
        Files.writeString(log, "");
        engine.put(TestPods.running("web"));
        engine.run("web", "app", log, true, false);
        try (RawClient client = new RawClient(socket)) {
            client.send("GET /api/v1/namespaces/default/pods/web/log?follow=true HTTP/1.1\r\nHost: x\r\n\r\n");
            client.until("200 OK");
        }

        long deadline = System.nanoTime() + 5_000_000_000L;
        while (engine.watchers() > before && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(engine.watchers()).isEqualTo(before);
    }

    @ParameterizedTest(name = "{0} is answered {1}")
    @CsvSource({"line, 431", "header, 431", "length, 413", "chunks, 413"})
    void whatIsTooLongIsRefused(String what, int code) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            switch (what) {
                case "line" -> client.send("GET /" + "x".repeat(2_000) + " HTTP/1.1\r\nHost: x\r\n\r\n");
                case "header" -> client.send("GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + "x".repeat(3_000) + "\r\n\r\n");
                case "length" ->
                    client.send(
                            "POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n");
                default -> {
                    client.send(
                            "POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
                    client.send("2710\r\n" + "x".repeat(10_000) + "\r\n2710\r\n" + "x".repeat(10_000) + "\r\n");
                }
            }

            assertThat(client.rest()).startsWith("HTTP/1.1 " + code).contains("\"kind\":\"Status\"");
        }
    }

    @Test
    void garbageIsAnsweredAndCut() throws IOException {
        try (RawClient client = new RawClient(socket)) {
            assertThat(client.send("\u0000\u0001nonsense\r\n\r\n").rest()).startsWith("HTTP/1.1 400");
        }
    }

    @Test
    void connectionsAreReusedOneRequestAfterTheOther() throws IOException {
        try (RawClient client = new RawClient(socket)) {
            client.send(
                    "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /version HTTP/1.1\r\nHost: x\r\n\r\n");

            assertThat(client.until("gitVersion")).containsSubsequence("200 OK", "200 OK", "200 OK");
        }
    }

    @Test
    void moreConnectionsThanAllowedAreClosed() throws IOException {
        try (RawClient a = new RawClient(socket);
                RawClient b = new RawClient(socket);
                RawClient c = new RawClient(socket);
                RawClient d = new RawClient(socket);
                RawClient tooMany = new RawClient(socket)) {
            assertThat(tooMany.rest()).isEmpty();
            for (RawClient client : new RawClient[] {a, b, c, d}) {
                assertThat(client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                                .until("ok"))
                        .startsWith("HTTP/1.1 200");
            }
        }
    }

    @Test
    void healthReadinessAndMetricsAreThere() throws IOException {
        engine.put(TestPods.running("web"));

        assertThat(RawClient.get(socket, "/healthz")).startsWith("HTTP/1.1 200").endsWith("ok");
        assertThat(RawClient.get(socket, "/readyz")).startsWith("HTTP/1.1 503").endsWith("manifests: not read yet\n");
        assertThat(RawClient.get(socket, "/metrics"))
                .contains("gantry_pods{phase=\"Running\"} 1")
                .contains("kubelet_running_containers{container_state=\"running\"} 1")
                .contains("gantry_test 1");
    }

    @Test
    void kubectlFindsOutWhatThereIs() throws IOException {
        assertThat(RawClient.get(socket, "/api")).contains("\"versions\":[\"v1\"]");
        assertThat(RawClient.get(socket, "/apis")).contains("\"kind\":\"APIGroupList\"");
        assertThat(RawClient.get(socket, "/api/v1"))
                .contains("\"name\":\"pods\"")
                .contains("\"name\":\"pods/exec\"");
        assertThat(RawClient.get(socket, "/api/v1/namespaces/default")).contains("\"phase\":\"Active\"");
    }

    @Test
    void eventsAreListedAndSelected() throws IOException {
        engine.record(TestPods.event("web", "Started", "Container started", "Normal", 1));
        engine.record(TestPods.event("other", "BackOff", "Back-off restarting failed container", "Warning", 4));

        assertThat(RawClient.get(
                        socket,
                        "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dother,type%3DWarning",
                        AS_TABLE))
                .contains("[\"60s\",\"Warning\",\"BackOff\",\"pod/other\",\"spec.containers{app}\",\"gantry\",")
                .doesNotContain("Started");
    }
}
