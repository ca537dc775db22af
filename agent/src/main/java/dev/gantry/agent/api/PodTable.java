package dev.gantry.agent.api;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodIP;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The columns of {@code kubectl get pods}, with the same words for the same states. */
final class PodTable {
    static final Table<Pod> TABLE = new Table<>(
            List.of(
                    new Table.Column("Name", "string", 0, "Name of the pod"),
                    new Table.Column("Ready", "string", 0, "Containers that are ready, of all"),
                    new Table.Column("Status", "string", 0, "The state of the pod, or what keeps it from a better one"),
                    new Table.Column("Restarts", "string", 0, "How often its containers were restarted, and when last"),
                    new Table.Column("Age", "string", 0, "Time since it was created"),
                    new Table.Column("IP", "string", 1, "Its address"),
                    new Table.Column("Node", "string", 1, "The node it runs on"),
                    new Table.Column("Nominated Node", "string", 1, "The node it was promised"),
                    new Table.Column("Readiness Gates", "string", 1, "Readiness gates that are met, of all")),
            PodTable::cells);

    private PodTable() {}

    private static List<String> cells(Pod pod, Instant now) {
        PodStatus status = pod.getStatus() == null ? new PodStatus() : pod.getStatus();
        Set<String> sidecars = sidecars(pod);
        List<ContainerStatus> counted = Stream.concat(
                        status.getInitContainerStatuses().stream()
                                .filter(container -> sidecars.contains(container.getName())),
                        status.getContainerStatuses().stream())
                .toList();
        long ready = counted.stream()
                .filter(container -> Boolean.TRUE.equals(container.getReady())
                        && container.getState() != null
                        && container.getState().getRunning() != null)
                .count();
        int restarts = 0;
        Instant lastRestart = Instant.EPOCH;
        // Until the pod has initialized, what restarts is its init containers.
        boolean initializing = initState(pod, status).isPresent() && !isTrue(status, "Initialized");
        for (ContainerStatus container : initializing ? status.getInitContainerStatuses() : counted) {
            restarts += Objects.requireNonNullElse(container.getRestartCount(), 0);
            lastRestart = later(lastRestart, finishedAt(container.getLastState()));
        }
        String restartCell = String.valueOf(restarts);
        if (restarts > 0 && !lastRestart.equals(Instant.EPOCH)) {
            restartCell += " (" + Ages.human(Duration.between(lastRestart, now)) + " ago)";
        }
        return List.of(
                pod.getMetadata().getName(),
                ready + "/" + (sidecars.size() + pod.getSpec().getContainers().size()),
                state(pod, status),
                restartCell,
                age(pod.getMetadata().getCreationTimestamp(), now),
                addresses(status),
                text(pod.getSpec().getNodeName()),
                text(status.getNominatedNodeName()),
                gates(pod, status));
    }

    /** Init containers that go on running: kubectl counts them among the containers. */
    private static Set<String> sidecars(Pod pod) {
        return pod.getSpec().getInitContainers().stream()
                .filter(container -> "Always".equals(container.getRestartPolicy()))
                .map(Container::getName)
                .collect(Collectors.toSet());
    }

    /** The one word for a pod's state: its phase, unless a container, an end or a deletion says more. */
    static String state(Pod pod, PodStatus status) {
        String state = Optional.ofNullable(status.getReason())
                .filter(reason -> !reason.isEmpty())
                .orElse(Objects.requireNonNullElse(status.getPhase(), "Pending"));
        Optional<String> initializing = initState(pod, status);
        state = initializing.orElse(state);
        if (initializing.isEmpty() || isTrue(status, "Initialized")) {
            // A sidecar that ended after all was initialized says less than a container that did.
            state = containersState(status, state);
        }
        if (pod.getMetadata().getDeletionTimestamp() != null) {
            boolean ended = "Succeeded".equals(status.getPhase()) || "Failed".equals(status.getPhase());
            return ended ? state : "Terminating";
        }
        return state;
    }

