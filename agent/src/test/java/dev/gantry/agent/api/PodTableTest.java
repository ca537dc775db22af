package dev.gantry.agent.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.staticpods.ManifestDecoder;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The one word that {@code kubectl get pods} has for the state of a pod with an init container, a sidecar and a container. */
class PodTableTest {
    private static final String POD = """
            apiVersion: v1
            kind: Pod
            metadata: {name: web, namespace: default, uid: uid-1}
            spec:
              initContainers: [{name: setup, image: a}, {name: proxy, image: a, restartPolicy: Always}]
              containers: [{name: app, image: a}]
            status:
              phase: %s
              conditions: [{type: Initialized, status: "%s"}, {type: Ready, status: "False"}]
              initContainerStatuses:
              - {name: setup, state: {%s}}
              - {name: proxy, started: %s, state: {%s}}
              containerStatuses: [{name: app, ready: true, state: {%s}}]
            """;

    private static final String RUNNING = "running: {startedAt: '2026-01-01T00:00:00Z'}";

    private static String state(String word) {
        return switch (word) {
            case "running" -> RUNNING;
            case "done" -> "terminated: {exitCode: 0, reason: Completed}";
            case "failed" -> "terminated: {exitCode: 9, reason: Error}";
            case "killed" -> "terminated: {exitCode: 137, signal: 9}";
            case "crashing" -> "waiting: {reason: CrashLoopBackOff}";
            default -> "waiting: {reason: PodInitializing}";
        };
    }

    @ParameterizedTest
    @CsvSource({
        "Pending, False, running, none, none, Init:0/2",
        "Pending, False, failed, none, none, Init:Error",
        "Pending, False, killed, none, none, Init:Signal:9",
        "Pending, False, crashing, none, none, Init:CrashLoopBackOff",
        "Pending, False, done, none, none, Init:1/2",
        "Pending, True, done, running, none, PodInitializing",
        "Running, True, done, running, running, Running",
        "Running, True, done, crashing, running, Init:CrashLoopBackOff",
        "Running, True, done, running, crashing, CrashLoopBackOff",
        "Succeeded, True, done, done, done, Completed",
        "Succeeded, True, done, failed, done, Completed",
        "Failed, True, done, failed, failed, Error",
        "Failed, True, done, failed, killed, Signal:9"
    })
    void theStateIsKubectls(String phase, String initialized, String setup, String proxy, String app, String word) {
        String text =
                POD.formatted(phase, initialized, state(setup), proxy.equals("running"), state(proxy), state(app));
        Pod pod = ManifestDecoder.decodeRecord("pod.yaml", text.getBytes(StandardCharsets.UTF_8))
                .pods()
                .get(0)
                .pod();

        assertThat(PodTable.state(pod, pod.getStatus())).isEqualTo(word);
    }
}
