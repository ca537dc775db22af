package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.hook.HookResult;
import dev.gantry.agent.probe.ContainerHealth;
import dev.gantry.staticpods.ModelJson;
import dev.gantry.testing.FakeRuntime;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.EphemeralContainerBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.grpc.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whole pods by dice: init containers, sidecars, ephemeral containers, probes, hooks, deadlines, edits, restarts that are asked
 * for, deletions, failing calls, and agents that are restarted in between. Whatever the order, what a pod promises holds.
 */
class PodLifeSimulationTest {
    private static final int EVENTS = 500;
    private static final List<String> NAMES = List.of("one", "two", "three");
    private static final List<String> POLICIES = List.of("Always", "OnFailure", "Never");
    private static final List<String> FAILING = List.of(
            "RunPodSandbox", "CreateContainer", "StartContainer", "StopContainer", "StopPodSandbox", "ImageStatus");

    @TempDir
    Path directory;

    private final Map<String, Set<String>> runningWhenDeleted = new HashMap<>();
    private final PodPromises promises = new PodPromises();
    /** By pod, container and number: the id of the run. */
    private final Map<String, String> runs = new HashMap<>();

    private final Set<String> over = new HashSet<>();
    private int debuggers;

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void whateverHappens(long seed) {
        Random dice = new Random(seed);
        try (EngineFixture fixture = new EngineFixture(directory)) {
            fixture.runtime.addImage("busybox:2");
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
        String event = switch (dice.nextInt(16)) {
            case 0, 1 -> create(dice, fixture, name);
            case 2 -> delete(fixture, name, dice.nextInt(6));
            case 3 -> {
                fixture.restartAgent();
                fixture.apply();
                yield "agent restarted";
            }
            case 4 -> {
                String method = FAILING.get(dice.nextInt(FAILING.size()));
                fixture.runtime.failNext(method, Status.UNKNOWN.withDescription("simulated"));
                yield method + " will fail";
            }
            case 5 -> {
                List<String> sandboxes = fixture.runtime.readySandboxes();
                if (!sandboxes.isEmpty() && dice.nextInt(3) == 0) {
                    fixture.runtime.kill(sandboxes.get(dice.nextInt(sandboxes.size())));
                }
                yield "a sandbox died";
            }
            case 6 -> probe(dice, fixture, name);
            case 7 -> hooks(dice, fixture);
            case 8 -> restart(dice, fixture, name);
            case 9 -> debug(fixture, name);
            case 10 -> edit(dice, fixture, name);
            case 11, 12 -> {
                fixture.advance(Duration.ofMillis(dice.nextInt(40_000)));
                yield "time passed";
            }
            default -> exit(dice, fixture);
        };
        fixture.run();
        return event;
    }

    private String create(Random dice, EngineFixture fixture, String name) {
        try {
            fixture.engine.create(pod(dice, name));
        } catch (PodRejectedException e) {
            // The name is taken: as often as not.
        }
        return name + " created";
    }

    private static Pod pod(Random dice, String name) {
        String hooks = dice.nextInt(4) == 0
                ? ", lifecycle: {preStop: {exec: {command: [a]}}, postStart: {exec: {command: [b]}}}"
                : "";
        String probe = dice.nextBoolean()
                ? ", livenessProbe: {exec: {command: [c]}, terminationGracePeriodSeconds: " + (1 + dice.nextInt(8))
                        + "}"
                : "";
        String rules = dice.nextInt(3) == 0
                ? ", restartPolicy: Never, restartPolicyRules: [{action: "
                        + (dice.nextBoolean() ? "Restart" : "RestartAllContainers")
                        + ", exitCodes: {operator: In, values: [42]}}]"
                : "";
        return EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: %s}
                spec:
                  restartPolicy: %s
                  terminationGracePeriodSeconds: %d
                  %s
                  initContainers:
                  - {name: i1, image: busybox, imagePullPolicy: IfNotPresent}
                  - {name: s1, image: busybox, imagePullPolicy: IfNotPresent, restartPolicy: Always%s}
                  - {name: i2, image: busybox, imagePullPolicy: IfNotPresent}
                  containers:
                  - {name: a, image: busybox, imagePullPolicy: IfNotPresent%s%s}
                  - {name: b, image: busybox, imagePullPolicy: IfNotPresent%s}
                """.formatted(
                        name,
                        POLICIES.get(dice.nextInt(POLICIES.size())),
                        dice.nextInt(8),
                        dice.nextInt(4) == 0 ? "activeDeadlineSeconds: " + (30 + dice.nextInt(200)) : "",
                        probe,
                        hooks,
                        probe,
                        rules));
    }

    private String delete(EngineFixture fixture, String name, int grace) {
        fixture.engine
                .pod("default", name)
                .ifPresent(pod -> runningWhenDeleted.computeIfAbsent(
                        pod.getMetadata().getUid(),
                        uid -> fixture.runtime.runningContainers().stream()
                                .filter(container -> container.podUid().equals(uid))
                                .map(FakeRuntime.Running::id)
                                .collect(Collectors.toSet())));
        try {
            fixture.engine.delete("default", name, OptionalLong.of(grace));
        } catch (PodRejectedException e) {
            throw new IllegalStateException(e);
        }
        return name + " deleted with grace " + grace;
    }

    private static String probe(Random dice, EngineFixture fixture, String name) {
        String container = List.of("a", "b", "s1").get(dice.nextInt(3));
        Optional<ContainerHealth.Unhealthy> unhealthy = dice.nextBoolean()
                ? Optional.of(new ContainerHealth.Unhealthy(
                        "liveness", dice.nextBoolean() ? OptionalLong.of(dice.nextInt(5)) : OptionalLong.empty()))
                : Optional.empty();
        if (fixture.engine.pod("default", name).isPresent()) {
            fixture.probes.find(
                    name, container, new ContainerHealth(dice.nextInt(4) > 0, dice.nextBoolean(), unhealthy));
        }
        return "a probe of " + name + "/" + container + " found something";
    }

    private static String hooks(Random dice, EngineFixture fixture) {
        for (FakeHooks.Call call : List.copyOf(fixture.hooks.calls)) {
            if (dice.nextBoolean()) {
                call.result().complete(dice.nextInt(3) > 0 ? HookResult.SUCCEEDED : HookResult.failed("simulated"));
                fixture.hooks.calls.remove(call);
            }
        }
        return "hooks ended";
    }

    private static String restart(Random dice, EngineFixture fixture, String name) {
        String container = List.of("", "a", "b", "s1", "i1").get(dice.nextInt(5));
        try {
            fixture.engine.restart(
                    "default",
                    name,
                    container.isEmpty() ? Optional.empty() : Optional.of(container),
                    fixture.clock.instant());
        } catch (PodRejectedException e) {
            // It has ended, or is i1, which runs once.
        }
        return "restart of " + name + "/" + container + " asked for";
    }

    private String debug(EngineFixture fixture, String name) {
        Optional<Pod> pod = fixture.engine.pod("default", name);
        if (pod.isPresent()) {
            List<EphemeralContainer> all = new ArrayList<>(pod.get().getSpec().getEphemeralContainers());
            all.add(new EphemeralContainerBuilder()
                    .withName("e" + ++debuggers)
                    .withImage("busybox")
                    .withImagePullPolicy("IfNotPresent")
                    .build());
            try {
                fixture.engine.debug("default", name, all);
            } catch (PodRejectedException e) {
                // It has ended.
            }
        }
        return "an ephemeral container added to " + name;
    }

    private static String edit(Random dice, EngineFixture fixture, String name) {
        Optional<Pod> shown = fixture.engine.pod("default", name);
        if (shown.isPresent()) {
            Pod edited = EngineFixture.present(ModelJson.write(
                    new Pod("v1", "Pod", shown.get().getMetadata(), shown.get().getSpec(), null)));
            edited.getMetadata().setLabels(Map.of("edit", "e" + dice.nextInt(100)));
            List<Container> containers = dice.nextBoolean()
                    ? edited.getSpec().getContainers()
                    : edited.getSpec().getInitContainers();
            if (dice.nextBoolean()) {
                containers.get(dice.nextInt(containers.size())).setImage(dice.nextBoolean() ? "busybox" : "busybox:2");
            }
            try {
                fixture.engine.update(edited);
            } catch (PodRejectedException e) {
                throw new IllegalStateException(e);
            }
        }
        return name + " edited";
    }

    private static String exit(Random dice, EngineFixture fixture) {
        List<String> running = fixture.runtime.runningIds();
        if (!running.isEmpty()) {
            fixture.runtime.exitId(
                    running.get(dice.nextInt(running.size())),
                    List.of(0, 0, 1, 42).get(dice.nextInt(4)));
        }
        return "a container exited";
    }

    // ---- what has to hold

    private void check(String when, EngineFixture fixture) {
        List<FakeRuntime.Running> running = fixture.runtime.runningContainers();
        Map<String, Set<String>> names = new HashMap<>();
        for (FakeRuntime.Running container : running) {
            String uid = container.podUid();
            assertThat(names.computeIfAbsent(uid, key -> new HashSet<>()).add(container.name()))
                    .as("%s: %s of %s runs twice", when, container.name(), uid)
                    .isTrue();
            String run = uid + "/" + container.name() + "/" + container.attempt();
            String id = runs.putIfAbsent(run, container.id());
            assertThat(id == null || id.equals(container.id()))
                    .as("%s: %s was run twice", when, run)
                    .isTrue();
            assertThat(container.name().startsWith("e") && container.attempt() > 0)
                    .as("%s: ephemeral %s was restarted", when, run)
                    .isFalse();
            Set<String> allowed = runningWhenDeleted.get(uid);
            assertThat(allowed == null || allowed.contains(container.id()))
                    .as("%s: %s started after deletion began", when, run)
                    .isTrue();
            assertThat(over).as("%s: %s runs in a pod that is over", when, run).doesNotContain(uid);
        }
        names.forEach((uid, all) -> {
            boolean initializing = all.contains("i1") || all.contains("i2");
            assertThat(initializing && (all.contains("a") || all.contains("b")))
                    .as("%s: %s of %s run while it is initialized", when, all, uid)
                    .isFalse();
            assertThat(all.contains("i1") && all.contains("i2"))
                    .as("%s: two init containers of %s at once", when, uid)
                    .isFalse();
        });
        assertThat(fixture.runtime.readySandboxUids()).as(when).doesNotHaveDuplicates();
        for (Pod pod : fixture.engine.pods()) {
            promises.hold(when, pod);
            String phase = pod.getStatus().getPhase();
            if (phase.equals("Succeeded") || phase.equals("Failed")) {
                over.add(pod.getMetadata().getUid());
            } else {
                assertThat(over)
                        .as("%s: %s comes back", when, pod.getMetadata().getName())
                        .doesNotContain(pod.getMetadata().getUid());
            }
        }
    }

    private void end(EngineFixture fixture) {
        NAMES.forEach(name -> delete(fixture, name, 1));
        for (int i = 0; i < 10; i++) {
            fixture.run();
            fixture.hooks.calls.forEach(call -> call.result().complete(HookResult.SUCCEEDED));
            fixture.advance(Duration.ofMinutes(1));
        }
        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
        assertThat(directory.resolve("pods")).isEmptyDirectory();
    }
}
