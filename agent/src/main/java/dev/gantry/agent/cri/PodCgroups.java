package dev.gantry.agent.cri;

import dev.gantry.cri.v1.LinuxContainerResources;
import java.util.concurrent.CompletableFuture;

/** Makes the cgroups of pods for a runtime that, as CRI has it, makes only those of containers below them. */
public interface PodCgroups {
    /** The built-in runtime makes them itself. */
    PodCgroups OF_THE_RUNTIME = (parent, resources) -> CompletableFuture.completedFuture(null);

    /**
     * Makes a pod's cgroup, or changes what the pod as a whole may have.
     *
     * @param parent as the runtime is told: CRI's {@code cgroup_parent}
     */
    CompletableFuture<?> apply(String parent, LinuxContainerResources resources);
}
