package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.probe.ContainerHealth;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Restarts that have another reason than a run's own end, as the runs that are to be replaced: somebody asked for them, a rule
 * did, or probes. A run is known by its number, not by its time: so a
 * clock that is set changes nothing, and a request that comes twice, or is found again by the next agent, does nothing more.
 *
 * @param containers by name: the last run that is to be replaced
 * @param unhealthy by name: the last run that its probes have given up
 * @param round the last restart of the whole pod
 */
record Restarts(Map<String, Integer> containers, Map<String, Integer> unhealthy, Optional<Round> round) {
    static final Restarts NONE = new Restarts(Map.of(), Map.of(), Optional.empty());

    Restarts {
        containers = Map.copyOf(containers);
        unhealthy = Map.copyOf(unhealthy);
    }

    /**
     * A restart of all containers of a pod: they are stopped in their order, then the pod begins anew in its sandbox, with its
     * init containers.
     *
     * @param runs by name: the last run before
     * @param requestedAt when its grace began
     * @param byRule whether an exit code asked for it: then what runs is killed at once, and back-off holds
     */
    record Round(Map<String, Integer> runs, Instant requestedAt, boolean byRule) {
        Round {
            runs = Map.copyOf(runs);
        }
    }

    /** Whether a run is to be replaced. */
    boolean covers(ObservedContainer run) {
        return run.restartCount() <= containers.getOrDefault(run.name(), -1) || isOfEarlierRound(run);
    }

    /** Whether a run is from before the last restart of the whole pod. */
    boolean isOfEarlierRound(ObservedContainer run) {
        return round.isPresent() && run.restartCount() <= round.get().runs().getOrDefault(run.name(), -1);
    }

    /** What the pod has done since it was last restarted as a whole. */
    ObservedPod sinceLastRound(ObservedPod observed) {
        return round.isEmpty()
                ? observed
                : new ObservedPod(
                        observed.sandboxes(),
                        observed.containers().stream()
                                .filter(run -> !isOfEarlierRound(run))
                                .toList());
    }

    /** What is still to be stopped before the pod begins anew. */
    ObservedPod beforeLastRound(ObservedPod observed) {
        return new ObservedPod(
                observed.sandboxes(),
                observed.containers().stream().filter(this::isOfEarlierRound).toList());
    }

    /**
     * After a request.
     *
     * @param container the one; empty for all
     * @param asOf runs that were made later are as new as was asked for
     * @param now the grace begins
     */
    Restarts requested(Pod pod, ObservedPod observed, Optional<String> container, Instant asOf, Instant now) {
        if (container.isPresent()) {
            return replaceable(observed, container.get(), asOf)
                    .map(run -> with(run.name(), run.restartCount()))
                    .orElse(this);
        }
        Map<String, Integer> runs = new LinkedHashMap<>();
        for (Container one : PodContainers.lasting(pod)) {
            replaceable(observed, one.getName(), asOf)
                    .filter(run -> !isOfEarlierRound(run))
                    .ifPresent(run -> runs.put(run.name(), run.restartCount()));
        }
        return runs.isEmpty() ? this : withRound(new Round(runs, now, false));
    }

    /** What a rule of a container that ended asks for: the round to come, unless it has come already. */
    Optional<Round> byRule(Pod pod, ObservedPod observed, Instant now) {
        boolean asked = PodContainers.lasting(pod).stream()
                .anyMatch(container -> observed.latest(container.getName())
                        .filter(run -> !isOfEarlierRound(run)
                                && !isUnhealthy(run)
                                && run.run() instanceof ContainerRun.Exited exited
                                && RestartRules.restartsPod(container, exited.exitCode()))
                        .isPresent());
        if (!asked) {
            return Optional.empty();
        }
        Map<String, Integer> runs = new LinkedHashMap<>();
        PodContainers.lasting(pod)
                .forEach(container -> observed.latest(container.getName())
                        .ifPresent(run -> runs.put(run.name(), run.restartCount())));
        return Optional.of(new Round(runs, now, true));
    }

    Restarts withRound(Round next) {
        return new Restarts(containers, unhealthy, Optional.of(next));
    }

    /** After probes have given up some of the runs that go on. */
    Restarts withUnhealthy(ObservedPod observed, Map<String, ContainerHealth> health) {
        Map<String, Integer> all = new LinkedHashMap<>(unhealthy);
        observed.containers().stream()
                .filter(run -> health.containsKey(run.id())
                        && health.get(run.id()).unhealthy().isPresent())
                .forEach(run -> all.merge(run.name(), run.restartCount(), Math::max));
        return all.equals(unhealthy) ? this : new Restarts(containers, all, round);
    }

    /** Whether a run ends because of its probes. */
    boolean isUnhealthy(ObservedContainer run) {
        return run.restartCount() == unhealthy.getOrDefault(run.name(), -1);
    }

    /** Whether the next run is held back as after any other end. */
    boolean keepsBackOff(ObservedContainer run) {
        return round.isPresent()
                && round.get().byRule()
                && isOfEarlierRound(run)
                && run.restartCount() > containers.getOrDefault(run.name(), -1);
    }

    private Restarts with(String name, int restartCount) {
        Map<String, Integer> changed = new LinkedHashMap<>(containers);
        changed.merge(name, restartCount, Math::max);
        return new Restarts(changed, unhealthy, round);
    }

    private static Optional<ObservedContainer> replaceable(ObservedPod observed, String container, Instant asOf) {
        return observed.latest(container)
                .filter(run -> !(run.run() instanceof ContainerRun.Created)
                        && !run.createdAt().isAfter(asOf));
    }
}
