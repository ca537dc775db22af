package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.probe.ContainerHealth;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How far the init containers of a pod are in one sandbox. They run one after the other: each but a sidecar has to end with 0
 * before the next begins, a sidecar has to have started.
 *
 * <p>What is seen in the runtime is the record: a container whose successor has a run in the sandbox was done, even if its
 * own run has been removed meanwhile. So an agent that restarts runs none twice.
 *
 * @param initialized whether the other containers may run
 * @param toStart the next one, and sidecars that ended and run again
 * @param failed the one that ended in failure and does not run again; the pod has failed then
 * @param incomplete names of those that are not done, as the Initialized condition lists them
 */
record InitProgress(boolean initialized, List<Container> toStart, Optional<Container> failed, List<String> incomplete) {
    InitProgress {
        toStart = List.copyOf(toStart);
        incomplete = List.copyOf(incomplete);
    }

    /** How one init container stands. */
    private enum Stage {
        TO_START,
        GOING_ON,
        DONE,
        FAILED
    }

    static InitProgress of(Pod pod, ObservedPod observed, Map<String, ContainerHealth> health, String sandboxId) {
        List<Container> init = PodContainers.init(pod);
        int passed = passed(pod, init, observed, sandboxId);
        List<Container> toStart = new ArrayList<>();
        List<String> incomplete = new ArrayList<>();
        Optional<Container> failed = Optional.empty();
        for (int i = 0; i < init.size(); i++) {
            Container container = init.get(i);
            Stage stage = stage(pod, container, observed, health, sandboxId);
            if (i < passed) {
                if (stage == Stage.TO_START && PodContainers.isSidecar(pod, container)) {
                    toStart.add(container);
                }
                continue;
            }
            if (stage != Stage.DONE || !incomplete.isEmpty()) {
                if (incomplete.isEmpty() && stage == Stage.TO_START) {
                    toStart.add(container);
                } else if (incomplete.isEmpty() && stage == Stage.FAILED) {
                    failed = Optional.of(container);
                }
                incomplete.add(container.getName());
            }
        }
        return new InitProgress(incomplete.isEmpty(), toStart, failed, incomplete);
    }

    /** How many are done because something after them has run. */
    private static int passed(Pod pod, List<Container> init, ObservedPod observed, String sandboxId) {
        boolean othersRan = PodContainers.regular(pod).stream()
                .anyMatch(one -> latest(one, observed, sandboxId).isPresent());
        if (othersRan) {
            return init.size();
        }
        for (int i = init.size() - 1; i > 0; i--) {
            if (latest(init.get(i), observed, sandboxId).isPresent()) {
                return i;
            }
        }
        return 0;
    }

    private static Stage stage(
            Pod pod, Container container, ObservedPod observed, Map<String, ContainerHealth> health, String sandboxId) {
        Optional<ObservedContainer> latest = latest(container, observed, sandboxId);
        if (latest.isEmpty() || !(latest.get().run() instanceof ContainerRun.Exited exited)) {
            if (latest.isPresent() && latest.get().isRunning()) {
                ContainerHealth found = health.get(latest.get().id());
                boolean started = found == null || found.started();
                return PodContainers.isSidecar(pod, container) && started ? Stage.DONE : Stage.GOING_ON;
            }
            return Stage.TO_START;
        }
        if (RestartRules.restarts(pod, container, exited.exitCode())) {
            return Stage.TO_START;
        }
        return exited.exitCode() == 0 ? Stage.DONE : Stage.FAILED;
    }

    private static Optional<ObservedContainer> latest(Container container, ObservedPod observed, String sandboxId) {
        return observed.runsOf(container.getName())
                .filter(run -> run.sandboxId().equals(sandboxId))
                .findFirst();
    }
}
