package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.cri.ObservedSandbox;
import dev.gantry.agent.pod.Decision.Phase;
import dev.gantry.agent.time.Timestamps;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodReadinessGate;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The conditions of a pod's status, with the kubelet's reasons and messages. */
final class PodConditions {
    static final String DISRUPTION_TARGET = "DisruptionTarget";

    private static final String READY_TO_START = "PodReadyToStartContainers";
    private static final String INITIALIZED = "Initialized";
    private static final String READY = "Ready";
    private static final String CONTAINERS_READY = "ContainersReady";
    private static final String SCHEDULED = "PodScheduled";
    private static final String RESTARTING = "AllContainersRestarting";

    /** Those that an agent sets itself; others are what somebody reported. */
    static final Set<String> OWN = Set.of(
            READY_TO_START,
            INITIALIZED,
            READY,
            CONTAINERS_READY,
            SCHEDULED,
            RESTARTING,
            DISRUPTION_TARGET,
            ResizeStatus.PENDING,
            ResizeStatus.IN_PROGRESS,
            PodEngine.MANIFEST_CONDITION);

    private final PodState state;
    private final ObservedPod observed;
    private final Phase phase;
    private final @Nullable PodStatus before;
    private final Instant acceptedAt;
    private final Instant now;

    PodConditions(PodState state, Phase phase, @Nullable PodStatus before, Instant acceptedAt, Instant now) {
        this.state = state;
        this.observed = state.observed().orElse(ObservedPod.NOTHING);
        this.phase = phase;
        this.before = before;
        this.acceptedAt = acceptedAt;
        this.now = now;
    }

    /** A condition's value and why. */
    private record Finding(boolean is, String reason, String message) {
        static final Finding TRUE = new Finding(true, "", "");
    }

    List<PodCondition> of(List<ContainerStatus> containers, List<ContainerStatus> init) {
        List<PodCondition> conditions = new ArrayList<>();
        Optional<ObservedSandbox> sandbox = observed.readySandbox();
        conditions.add(condition(
                READY_TO_START,
                new Finding(sandbox.isPresent(), "", ""),
                sandbox.map(ObservedSandbox::createdAt).orElse(now)));
        conditions.add(condition(INITIALIZED, initialized(containers), init.isEmpty() ? acceptedAt : now));
        Finding containersReady = containersReady(containers, init);
        Finding ready = containersReady.is() ? gates() : containersReady;
        conditions.add(condition(READY, ready, ready.is() ? lastStart() : now));
        conditions.add(condition(CONTAINERS_READY, containersReady, containersReady.is() ? lastStart() : now));
        conditions.add(condition(SCHEDULED, Finding.TRUE, acceptedAt));
        if (state.restarts().round().isPresent() && isRestarting()) {
            conditions.add(condition(RESTARTING, new Finding(true, "RestartAllContainersStarted", ""), now));
        }
        state.failure()
                .filter(failure -> phase.isFinal())
                .flatMap(PodFailure::disruption)
                .ifPresent(text -> conditions.add(
                        condition(DISRUPTION_TARGET, new Finding(true, "TerminationByKubelet", text), now)));
        conditions.addAll(state.reported());
        return conditions;
    }

    /** A pod whose containers have begun was initialized, whatever has become of its init containers since. */
    private Finding initialized(List<ContainerStatus> containers) {
        if (phase == Phase.SUCCEEDED) {
            return new Finding(true, "PodCompleted", "");
        }
        boolean begun = containers.stream()
                .anyMatch(container -> hasBegun(container.getState()) || hasBegun(container.getLastState()));
        List<String> incomplete = begun ? List.of() : incomplete();
        return incomplete.isEmpty()
                ? Finding.TRUE
                : new Finding(
                        false,
                        "ContainersNotInitialized",
                        "containers with incomplete status: [" + String.join(" ", incomplete) + "]");
    }

    private static boolean hasBegun(@Nullable ContainerState state) {
        return state != null && (state.getRunning() != null || state.getTerminated() != null);
    }

    private List<String> incomplete() {
        PodPhases phases = new PodPhases(state);
        return observed.sandboxes().stream()
                .findFirst()
                .map(newest -> phases.init(newest).incomplete())
                .orElseGet(() -> PodContainers.init(state.pod()).stream()
                        .map(Container::getName)
                        .toList());
    }

