package dev.gantry.agent.storage;

import io.fabric8.kubernetes.api.model.PodSpec;
import java.nio.file.Path;
import java.util.List;

/**
 * A pod that runs and says how much of the disk it takes at most.
 *
 * @param uid of the pod
 * @param spec as allocated
 * @param containers that run now
 * @param emptyDirs where its volumes on disk lie
 */
public record LimitedPod(String uid, PodSpec spec, List<Running> containers, List<Path> emptyDirs) {
    /**
     * A container that runs.
     *
     * @param id the runtime's
     * @param logPath where its output goes, as the runtime tells it; may be empty
     */
    public record Running(String name, String id, String logPath) {}
}
