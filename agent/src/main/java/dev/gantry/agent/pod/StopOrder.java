package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Who is stopped when: the containers of a pod all at once, then its sidecars, the last of the spec first, each when what comes
 * before it has ended.
 */
final class StopOrder {
    private StopOrder() {}

    /**
     * The running containers whose turn it is.
     *
     * @param inTurn false at the deadline: everybody's
     */
    static List<ObservedContainer> due(Pod pod, ObservedPod observed, boolean inTurn) {
        List<ObservedContainer> running =
                observed.containers().stream().filter(StopOrder::isAlive).toList();
        Set<String> sidecars = PodContainers.init(pod).stream()
                .filter(container -> PodContainers.isSidecar(pod, container))
                .map(Container::getName)
                .collect(Collectors.toSet());
        if (!inTurn || sidecars.isEmpty()) {
            return running;
        }
        List<ObservedContainer> others =
                running.stream().filter(run -> !sidecars.contains(run.name())).toList();
        if (!others.isEmpty()) {
            return others;
        }
        List<Container> init = PodContainers.init(pod);
        for (int i = init.size() - 1; i >= 0; i--) {
            String name = init.get(i).getName();
            List<ObservedContainer> runs =
                    running.stream().filter(run -> run.name().equals(name)).toList();
            if (!runs.isEmpty()) {
                return runs;
            }
        }
        return List.of();
    }

    static boolean isAlive(ObservedContainer container) {
        return container.isRunning() || container.run() instanceof ContainerRun.Lost;
    }
}
