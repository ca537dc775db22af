package dev.gantry.agent.hook;

import dev.gantry.agent.event.PodReference;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.LifecycleHandler;
import java.util.Optional;

/**
 * A hook to run.
 *
 * @param containerId of the run it belongs to
 * @param podIp what httpGet connects to without a host of its own; empty if the pod has none
 */
public record HookCall(
        PodReference pod, Container container, String containerId, LifecycleHandler handler, Optional<String> podIp) {}
