package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerFilter;
import dev.gantry.cri.v1.ContainerStatsFilter;
import dev.gantry.cri.v1.PodSandboxFilter;
import dev.gantry.cri.v1.PodSandboxStatsFilter;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** CRI's list filters: every field that is set must match. */
final class Filters {
    private Filters() {}

    static List<Sandbox> sandboxes(Pods pods, PodSandboxFilter filter) {
        return pods.sandboxes().stream()
                .filter(sandbox -> sandbox.id().startsWith(filter.getId()))
                .filter(sandbox -> !filter.hasState()
                        || CriView.state(sandbox) == filter.getState().getState())
                .filter(sandbox ->
                        matches(filter.getLabelSelectorMap(), sandbox.config().getLabelsMap()))
                .sorted(newestFirst())
                .toList();
    }

    static List<Sandbox> sandboxes(Pods pods, PodSandboxStatsFilter filter) {
        return pods.sandboxes().stream()
                .filter(Sandbox::isReady)
                .filter(sandbox -> sandbox.id().startsWith(filter.getId()))
                .filter(sandbox ->
                        matches(filter.getLabelSelectorMap(), sandbox.config().getLabelsMap()))
                .sorted(newestFirst())
                .toList();
    }

    private static Comparator<Sandbox> newestFirst() {
        return Comparator.comparing((Sandbox sandbox) -> sandbox.record().createdAt())
                .reversed()
                .thenComparing(Sandbox::id);
    }

    static List<Container> containers(Pods pods, ContainerFilter filter) {
        return of(pods, filter.getId(), filter.getPodSandboxId(), filter.getLabelSelectorMap())
                .filter(container -> !filter.hasState()
                        || CriView.state(container) == filter.getState().getState())
                .toList();
    }

    static List<Container> containers(Pods pods, ContainerStatsFilter filter) {
        return of(pods, filter.getId(), filter.getPodSandboxId(), filter.getLabelSelectorMap())
                .filter(container -> !(container.phase() instanceof ContainerPhase.Exited))
                .toList();
    }

    private static Stream<Container> of(Pods pods, String id, String sandboxId, Map<String, String> labels) {
        return pods.containers().stream()
                .filter(container -> container.id().startsWith(id))
                .filter(container -> container.sandboxId().startsWith(sandboxId))
                .filter(container -> matches(labels, container.config().getLabelsMap()))
                .sorted(Comparator.comparing(
                                (Container container) -> container.record().createdAt())
                        .reversed()
                        .thenComparing(Container::id));
    }

    private static boolean matches(Map<String, String> selector, Map<String, String> labels) {
        return labels.entrySet().containsAll(selector.entrySet());
    }
}
