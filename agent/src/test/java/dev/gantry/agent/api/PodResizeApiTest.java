package dev.gantry.agent.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
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

@Timeout(20)
class PodResizeApiTest {
    private static final String PATH = "/api/v1/namespaces/default/pods/web/resize";

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

    private String send(String method, String type, String body) throws IOException {
        try (RawClient client = new RawClient(socket)) {
            int length = body.getBytes(StandardCharsets.UTF_8).length;
            client.send(method + " " + PATH + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: " + type
                    + "\r\nContent-Length: " + length + "\r\n\r\n" + body);
            return client.rest();
        }
    }

    private ResourceRequirements resources() {
        Pod pod = engine.pod("default", "web").orElseThrow();
        return pod.getSpec().getContainers().get(0).getResources();
    }

    @Test
    void aStrategicPatchFindsTheContainerByItsName() throws IOException {
        String answer = send("PATCH", "application/strategic-merge-patch+json", """
                {"spec": {"$setElementOrder/containers": [{"name": "app"}],
                          "containers": [{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}]}}""");

        assertThat(answer).startsWith("HTTP/1.1 200 OK").contains("\"memory\":\"64Mi\"");
        assertThat(resources().getLimits().get("memory")).hasToString("64Mi");
        assertThat(engine.pod("default", "web")
                        .orElseThrow()
                        .getSpec()
                        .getContainers()
                        .get(0)
                        .getImage())
                .isNotBlank();
    }

    @Test
    void aWholePodIsTakenToo() throws IOException {
        String answer = send("PUT", "application/json", """
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
                 "spec": {"containers": [{"name": "app", "image": "busybox", "resources": {"requests": {"cpu": "250m"}}}]}}""");

        assertThat(answer).startsWith("HTTP/1.1 200 OK");
        assertThat(resources().getRequests().get("cpu")).hasToString("250m");
    }

    @ParameterizedTest(name = "{0} {1} {2}: {3}")
    @CsvSource(
            delimiter = '|',
            value = {
                "PATCH | application/json-patch+json            | []                                  | 415 | in an unknown format",
                "PATCH | application/merge-patch+json           | nonsense                            | 400 | is not JSON",
                "PATCH | application/merge-patch+json           | 7                                   | 400 | expected a JSON object",
                "PATCH | application/strategic-merge-patch+json | {\"spec\": {\"containers\": 7}}       | 422 | spec.containers",
                "PATCH | application/strategic-merge-patch+json | {\"spec\": {\"cpus\": 7}}             | 422 | spec.cpus",
                "PUT   | application/json                       | {\"kind\": \"Pod\"}                   | 422 | ''",
                "POST  | application/json                       | {}                                  | 405 | does not allow POST",
            })
    void mistakesAreTold(String method, String type, String body, int code, String message) throws IOException {
        assertThat(send(method, type, body)).startsWith("HTTP/1.1 " + code).contains(message);
    }
}
