package dev.gantry.agent.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What kubectl's label, set image, debug and patch send, and what comes of it. */
@Timeout(20)
class PodEditApiTest {
    private static final String POD = "/api/v1/namespaces/default/pods/web";

    @TempDir
    Path directory;

    private final FakePodEngine engine = new FakePodEngine();
    private Path socket = Path.of("/unset");
    private ApiServer server;

    @BeforeEach
    void start() throws IOException {
        socket = directory.resolve("run/gantry.sock");
        engine.put(TestPods.running("web"));
        server = ApiServer.start(
                socket,
                engine.backend(Files.createDirectories(directory.resolve("pods"))),
                ApiLimits.STANDARD,
                TestPods.CLOCK);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private String send(String method, String path, String type, String body) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            int length = body.getBytes(StandardCharsets.UTF_8).length;
            client.send(method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: " + type
                    + "\r\nContent-Length: " + length + "\r\n\r\n" + body);
            return client.rest();
        }
    }

    private Pod pod() {
        return engine.pod("default", "web").orElseThrow();
    }

    @Test
    void labelsAndAnnotationsAreMerged() throws IOException {
        assertThat(send("PATCH", POD, "application/merge-patch+json", """
                {"metadata": {"labels": {"app": null, "tier": "front"}, "annotations": {"note": "x"}}}""")).startsWith("HTTP/1.1 200 OK");

        assertThat(pod().getMetadata().getLabels()).containsOnlyKeys("tier").containsEntry("tier", "front");
        assertThat(pod().getMetadata().getAnnotations()).containsEntry("note", "x");
        assertThat(pod().getSpec().getContainers().get(0).getImage()).isEqualTo("busybox");
    }

    @Test
    void anImageIsSet() throws IOException {
        assertThat(send("PATCH", POD, "application/strategic-merge-patch+json", """
                {"spec": {"$setElementOrder/containers": [{"name": "app"}],
                          "containers": [{"name": "app", "image": "busybox:2"}]}}"""))
                .startsWith("HTTP/1.1 200 OK");

        assertThat(pod().getSpec().getContainers().get(0).getImage()).isEqualTo("busybox:2");
        assertThat(pod().getMetadata().getLabels()).containsEntry("app", "web");
    }

    @Test
    void anEphemeralContainerIsAddedToThoseThatAreThere() throws IOException {
        for (String name : new String[] {"look", "look-2"}) {
            assertThat(send(
                            "PATCH",
                            POD + "/ephemeralcontainers",
                            "application/strategic-merge-patch+json",
                            """
                            {"spec": {"$setElementOrder/ephemeralContainers": [{"name": "%s"}],
                                      "ephemeralContainers": [{"name": "%s", "image": "busybox", "targetContainerName": "app",
                                                               "stdin": true, "tty": true, "resources": {}}]}}""".formatted(name, name)))
                    .startsWith("HTTP/1.1 200 OK");
        }

        assertThat(pod().getSpec().getEphemeralContainers())
                .extracting(one -> one.getName() + " " + one.getTargetContainerName())
                .containsExactly("look app", "look-2 app");
    }

    @Test
    void aConditionIsReported() throws IOException {
        assertThat(send("PATCH", POD + "/status", "application/strategic-merge-patch+json", """
                {"status": {"conditions": [{"type": "example.com/lb", "status": "True"}]}}"""))
                .startsWith("HTTP/1.1 200 OK");

        assertThat(pod().getStatus().getConditions())
                .extracting(condition -> condition.getType() + "=" + condition.getStatus())
                .containsExactly("example.com/lb=True");
    }

    @Test
    void aRestartIsAskedFor() throws IOException {
        String path = "/gantry/v1/namespaces/default/pods/web/restart";
        assertThat(send("POST", path, "application/json", "")).startsWith("HTTP/1.1 200 OK");

        assertThat(engine.restarts()).containsExactly("default/web/ as of " + TestPods.CLOCK.instant());
    }

    @ParameterizedTest(name = "{0} {1} {2}: {3} {4}")
    @CsvSource(
            delimiter = '|',
            value = {
                "PATCH | /api/v1/namespaces/default/pods/none                     | {}       | 404 | NotFound",
                "PATCH | /api/v1/namespaces/default/pods/web                      | []       | 400 | expected a JSON object",
                "PATCH | /api/v1/namespaces/default/pods/web                      | {\"metadata\": {\"labels\": 7}} | 422 | metadata.labels",
                "PATCH | /api/v1/namespaces/default/pods/web/ephemeralcontainers  | {\"spec\": {\"ephemeralContainers\": [{\"name\": \"x\"}]}} | 422 | spec.ephemeralContainers[0].image",
                "PATCH | /api/v1/namespaces/default/pods/web/ephemeralcontainers  | {\"spec\": {\"ephemeralContainers\": [{\"name\": \"x\", \"image\": \"y\", \"imag\": 1}]}} | 422 | unknown field",
                "PATCH | /api/v1/namespaces/default/pods/web/status               | {\"status\": {\"conditions\": 7}} | 422 | status.conditions",
                "POST  | /gantry/v1/namespaces/default/pods/none/restart          | ''       | 404 | not found",
                "POST  | /gantry/v1/namespaces/default/pods/web/stop              | ''       | 404 | could not find",
                "GET   | /gantry/v1/namespaces/default/pods/web/restart           | ''       | 405 | does not allow GET",
                "DELETE | /api/v1/namespaces/default/pods/web/ephemeralcontainers | ''       | 405 | does not allow DELETE",
            })
    void mistakesAreTold(String method, String path, String body, int code, String message) throws IOException {
        assertThat(send(method, path, "application/merge-patch+json", body))
                .startsWith("HTTP/1.1 " + code)
                .contains(message);
    }
}
