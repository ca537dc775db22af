package dev.gantry.agent.pod;

import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.resource.LinuxLimits;
import dev.gantry.agent.resource.ResizeRules;
import dev.gantry.cri.v1.LinuxContainerResources;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Which running containers have other limits than their pod wants. Pure. */
final class ResizePlan {
    private ResizePlan() {}

    /**
     * A container that is to have other limits.
     *
     * @param shrinks whether memory is taken from it
     */
    record Change(String container, String id, LinuxContainerResources to, boolean shrinks) {}

    /**
     * The changes that can be made in place; containers that have to be started anew for theirs are left out.
     *
     * @param inForce by container id, as far as known
     */
    static List<Change> of(
            Pod pod, ObservedPod observed, Map<String, LinuxContainerResources> inForce, LinuxLimits limits) {
        List<Change> changes = new ArrayList<>();
        for (Container container : ResizeRules.resizable(pod.getSpec()).toList()) {
            Optional<ObservedContainer> run =
                    observed.latest(container.getName()).filter(ObservedContainer::isRunning);
            LinuxContainerResources now = run.map(one -> inForce.get(one.id())).orElse(null);
            if (run.isEmpty() || now == null || needsRestart(container, run.get())) {
                continue;
            }
            LinuxContainerResources wanted = limits.container(pod, container);
            if (!isSame(now, wanted)) {
                long before = now.getMemoryLimitInBytes();
                long after = wanted.getMemoryLimitInBytes();
                boolean shrinks = after > 0 && (before <= 0 || after < before);
                changes.add(new Change(container.getName(), run.get().id(), wanted, shrinks));
            }
        }
        return changes;
    }

    /** Whether its pod wants a container started anew to have its resources. */
    static boolean needsRestart(Container container, ObservedContainer run) {
        return ResizeRules.needsRestart(container, run.annotations().getOrDefault(Labels.RESOURCES, ""));
    }

    /** By what a resize changes. */
    static boolean isSame(LinuxContainerResources one, LinuxContainerResources other) {
        return one.getCpuShares() == other.getCpuShares()
                && Math.max(0, one.getCpuQuota()) == Math.max(0, other.getCpuQuota())
                && (one.getCpuQuota() <= 0 || one.getCpuPeriod() == other.getCpuPeriod())
                && Math.max(0, one.getMemoryLimitInBytes()) == Math.max(0, other.getMemoryLimitInBytes());
    }
}
