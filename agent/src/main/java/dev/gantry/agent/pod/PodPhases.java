package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.cri.ObservedSandbox;
import dev.gantry.agent.pod.Decision.Phase;
import io.fabric8.kubernetes.api.model.Container;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** How far a pod is, from its state alone. */
final class PodPhases {
    private final PodState state;
    private final ObservedPod observed;

    PodPhases(PodState state) {
        this.state = state;
        this.observed = state.observed().orElse(ObservedPod.NOTHING);
    }

    /** As the kubelet: pending until every container has run, final when all have ended and none runs again. */
    Phase phase() {
        if (state.finalPhase().isPresent()) {
            return state.finalPhase().get().equals("Succeeded") ? Phase.SUCCEEDED : Phase.FAILED;
        }
        if (initFailed()) {
            return isAnythingAlive() ? Phase.PENDING : Phase.FAILED;
        }
        boolean anyNeverRan = false;
        boolean anyRunning = false;
        boolean anyRestarts = false;
        boolean anyFailed = false;
        for (Container container : containers()) {
            Optional<ObservedContainer> latest = observed.latest(container.getName());
            if (latest.isEmpty() || latest.get().run() instanceof ContainerRun.Created) {
                boolean ranBefore = observed.runsOf(container.getName()).anyMatch(ObservedContainer::isExited);
                anyNeverRan |= !ranBefore;
                anyRestarts |= ranBefore;
            } else if (latest.get().run() instanceof ContainerRun.Exited exited) {
                anyRestarts |= runsAgain(container, latest.get(), exited);
                anyFailed |= exited.exitCode() != 0;
            } else {
                anyRunning = true;
            }
        }
        if (anyNeverRan) {
            return sandboxMayNotReturn() ? Phase.FAILED : Phase.PENDING;
        }
        // Sidecars end after the others, and the pod with them.
        if (anyRunning || anyRestarts || containers().isEmpty() || isAnythingAlive()) {
            return Phase.RUNNING;
        }
        return anyFailed ? Phase.FAILED : Phase.SUCCEEDED;
    }

    /** What is shown: a pod is not over while something of it runs. */
    Phase shown(Phase phase) {
        if (!phase.isFinal() || observed.containers().stream().noneMatch(StopOrder::isAlive)) {
            return phase;
        }
        boolean begun = containers().stream()
                .allMatch(container -> observed.runsOf(container.getName())
                        .anyMatch(run -> !(run.run() instanceof ContainerRun.Created)));
        return begun ? Phase.RUNNING : Phase.PENDING;
    }

    /** When the pod has been active for as long as it may; empty if it may be so for ever. */
    Optional<Instant> activeUntil() {
        Long seconds =
                state.pod().getSpec() == null ? null : state.pod().getSpec().getActiveDeadlineSeconds();
        return seconds == null
                ? Optional.empty()
                : state.startedAt().map(started -> started.plus(Duration.ofSeconds(seconds)));
    }

    /** Whether the containers have all run to an end that nothing follows. */
    boolean isWorkDone() {
        return !containers().isEmpty()
                && containers().stream()
                        .allMatch(container -> observed.latest(container.getName())
                                .map(run -> run.run() instanceof ContainerRun.Exited exited
                                        && !runsAgain(container, run, exited))
                                .orElse(false));
    }

    private boolean runsAgain(Container container, ObservedContainer run, ContainerRun.Exited exited) {
        return RestartRules.restarts(state, container, run, exited) || Outdated.is(state, container, run);
    }

    /** With restartPolicy Never a pod whose sandbox died after containers ran gets no second one. */
    private boolean sandboxMayNotReturn() {
        return state.pod().getSpec() != null
                && "Never".equals(state.pod().getSpec().getRestartPolicy())
                && observed.readySandbox().isEmpty()
                && !observed.sandboxes().isEmpty()
                && !observed.containers().isEmpty()
                && !isAnythingAlive()
                && state.inFlight().isEmpty();
    }

    private boolean initFailed() {
        return observed.sandboxes().stream()
                .findFirst()
                .flatMap(newest -> init(newest).failed())
                .isPresent();
    }

    /** How far the init containers are in a sandbox, since the pod was last restarted as a whole. */
    InitProgress init(ObservedSandbox sandbox) {
        return InitProgress.of(state.pod(), state.restarts().sinceLastRound(observed), state.health(), sandbox.id());
    }

    /** Ephemeral containers keep no pod alive. */
    private boolean isAnythingAlive() {
        return observed.containers().stream()
                .anyMatch(run -> run.isRunning() && !PodContainers.isEphemeral(state.pod(), run.name()));
    }

    private List<Container> containers() {
        return PodContainers.regular(state.pod());
    }
}