    /** {@code Init:1/3}, {@code Init:Error} …, while an init container has not done its work. */
    private static Optional<String> initState(Pod pod, PodStatus status) {
        int total = pod.getSpec().getInitContainers().size();
        int index = 0;
        for (ContainerStatus container : status.getInitContainerStatuses()) {
            ContainerState state = container.getState() == null ? new ContainerState() : container.getState();
            boolean done = state.getTerminated() != null && exitCode(state) == 0;
            boolean sidecarStarted = Boolean.TRUE.equals(container.getStarted()) && state.getRunning() != null;
            if (!done && !sidecarStarted) {
                if (state.getTerminated() != null) {
                    return Optional.of("Init:" + terminated(state));
                }
                String waiting =
                        state.getWaiting() == null ? null : state.getWaiting().getReason();
                if (waiting != null && !waiting.isEmpty() && !waiting.equals("PodInitializing")) {
                    return Optional.of("Init:" + waiting);
                }
                return Optional.of("Init:" + index + "/" + total);
            }
            index++;
        }
        return Optional.empty();
    }

    private static String containersState(PodStatus status, String phase) {
        String state = phase;
        boolean running = false;
        List<ContainerStatus> containers = status.getContainerStatuses();
        for (int i = containers.size() - 1; i >= 0; i--) {
            ContainerState container = containers.get(i).getState() == null
                    ? new ContainerState()
                    : containers.get(i).getState();
            if (container.getWaiting() != null
                    && !text(container.getWaiting().getReason()).equals("<none>")) {
                state = text(container.getWaiting().getReason());
            } else if (container.getTerminated() != null) {
                state = terminated(container);
            } else if (container.getRunning() != null
                    && Boolean.TRUE.equals(containers.get(i).getReady())) {
                running = true;
            }
        }
        // Beside a container that runs, one that completed is no news.
        if (state.equals("Completed") && running) {
            return isTrue(status, "Ready") ? "Running" : "NotReady";
        }
        return state;
    }

    private static String terminated(ContainerState state) {
        String reason = state.getTerminated().getReason();
        if (reason != null && !reason.isEmpty()) {
            return reason;
        }
        int signal = Objects.requireNonNullElse(state.getTerminated().getSignal(), 0);
        return signal != 0 ? "Signal:" + signal : "ExitCode:" + exitCode(state);
    }

    private static int exitCode(ContainerState state) {
        return Objects.requireNonNullElse(state.getTerminated().getExitCode(), 0);
    }

    private static boolean isTrue(PodStatus status, String type) {
        for (PodCondition condition : status.getConditions()) {
            if (type.equals(condition.getType())) {
                return "True".equals(condition.getStatus());
            }
        }
        return false;
    }

    private static @Nullable Instant finishedAt(@Nullable ContainerState state) {
        return state == null || state.getTerminated() == null
                ? null
                : instant(state.getTerminated().getFinishedAt());
    }

    private static Instant later(Instant a, @Nullable Instant b) {
        return b != null && b.isAfter(a) ? b : a;
    }

    private static String addresses(PodStatus status) {
        StringBuilder addresses = new StringBuilder();
        for (PodIP address : status.getPodIPs()) {
            addresses.append(addresses.length() == 0 ? "" : ",").append(address.getIp());
        }
        return addresses.length() > 0 ? addresses.toString() : text(status.getPodIP());
    }

    private static String gates(Pod pod, PodStatus status) {
        int total = pod.getSpec().getReadinessGates().size();
        if (total == 0) {
            return "<none>";
        }
        long met = pod.getSpec().getReadinessGates().stream()
                .filter(gate -> status.getConditions().stream()
                        .anyMatch(condition -> gate.getConditionType().equals(condition.getType())
                                && "True".equals(condition.getStatus())))
                .count();
        return met + "/" + total;
    }

    static String text(@Nullable String value) {
        return value == null || value.isEmpty() ? "<none>" : value;
    }

    static String age(@Nullable String timestamp, Instant now) {
        Instant then = instant(timestamp);
        return then == null ? "<unknown>" : Ages.human(Duration.between(then, now));
    }

    static @Nullable Instant instant(@Nullable String timestamp) {
        if (timestamp == null || timestamp.isEmpty()) {
            return null;
        }
        try {
            return Instant.parse(timestamp);
        } catch (DateTimeParseException e) {
            return null;
        }
    }
}