    private Finding containersReady(List<ContainerStatus> containers, List<ContainerStatus> init) {
        if (phase.isFinal()) {
            return new Finding(false, phase == Phase.SUCCEEDED ? "PodCompleted" : "PodFailed", "");
        }
        Set<String> sidecars = PodContainers.init(state.pod()).stream()
                .filter(container -> PodContainers.isSidecar(state.pod(), container))
                .map(Container::getName)
                .collect(Collectors.toSet());
        List<String> unready = Stream.concat(
                        init.stream().filter(one -> sidecars.contains(one.getName())), containers.stream())
                .filter(container -> !container.getReady())
                .map(ContainerStatus::getName)
                .toList();
        return unready.isEmpty() && !containers.isEmpty()
                ? Finding.TRUE
                : new Finding(
                        false,
                        "ContainersNotReady",
                        "containers with unready status: [" + String.join(" ", unready) + "]");
    }

    /** {@code readinessGates}: conditions that others report have to be true as well (KEP-580). */
    private Finding gates() {
        List<PodReadinessGate> gates =
                state.pod().getSpec() == null ? null : state.pod().getSpec().getReadinessGates();
        List<String> messages = new ArrayList<>();
        for (PodReadinessGate gate : gates == null ? List.<PodReadinessGate>of() : gates) {
            String type = gate.getConditionType();
            Optional<PodCondition> reported = state.reported().stream()
                    .filter(condition -> condition.getType().equals(type))
                    .findFirst();
            if (reported.isEmpty()) {
                messages.add("corresponding condition of pod readiness gate \"" + type + "\" does not exist.");
            } else if (!"True".equals(reported.get().getStatus())) {
                messages.add("the status of pod readiness gate \"" + type + "\" is not \"True\", but "
                        + reported.get().getStatus());
            }
        }
        return messages.isEmpty()
                ? Finding.TRUE
                : new Finding(false, "ReadinessGatesNotReady", String.join(", ", messages));
    }

    /** Whether a container of a pod that is restarted as a whole has not run again. */
    private boolean isRestarting() {
        return !phase.isFinal()
                && PodContainers.regular(state.pod()).stream()
                        .anyMatch(container -> observed.latest(container.getName())
                                .map(run -> state.restarts().isOfEarlierRound(run))
                                .orElse(false));
    }

    /** When the last container started: since then the pod is ready, also for an agent that was not there. */
    private Instant lastStart() {
        return PodContainers.regular(state.pod()).stream()
                .flatMap(container -> observed.latest(container.getName()).stream())
                .map(run -> run.run() instanceof ContainerRun.Running running ? running.startedAt() : Instant.EPOCH)
                .max(Comparator.naturalOrder())
                .filter(at -> at.isAfter(Instant.EPOCH))
                .orElse(now);
    }

    private PodCondition condition(String type, Finding finding, Instant since) {
        PodCondition condition = new PodCondition();
        condition.setType(type);
        condition.setStatus(finding.is() ? "True" : "False");
        condition.setObservedGeneration(state.pod().getMetadata().getGeneration());
        if (!finding.reason().isEmpty()) {
            condition.setReason(finding.reason());
        }
        if (!finding.message().isEmpty()) {
            condition.setMessage(finding.message());
        }
        condition.setLastTransitionTime(conditionBefore(type)
                .filter(last -> condition.getStatus().equals(last.getStatus()))
                .map(PodCondition::getLastTransitionTime)
                .orElseGet(() -> Timestamps.format(since)));
        return condition;
    }

    private Optional<PodCondition> conditionBefore(String type) {
        return before == null || before.getConditions() == null
                ? Optional.empty()
                : before.getConditions().stream()
                        .filter(condition -> type.equals(condition.getType()))
                        .findFirst();
    }

    /**
     * What is known after somebody reported conditions.
     *
     * @param before what was reported earlier, one per type
     * @param reported with types and statuses
     */
    static List<PodCondition> merge(List<PodCondition> before, List<PodCondition> reported, Instant now) {
        List<PodCondition> result = new ArrayList<>(before);
        for (PodCondition one : reported) {
            Optional<PodCondition> last = before.stream()
                    .filter(known -> known.getType().equals(one.getType()))
                    .findFirst();
            PodCondition next = new PodCondition();
            next.setType(one.getType());
            next.setStatus(one.getStatus());
            next.setReason(one.getReason());
            next.setMessage(one.getMessage());
            next.setLastTransitionTime(last.filter(known -> known.getStatus().equals(one.getStatus()))
                    .map(PodCondition::getLastTransitionTime)
                    .orElseGet(() -> Timestamps.format(now)));
            last.ifPresent(result::remove);
            result.add(next);
        }
        return List.copyOf(result);
    }
}
