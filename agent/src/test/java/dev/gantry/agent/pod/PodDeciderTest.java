package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.cri.ObservedSandbox;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PodDeciderTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:10:00Z");

    /**
     * Letters: the state of the newest run. {@code -} none, {@code c} created, {@code r} running, {@code 0}/{@code 1} exited
     * with this code five seconds ago (no back-off recorded), {@code b} exited with 1 and backing off 10 s, {@code ?} lost.
     */
    @ParameterizedTest(name = "{0}, container {1}, sandbox {2}, deletion {3}: {4}, {5}")
    @CsvSource({
        // policy, container, sandbox ready/dead/none, deletion, phase, actions
        "Always,    -, none,  no,  Pending,   ensure+sandbox0",
        "Always,    -, ready, no,  Pending,   ensure",
        "Always,    c, ready, no,  Pending,   ensure",
        "Always,    r, ready, no,  Running,   ",
        "Always,    0, ready, no,  Running,   ensure",
        "Always,    1, ready, no,  Running,   ensure",
        "Always,    b, ready, no,  Running,   ",
        "Always,    ?, ready, no,  Running,   stop",
        "Always,    r, dead,  no,  Running,   ensure+sandbox1",
        "Always,    0, dead,  no,  Running,   ensure+sandbox1",
        "Always,    b, dead,  no,  Running,   sandbox1",
        "OnFailure, 0, ready, no,  Succeeded, stopSandbox",
        "OnFailure, 1, ready, no,  Running,   ensure",
        "OnFailure, b, ready, no,  Running,   ",
        "OnFailure, 0, dead,  no,  Succeeded, ",
        "OnFailure, 1, dead,  no,  Running,   ensure+sandbox1",
        "Never,     -, none,  no,  Pending,   ensure+sandbox0",
        "Never,     0, ready, no,  Succeeded, stopSandbox",
        "Never,     1, ready, no,  Failed,    stopSandbox",
        "Never,     1, dead,  no,  Failed,    ",
        "Never,     r, ready, no,  Running,   ",
        "Always,    -, none,  yes, Pending,   finished",
        "Always,    -, ready, yes, Pending,   removeSandbox",
        "Always,    c, ready, yes, Pending,   removeSandbox",
        "Always,    r, ready, yes, Running,   stop",
        "Always,    0, ready, yes, Running,   removeSandbox",
        "Always,    b, ready, yes, Running,   removeSandbox",
        "Always,    ?, ready, yes, Running,   stop",
        "Always,    r, dead,  yes, Running,   stop",
        "Always,    0, dead,  yes, Running,   removeSandbox",
        "OnFailure, 0, ready, yes, Succeeded, removeSandbox",
        "Never,     1, dead,  yes, Failed,    removeSandbox",
    })
    void decide(String policy, String container, String sandbox, String deletion, String phase, String actions) {
        PodState state = state(policy, container, sandbox);
        if (deletion.equals("yes")) {
            state = state.withDeletion(Deletion.requested(NOW, 30));
        }

        Decision decision = PodDecider.decide(state, CrashLoop.KUBELET, NOW);

        assertThat(decision.phase().text()).isEqualTo(phase);
        assertThat(words(decision)).isEqualTo(actions == null ? "" : actions);
    }

    @ParameterizedTest(name = "{0}, container {1}, sandbox {2}, deletion {3}")
    @CsvSource({
        "Always, -, none, no",
        "Always, -, ready, no",
        "Always, ?, ready, no",
        "Always, r, ready, yes",
        "Always, 0, dead, yes",
        "Never, 1, ready, no",
    })
    void whatGoesOnIsNotBegunAgain(String policy, String container, String sandbox, String deletion) {
        PodState state = state(policy, container, sandbox);
        if (deletion.equals("yes")) {
            state = state.withDeletion(Deletion.requested(NOW, 30));
        }
        Decision first = PodDecider.decide(state, CrashLoop.KUBELET, NOW);

        Decision second = PodDecider.decide(
                state.withInFlight(Set.copyOf(
                        first.actions().stream().map(Action::operation).toList())),
                CrashLoop.KUBELET,
                NOW.plusMillis(10));

        assertThat(first.actions()).isNotEmpty();
        assertThat(second.actions()).isEmpty();
    }

    @Test
    void aPodThatWasNotLookedAtIsLeftAlone() {
        Decision decision = PodDecider.decide(PodState.of(EngineFixture.pod("web", "Always")), CrashLoop.KUBELET, NOW);

        assertThat(decision).isEqualTo(Decision.NOTHING);
    }

    @Test
    void aBackOffWakesUpWhenItIsOverAndIsNoticed() {
        Decision decision = PodDecider.decide(state("Always", "b", "ready"), CrashLoop.KUBELET, NOW);

        assertThat(decision.wakeUp()).contains(NOW.plusSeconds(5));
        assertThat(decision.notices()).extracting(Decision.Notice::reason).containsExactly("BackOff");
    }

    @Test
    void aStartRecordsTheBackOffOfItsSuccessor() {
        PodState state = state("Always", "b", "ready")
                .withImage("main", new ImageState.Present("sha256:1", OptionalLong.empty(), ""));

        Decision decision = PodDecider.decide(state, CrashLoop.KUBELET, NOW.plusSeconds(5));

        assertThat(decision.actions()).singleElement().satisfies(action -> {
            Action.StartContainer start = (Action.StartContainer) action;
            assertThat(start.restartCount()).isEqualTo(4);
            assertThat(start.backoff()).isEqualTo(Duration.ofSeconds(20));
        });
    }

    @Test
    void aLeftoverOfACrashedAgentIsReplacedByTheSameRun() {
        PodState state = state("Always", "c", "ready")
                .withImage("main", new ImageState.Present("sha256:1", OptionalLong.empty(), ""));

        Decision decision = PodDecider.decide(state, CrashLoop.KUBELET, NOW);

        assertThat(decision.actions()).singleElement().satisfies(action -> {
            Action.StartContainer start = (Action.StartContainer) action;
            assertThat(start.restartCount()).isEqualTo(3);
            assertThat(start.leftover()).contains("run-3");
        });
    }

    @Test
    void aNewImageRestartsItsContainerWithoutBackOff() {
        Pod edited = EngineFixture.pod("web", "Always");
        edited.getSpec().getContainers().get(0).setImage("busybox:2");

        assertThat(words(PodDecider.decide(state("Always", "r", "ready").withPod(edited), CrashLoop.KUBELET, NOW)))
                .isEqualTo("stop");
        assertThat(words(PodDecider.decide(state("Always", "b", "ready").withPod(edited), CrashLoop.KUBELET, NOW)))
                .isEqualTo("ensure");
    }

    @Test
    void runsThatTheRuntimeForgotAreCountedByTheirLogs() {
        PodState state = state("Always", "-", "ready")
                .withLoggedRestarts(Map.of("main", 7))
                .withImage("main", new ImageState.Present("sha256:1", OptionalLong.empty(), ""));

        Decision decision = PodDecider.decide(state, CrashLoop.KUBELET, NOW);

        assertThat(((Action.StartContainer) decision.actions().get(0)).restartCount())
                .isEqualTo(7);
    }

    @Test
    void onlyTheLastTwoRunsAreKept() {
        List<ObservedContainer> runs = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            runs.add(run(i, new ContainerRun.Exited(NOW, NOW, 1, "Error", ""), Map.of()));
        }
        runs.add(run(4, new ContainerRun.Running(NOW), Map.of()));
        PodState state = PodState.of(EngineFixture.pod("web", "Always"))
                .withObserved(new ObservedPod(List.of(sandbox("sandbox-0", true)), runs));

        Decision decision = PodDecider.decide(state, CrashLoop.KUBELET, NOW);

        assertThat(decision.actions())
                .containsExactly(
                        new Action.RemoveContainer("run-2"),
                        new Action.RemoveContainer("run-1"),
                        new Action.RemoveContainer("run-0"));
    }

    @Test
    void aShorterDeadlineStopsAgainAndALaterMomentDoesNot() {
        PodState state = state("Always", "r", "ready")
                .withDeletion(Deletion.requested(NOW, 30))
                .withInFlight(Set.of(new Operation.StoppingContainer("run-3", 30)));

        assertThat(PodDecider.decide(state, CrashLoop.KUBELET, NOW.plusSeconds(20))
                        .actions())
                .isEmpty();
        Deletion shorter = Deletion.requested(NOW, 30).requestedAgain(NOW.plusSeconds(20), 1);
        assertThat(PodDecider.decide(state.withDeletion(shorter), CrashLoop.KUBELET, NOW.plusSeconds(20))
                        .actions())
                .containsExactly(new Action.StopContainer("run-3", "main", 1, "Stopping container main"));
    }

    private static PodState state(String policy, String container, String sandbox) {
        List<ObservedSandbox> sandboxes =
                sandbox.equals("none") ? List.of() : List.of(sandbox("sandbox-0", sandbox.equals("ready")));
        Instant ended = NOW.minusSeconds(5);
        ContainerRun run = switch (container) {
            case "c" -> new ContainerRun.Created();
            case "r" -> new ContainerRun.Running(NOW.minusSeconds(60));
            case "0" -> new ContainerRun.Exited(NOW.minusSeconds(60), ended, 0, "Completed", "");
            case "?" -> new ContainerRun.Lost();
            default -> new ContainerRun.Exited(NOW.minusSeconds(60), ended, 1, "Error", "");
        };
        Map<String, String> annotations =
                container.equals("b") ? Map.of(Labels.RESTART_BACKOFF_MILLIS, "10000") : Map.of();
        List<ObservedContainer> containers = container.equals("-") ? List.of() : List.of(run(3, run, annotations));
        return PodState.of(EngineFixture.pod("web", policy)).withObserved(new ObservedPod(sandboxes, containers));
    }

    private static ObservedSandbox sandbox(String id, boolean ready) {
        return new ObservedSandbox(id, 0, ready, NOW.minusSeconds(100), NOW.minusSeconds(100), List.of("10.0.0.2"));
    }

    private static ObservedContainer run(int restartCount, ContainerRun run, Map<String, String> more) {
        Map<String, String> annotations = new java.util.HashMap<>(more);
        annotations.put(
                Labels.CONTAINER_HASH,
                Labels.definitionHash(EngineFixture.pod("web", "Always")
                        .getSpec()
                        .getContainers()
                        .get(0)));
        return new ObservedContainer(
                "run-" + restartCount,
                "sandbox-0",
                "main",
                restartCount,
                NOW.minusSeconds(61),
                run,
                "busybox",
                "sha256:1",
                "",
                "",
                Optional.empty(),
                annotations);
    }

    private static String words(Decision decision) {
        List<String> words = new ArrayList<>();
        for (Action action : decision.actions()) {
            if (action instanceof Action.RunSandbox run) {
                words.add("sandbox" + run.attempt());
            } else if (action instanceof Action.EnsureImage) {
                words.add("ensure");
            } else if (action instanceof Action.StartContainer) {
                words.add("start");
            } else if (action instanceof Action.StopContainer) {
                words.add("stop");
            } else if (action instanceof Action.StopSandbox) {
                words.add("stopSandbox");
            } else if (action instanceof Action.RemoveSandbox) {
                words.add("removeSandbox");
            } else {
                words.add("removeContainer");
            }
        }
        if (decision.finished()) {
            words.add("finished");
        }
        return String.join("+", words);
    }
}
