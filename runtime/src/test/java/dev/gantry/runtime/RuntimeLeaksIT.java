package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.ContainerState;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.testing.RequiresRoot;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When all pods are gone, everything is as it was before them; also if the runtime was killed in between. */
@RequiresRoot
class RuntimeLeaksIT {
    private static final int ROUNDS = 5;

    @TempDir
    Path directory;

    private RuntimeFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new RuntimeFixture(directory);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private void cycle(String name) throws Exception {
        PodSandboxConfig pod = fixture.pod(name);
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "app", "sleep", "1000"));
        fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "short", "true"));
        fixture.exec(id, "true");
        fixture.removePod(sandbox);
    }

    /** What there is of each kind. */
    private Map<String, Object> inventory() throws IOException {
        Map<String, Object> all = new TreeMap<>();
        all.put("mounts", Files.readAllLines(Path.of("/proc/self/mountinfo")).size());
        all.put("sandboxes", names(fixture.config().run().resolve("sandboxes")));
        all.put("snapshots", names(fixture.config().root().resolve("images/snapshots")));
        Path cgroups = Path.of(fixture.runtime().cgroups().pods().path());
        try (Stream<Path> tree = Files.walk(cgroups)) {
            all.put(
                    "cgroups",
                    tree.filter(path -> path.getFileName().toString().matches("pod.*|exec-.*|[0-9a-f]{64}"))
                            .toList());
        }
        all.put("processes", fixture.runtime().cgroups().pods().allProcesses());
        return all;
    }

    private static List<String> names(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(path)) {
            return entries.map(entry -> String.valueOf(entry.getFileName()))
                    .sorted()
                    .toList();
        }
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> entries = Files.list(Path.of("/proc/self/fd"))) {
            return entries.count();
        }
    }

    @Test
    void podsLeaveNothingBehind() throws Exception {
        for (int i = 0; i < 5; i++) {
            cycle("warm" + i);
        }
        Map<String, Object> before = inventory();
        fixture.awaitSpare();
        long descriptors = descriptors();

        for (int i = 0; i < 20; i++) {
            cycle("pod" + i);
        }

        assertThat(inventory()).isEqualTo(before);
        fixture.awaitSpare();
        assertThat(leastDescriptors(descriptors + 2)).isLessThanOrEqualTo(descriptors + 2);
    }

    /** The fewest of some seconds: what a removal does behind its answer has some open for a moment. */
    private static long leastDescriptors(long enough) throws IOException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        long least = descriptors();
        while (least > enough && System.nanoTime() < end) {
            least = Math.min(least, descriptors());
        }
        return least;
    }

    /** A process of its own that starts and stops pods until it is killed. */
    static final class Victim {
        private Victim() {}

        public static void main(String[] arguments) throws Exception {
            Path directory = Path.of(arguments[0]);
            try (NativeRuntime runtime = NativeRuntime.open(NativeRuntimeConfig.under(directory.resolve("root")))) {
                RuntimeFixture fixture = RuntimeFixture.around(directory, runtime);
                System.out.println("ready");
                for (int i = 0; ; i++) {
                    PodSandboxConfig pod = fixture.pod("victim-" + arguments[1] + "-" + i);
                    String sandbox = fixture.run(pod);
                    fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "stays", "sleep", "1000"));
                    fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "ends", "sh", "-c", "exit 9"));
                    System.out.println("pod");
                    if (i % 2 == 1) {
                        fixture.removePod(sandbox);
                    }
                }
            }
        }
    }

    @Test
    void aRuntimeThatEndsLeavesTheCgroupsOfItsPodsAndNoneWithoutPods() throws Exception {
        Path cgroups = Path.of(fixture.runtime().cgroups().root().path());
        PodSandboxConfig pod = fixture.pod("web");
        String sandbox = fixture.run(pod);
        String id = fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "app", "sleep", "1000"));

        fixture.reopen();
        assertThat(fixture.shell(id, "hostname")).isEqualTo("web\n");
        fixture.removePod(sandbox);
        fixture.runtime().close();
        boolean left = Files.exists(cgroups);
        fixture.reopen();

        assertThat(left).isFalse();
    }

    @Test
    void aRuntimeKilledAtAnyInstructionLeavesNothingThatTheNextOneCannotFree() throws Exception {
        Map<String, Object> before = inventory();
        fixture.runtime().close();
        Random random = new Random(4711);

        for (int round = 0; round < ROUNDS; round++) {
            Process victim = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-Xshare:auto",
                            "-cp",
                            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                            Victim.class.getName(),
                            directory.toString(),
                            Integer.toString(round))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            BufferedReader output = victim.inputReader();
            assertThat(output.readLine()).isEqualTo("ready");
            if (round == ROUNDS - 1) {
                // On a slow machine none may have got so far before.
                assertThat(output.readLine()).isEqualTo("pod");
            }
            assertThat(victim.waitFor(150 + random.nextInt(700), TimeUnit.MILLISECONDS))
                    .as("ended by itself")
                    .isFalse();
            victim.destroyForcibly().waitFor();
        }
        fixture.reopen();

        var sandboxes = fixture.cri()
                .listPodSandbox(ListPodSandboxRequest.getDefaultInstance())
                .getItemsList();
        assertThat(sandboxes).isNotEmpty();
        for (var container : fixture.cri()
                .listContainers(ListContainersRequest.getDefaultInstance())
                .getContainersList()) {
            if (container.getMetadata().getName().equals("ends")
                    && container.getState() == ContainerState.CONTAINER_EXITED) {
                assertThat(fixture.status(container.getId()).getExitCode()).isIn(9, 128);
            } else if (container.getState() == ContainerState.CONTAINER_RUNNING) {
                assertThat(fixture.shell(container.getId(), "echo alive")).isEqualTo("alive\n");
            }
        }
        sandboxes.forEach(sandbox -> fixture.removePod(sandbox.getId()));
        assertThat(inventory()).isEqualTo(before);
    }
}
