package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.testing.FakeRuntime;
import io.fabric8.kubernetes.api.model.Pod;
import io.grpc.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A node's life by dice: exits, edits, deletions, failing calls, dying sandboxes, restarts of the agent, in any order.
 * After each event the promises of the engine are checked; a seed that breaks one breaks it every time.
 */
class PodEngineSimulationTest {
    private static final int EVENTS = 400;
    private static final List<String> NAMES = List.of("web", "api", "job");
    private static final List<String> POLICIES = List.of("Always", "OnFailure", "Never");
    private static final List<String> FAILING = List.of(
            "RunPodSandbox", "CreateContainer", "StartContainer", "StopPodSandbox", "ListContainers", "ImageStatus");

    @TempDir
    Path directory;

    private final Map<String, Pod> files = new TreeMap<>();
    private final Map<String, Set<String>> runningWhenDeleted = new HashMap<>();
    private final PodPromises promises = new PodPromises();
    private int nextUid;

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 5, 8, 13, 21, 34})
    void thePromisesHoldWhateverHappens(long seed) {
        Random dice = new Random(seed);
        try (EngineFixture fixture = new EngineFixture(directory)) {
            fixture.runtime.addToRegistry("busybox:2");
            fixture.runtime.stopTakes(Duration.ofSeconds(2));
            fixture.apply();
            for (int i = 0; i < EVENTS; i++) {
                String event = happen(dice, fixture);
                check("seed " + seed + ", event " + i + ", " + event, fixture);
            }
            end(fixture);
        }
    }

    private String happen(Random dice, EngineFixture fixture) {
        String name = NAMES.get(dice.nextInt(NAMES.size()));
        switch (dice.nextInt(12)) {
            case 0 -> {
                Pod pod = pod(dice, name);
                pod.getMetadata().setUid("uid-" + ++nextUid);
                files.put(name, pod);
                applyFiles(fixture);
                return "manifest of " + name + " written";
            }
            case 1 -> {
                files.remove(name);
                applyFiles(fixture);
                return "manifest of " + name + " removed";
            }
            case 2 -> {
                try {
                    fixture.engine.create(pod(dice, "run-" + name));
                } catch (PodRejectedException e) {
                    // The name is taken: as often as not.
                }
                fixture.run();
                return "run-" + name + " created";
            }
            case 3 -> {
                int grace = dice.nextInt(5);
                delete(fixture, "run-" + name, grace);
                fixture.run();
                return "run-" + name + " deleted with grace " + grace;
            }
            case 4 -> {
                fixture.restartAgent();
                // A few of the things that can happen before the manifests are read.
                if (dice.nextBoolean()) {
                    fixture.advance(Duration.ofSeconds(dice.nextInt(3)));
                }
                applyFiles(fixture);
                return "agent restarted";
            }
            case 5 -> {
                String method = FAILING.get(dice.nextInt(FAILING.size()));
                fixture.runtime.failNext(method, Status.UNKNOWN.withDescription("simulated"));
                return method + " will fail";
            }
            case 6 -> {
                List<String> sandboxes = fixture.runtime.readySandboxes();
                if (!sandboxes.isEmpty() && dice.nextInt(3) == 0) {
                    fixture.runtime.kill(sandboxes.get(dice.nextInt(sandboxes.size())));
                    fixture.run();
                }
                return "a sandbox died";
            }
            case 7 -> {
                fixture.runtime.dropSubscribers();
                fixture.run();
                return "events lost";
            }
            case 8, 9 -> {
                fixture.advance(Duration.ofMillis(dice.nextInt(30_000)));
                return "time passed";
            }
            default -> {
                List<String> running = fixture.runtime.runningIds();
                if (!running.isEmpty()) {
                    fixture.runtime.exitId(running.get(dice.nextInt(running.size())), dice.nextInt(2));
                    if (dice.nextInt(4) > 0) {
                        fixture.run();
                    }
                }
                return "a container exited";
            }
        }
    }

    private void applyFiles(EngineFixture fixture) {
        Set<String> wanted =
                files.values().stream().map(pod -> pod.getMetadata().getUid()).collect(Collectors.toSet());
        for (FakeRuntime.Running container : fixture.runtime.runningContainers()) {
            boolean file = container.podUid().startsWith("uid-");
            if (file && !wanted.contains(container.podUid())) {
                markDeleted(fixture, container.podUid());
            }
        }
        fixture.engine.apply(
                PodSource.FILE,
                files.values().stream().map(PodEngineSimulationTest::copy).toList());
        fixture.run();
    }

    private void delete(EngineFixture fixture, String name, int grace) {
        fixture.engine
                .pod("default", name)
                .ifPresent(pod -> markDeleted(fixture, pod.getMetadata().getUid()));
        try {
            fixture.engine.delete("default", name, OptionalLong.of(grace));
        } catch (PodRejectedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void markDeleted(EngineFixture fixture, String uid) {
        runningWhenDeleted.computeIfAbsent(
                uid,
                key -> fixture.runtime.runningContainers().stream()
                        .filter(container -> container.podUid().equals(key))
                        .map(FakeRuntime.Running::id)
                        .collect(Collectors.toSet()));
    }

    private static Pod pod(Random dice, String name) {
        return EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: %s}
                spec:
                  restartPolicy: %s
                  terminationGracePeriodSeconds: %d
                  containers:
                  - {name: a, image: busybox, imagePullPolicy: IfNotPresent}
                  - {name: b, image: 'busybox:2', imagePullPolicy: %s}
                """.formatted(
                        name,
                        POLICIES.get(dice.nextInt(POLICIES.size())),
                        dice.nextInt(4),
                        dice.nextBoolean() ? "Always" : "IfNotPresent"));
    }

    /** As a watcher would hand it over: the engine fills in what is its own. */
    private static Pod copy(Pod pod) {
        return EngineFixture.pod(dev.gantry.staticpods.ModelJson.write(pod));
    }

    private void check(String when, EngineFixture fixture) {
        List<FakeRuntime.Running> running = fixture.runtime.runningContainers();
        Set<String> once = new HashSet<>();
        for (FakeRuntime.Running container : running) {
            assertThat(once.add(container.podUid() + "/" + container.name()))
                    .as("%s: %s of %s runs twice", when, container.name(), container.podUid())
                    .isTrue();
            Set<String> allowed = runningWhenDeleted.get(container.podUid());
            assertThat(allowed == null || allowed.contains(container.id()))
                    .as("%s: %s of %s started after deletion began", when, container.name(), container.podUid())
                    .isTrue();
        }
        assertThat(fixture.runtime.readySandboxUids()).as(when).doesNotHaveDuplicates();
        Set<String> names = new HashSet<>();
        for (Pod pod : fixture.engine.pods()) {
            assertThat(names.add(pod.getMetadata().getName())).as(when).isTrue();
            promises.hold(when, pod);
        }
    }

    private void end(EngineFixture fixture) {
        files.clear();
        applyFiles(fixture);
        for (Pod pod : fixture.engine.pods()) {
            if (pod.getMetadata().getName().startsWith("run-")) {
                delete(fixture, pod.getMetadata().getName(), 1);
            }
        }
        fixture.advance(Duration.ofMinutes(10));
        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
        assertThat(directory.resolve("pods")).isEmptyDirectory();
    }
}
