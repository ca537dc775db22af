package dev.gantry.agent.volume;

import io.fabric8.kubernetes.api.model.Pod;

/** Objects of the node, and those that single pods brought along. */
public interface PodObjects extends ConfigObjects {
    /** What a pod sees: its own objects, and beside them the node's. */
    ConfigObjects of(Pod pod);
}
