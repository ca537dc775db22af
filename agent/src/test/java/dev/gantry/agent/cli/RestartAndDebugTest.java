package dev.gantry.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.api.FakeContainerIo;
import dev.gantry.agent.api.FakePodEngine;
import dev.gantry.agent.api.TestPods;
import dev.gantry.agent.api.TestServer;
import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code gantry restart} and {@code gantry debug} against a server with a fake engine. */
@Timeout(20)
class RestartAndDebugTest {
    @TempDir
    Path directory;

    private final FakePodEngine engine = new FakePodEngine();
    private final FakeContainerIo io = new FakeContainerIo();
    private final CommandLine line = new CommandLine(false);
    private TestServer server = TestServer.NONE;

    @BeforeEach
    void start() throws IOException {
        server = TestServer.start(directory, engine, io);
        engine.put(TestPods.running("web"));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private int run(String... words) {
        String[] all = new String[words.length + 2];
        all[0] = "--root";
        all[1] = directory.toString();
        System.arraycopy(words, 0, all, 2, words.length);
        return line.run(all);
    }

    @Test
    void podsAndContainersAreRestarted() {
        assertThat(run("restart", "pod", "web", "--as-of", "2026-01-02T03:00:00Z"))
                .isZero();
        assertThat(line.out()).isEqualTo("pod \"web\" restart requested\n");
        assertThat(run("restart", "container", "web/app", "--as-of", "2026-01-02T05:00:00+02:00"))
                .isZero();
        assertThat(line.out()).isEqualTo("container \"web/app\" restart requested\n");

        assertThat(engine.restarts())
                .containsExactly(
                        "default/web/ as of 2026-01-02T03:00:00Z", "default/web/app as of 2026-01-02T03:00:00Z");
    }

    @Test
    void oneThatIsNotThereDoesNotKeepTheOthersFromBeingRestarted() {
        assertThat(run("restart", "pod", "none", "web")).isEqualTo(1);

        assertThat(line.err()).isEqualTo("Error from server (NotFound): pods \"none\" not found\n");
        assertThat(line.out()).isEqualTo("pod \"web\" restart requested\n");
    }

    @Test
    void whatTheEngineRefusesIsSaid() {
        assertThat(run("restart", "container", "web/none")).isEqualTo(1);
        assertThat(line.err()).contains("container none is not valid for pod web");

        assertThat(run("restart", "pod", "web", "--as-of", "yesterday")).isEqualTo(1);
        assertThat(line.err()).contains("parameter asOf takes a time like 2026-01-02T15:04:05Z, not 'yesterday'");
    }

    @Test
    void anEphemeralContainerIsAdded() {
        assertThat(run(
                        "debug",
                        "web",
                        "--image",
                        "busybox:1.36",
                        "--target=app",
                        "-c",
                        "look",
                        "--",
                        "ps",
                        "-o",
                        "pid"))
                .isZero();

        List<EphemeralContainer> added =
                engine.pod("default", "web").orElseThrow().getSpec().getEphemeralContainers();
        assertThat(added).singleElement().satisfies(one -> {
            assertThat(one.getName()).isEqualTo("look");
            assertThat(one.getImage()).isEqualTo("busybox:1.36");
            assertThat(one.getTargetContainerName()).isEqualTo("app");
            assertThat(one.getCommand()).containsExactly("ps", "-o", "pid");
            assertThat(one.getImagePullPolicy()).isEqualTo("IfNotPresent");
        });

        assertThat(run("debug", "web", "--image", "busybox")).isZero();
        assertThat(line.err()).matches("Defaulting debug container name to debugger-[b-z2-9]{5}\\.\n");
        assertThat(engine.pod("default", "web").orElseThrow().getSpec().getEphemeralContainers())
                .hasSize(2);
    }

    @Test
    void aWrongOneIsRefusedWithItsField() {
        assertThat(run("debug", "web", "--image", "busybox", "-c", "look", "--target", "none"))
                .isEqualTo(1);
        assertThat(line.err())
                .contains("spec.ephemeralContainers[0].targetContainerName")
                .contains("\"none\"");
    }

    @Test
    void oneStaysWithItAndTalks() throws Exception {
        engine.run("web", "look", directory.resolve("x"), true, false);
        CompletableFuture<Integer> exit = CompletableFuture.supplyAsync(() -> line.run("hello", new String[] {
            "--root", directory.toString(), "debug", "-i", "web", "--image", "busybox", "-c", "look"
        }));
        Pod added = engine.pod("default", "web").orElseThrow();
        while (added.getSpec().getEphemeralContainers().isEmpty()) {
            Thread.onSpinWait();
            added = engine.pod("default", "web").orElseThrow();
        }
        engine.put(new PodBuilder(added)
                .editStatus()
                .withEphemeralContainerStatuses(new ContainerStatusBuilder()
                        .withName("look")
                        .withState(new ContainerStateBuilder()
                                .withNewRunning("2026-01-02T03:04:00Z")
                                .build())
                        .build())
                .endStatus()
                .build());

        FakeContainerIo.Played process = io.take();
        byte[] input = process.stdinRead.readAllBytes();
        process.stdout.write(input);
        process.end(0);

        assertThat(exit.get()).isZero();
        assertThat(line.out()).isEqualTo("hello");
    }

    @Test
    void oneThatHasEndedAlreadyShowsWhatItWrote() throws Exception {
        Path log = java.nio.file.Files.createDirectories(directory.resolve("log/pods/web"))
                .resolve("0.log");
        java.nio.file.Files.writeString(log, "2026-01-02T03:04:00.000000000Z stdout F bye\n", StandardCharsets.UTF_8);
        engine.run("web", "look", log, false, false);
        engine.put(new PodBuilder(engine.pod("default", "web").orElseThrow())
                .editStatus()
                .withEphemeralContainerStatuses(new ContainerStatusBuilder()
                        .withName("look")
                        .withState(new ContainerStateBuilder()
                                .withNewTerminated()
                                .withContainerID("gantry://1")
                                .withExitCode(3)
                                .endTerminated()
                                .build())
                        .build())
                .endStatus()
                .build());

        assertThat(run("debug", "-i", "web", "--image", "busybox", "-c", "look"))
                .isEqualTo(1);
        assertThat(line.out()).isEqualTo("bye\n");
    }
}
