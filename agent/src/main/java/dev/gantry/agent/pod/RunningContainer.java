package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.Pod;

/**
 * A container that runs.
 *
 * @param pod as allocated, without status
 * @param id the runtime's
 * @param logPath where its output goes, as the runtime tells it; may be empty
 */
public record RunningContainer(Pod pod, String name, String id, String logPath) {}
