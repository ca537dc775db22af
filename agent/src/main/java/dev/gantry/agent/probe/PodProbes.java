package dev.gantry.agent.probe;

import dev.gantry.agent.cri.ObservedPod;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Map;

/** The probes of one pod. */
public interface PodProbes extends AutoCloseable {
    /**
     * Begins to probe what runs and is not probed yet, and ends the probes of what runs no more. Cheap where nothing changed.
     *
     * @param terminating liveness and startup are asked no more, readiness goes on, as with the kubelet
     */
    void reconcile(Pod pod, ObservedPod observed, boolean terminating);

    /** By container id, of running containers that have probes. Any thread. */
    Map<String, ContainerHealth> health();

    /** Ends all probes; what they found stays for the next agent. */
    @Override
    void close();
}
