package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.EphemeralContainerBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A pod with an init container, a sidecar, an app and an ephemeral container on a real runtime: looked at, started anew, ended. */
@RequiresRoot
@RequiresTool({"busybox", "ip", "nft"})
class DebugAndRestartIT {
    @TempDir
    Path directory;

    private RealNode node;

    TestRuntime.Factory runtimes() {
        return TestRuntime::gantry;
    }

    @BeforeEach
    void open() throws Exception {
        node = new RealNode(directory, runtimes(), NodePolicy.of("node-1"), new PodDns(List.of(), "cluster.local"));
    }

    @AfterEach
    void close() throws Exception {
        node.close();
    }

    @Test
    void theWholeLifeOfAPod() throws Exception {
        node.create("""
                volumes: [{name: seen, hostPath: {path: %s, type: DirectoryOrCreate}}]
                initContainers:
                - name: setup
                  image: example.test/demo:1
                  command: [sh, -c, 'echo setup >> /seen/order']
                  volumeMounts: [{name: seen, mountPath: /seen}]
                - name: proxy
                  image: example.test/demo:1
                  restartPolicy: Always
                  command: [sh, -c, 'echo proxy >> /seen/order; exec sleep 1000']
                  volumeMounts: [{name: seen, mountPath: /seen}]
                containers:
                - name: app
                  image: example.test/demo:1
                  command: [sh, -c, 'echo app >> /seen/order; exec sleep 4242']
                  volumeMounts: [{name: seen, mountPath: /seen}]
                """.formatted(directory.resolve("seen")));
        Pod before = node.awaitRunning("app");

        node.engine()
                .debug(
                        "default",
                        "web",
                        List.of(new EphemeralContainerBuilder()
                                .withName("look")
                                .withImage(TestRuntime.IMAGE)
                                .withImagePullPolicy("IfNotPresent")
                                .withTargetContainerName("app")
                                .withCommand("sh", "-c", "ps -o args > /dev/termination-log")
                                .withTerminationMessagePath("/dev/termination-log")
                                .build()));
        Pod looked = node.await(pod -> look(pod)
                .map(status -> status.getState().getTerminated() != null)
                .orElse(false));
        // It sees the processes of its target, and none of the sidecar.
        assertThat(look(looked).orElseThrow().getState().getTerminated().getMessage())
                .contains("sleep 4242")
                .doesNotContain("sleep 1000");

        node.engine().restart("default", "web", Optional.of("app"), Instant.now());
        node.await(pod -> restarts(pod, "app") == 1
                && RealNode.status(pod, "app").getState().getRunning() != null);
        node.engine().restart("default", "web", Optional.empty(), Instant.now());
        Pod after = node.await(pod -> restarts(pod, "app") == 2
                && RealNode.status(pod, "app").getState().getRunning() != null);

        assertThat(after.getStatus().getPodIP()).isEqualTo(before.getStatus().getPodIP());
        assertThat(after.getStatus().getInitContainerStatuses())
                .extracting(ContainerStatus::getRestartCount)
                .containsExactly(1, 1);
        assertThat(look(after).orElseThrow().getRestartCount()).isZero();
        awaitLines(directory.resolve("seen/order"), "setup", "proxy", "app", "app", "setup", "proxy", "app");
    }

    /** The process says so a moment after it counts as running. */
    private static void awaitLines(Path file, String... lines) throws Exception {
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (Files.readAllLines(file).size() < lines.length && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(Files.readAllLines(file)).containsExactly(lines);
    }

    private static Optional<ContainerStatus> look(Pod pod) {
        List<ContainerStatus> statuses = pod.getStatus().getEphemeralContainerStatuses();
        return statuses == null || statuses.isEmpty() ? Optional.empty() : Optional.of(statuses.get(0));
    }

    private static int restarts(Pod pod, String container) {
        return Optional.ofNullable(RealNode.status(pod, container).getRestartCount())
                .orElse(0);
    }
}
