package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.packaging.DemoImage;
import dev.gantry.testing.RequiresRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ConfigMaps and Secrets beside the manifests of static pods, as their owner edits them. */
@RequiresRoot
class ManifestObjectsIT {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final String OBJECTS = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: app}
            data: {greeting: hello}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: app}
            stringData: {token: s3cret}
            """;

    private static final String POD = """
            apiVersion: v1
            kind: Pod
            metadata: {name: app}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: main
                image: %s
                command: [sleep, "1000000"]
                env: [{name: TOKEN, valueFrom: {secretKeyRef: {name: app, key: token}}}]
                volumeMounts:
                - {name: config, mountPath: /config}
                - {name: secret, mountPath: /secret}
              volumes:
              - {name: config, configMap: {name: app}}
              - {name: secret, secret: {secretName: app}}
            """.formatted(DemoImage.NAME);

    @Test
    void anEditIsInTheContainersFilesAndAMistakeChangesNothing(@TempDir Path directory) throws Exception {
        Path root = directory.resolve("node");
        Path manifests = Files.createDirectories(root.resolve("manifests"));
        Files.writeString(manifests.resolve("pod.yaml"), POD);
        try (AgentProcess agent = AgentProcess.start(root)) {
            String pod = name(agent);
            agent.awaitPod(pod, "to wait for its secret", found -> reason(found).equals("CreateContainerConfigError"));

            Files.writeString(manifests.resolve("objects.yaml"), OBJECTS);
            JsonNode ready = agent.awaitReady(pod);
            assertThat(inContainer(agent, pod, "cat /config/greeting /secret/token; echo $TOKEN"))
                    .isEqualTo("hellos3crets3cret\n");

            Files.writeString(manifests.resolve("objects.yaml"), OBJECTS.replace("hello", "good morning"));
            awaitGreeting(agent, root, "good morning");
            Files.writeString(manifests.resolve("objects.yaml"), OBJECTS.replace("data:", "dato:"));
            Files.writeString(manifests.resolve("twice.yaml"), OBJECTS);
            Await.until(
                    PATIENCE,
                    "both mistakes to be events",
                    () -> {
                        String events = agent.gantry("events").output();
                        return events.contains("dato: unknown field")
                                && events.contains("ConfigMap default/app is already in");
                    },
                    agent::log);
            assertThat(inContainer(agent, pod, "cat /config/greeting")).isEqualTo("good morning");
            Files.delete(manifests.resolve("twice.yaml"));

            agent.killNine();
            Files.writeString(manifests.resolve("objects.yaml"), OBJECTS.replace("hello", "while you were away"));
            agent.startAgain();
            awaitGreeting(agent, root, "while you were away");
            assertThat(agent.awaitReady(pod).at("/status/containerStatuses/0/containerID"))
                    .isEqualTo(ready.at("/status/containerStatuses/0/containerID"));

            Files.delete(manifests.resolve("pod.yaml"));
            Await.until(
                    PATIENCE,
                    "the pod and all that it had on the host to be gone",
                    () -> isEmpty(root.resolve("lib/pods")),
                    agent::log);
            assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
                    .doesNotContain(root.resolve("lib/pods") + "/");
        }
    }

    private static String name(AgentProcess agent) throws IOException, InterruptedException {
        Await.until(PATIENCE, "the pod to be there", () -> !agent.api().pods().isEmpty(), agent::log);
        return agent.api().pods().get(0).at("/metadata/name").asText();
    }

    private static String reason(JsonNode pod) {
        return pod.at("/status/containerStatuses/0/state/waiting/reason").asText();
    }

    private static String inContainer(AgentProcess agent, String pod, String script)
            throws IOException, InterruptedException {
        return agent.gantry("exec", pod, "--", "sh", "-c", script).output();
    }

    /** On the host, where no command has to be started to look. */
    private static void awaitGreeting(AgentProcess agent, Path root, String text)
            throws IOException, InterruptedException {
        Path file;
        try (Stream<Path> pods = Files.list(root.resolve("lib/pods"))) {
            file = pods.findFirst().orElseThrow().resolve("volumes/kubernetes.io~configmap/config/greeting");
        }
        Await.until(
                PATIENCE,
                "the greeting '" + text + "'",
                () -> Files.readString(file).equals(text),
                agent::log);
    }

    private static boolean isEmpty(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.findAny().isEmpty();
        }
    }
}
