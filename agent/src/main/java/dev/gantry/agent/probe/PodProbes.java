package dev.gantry.agent.probe;

import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.event.PodReference;
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

    /** Makes the probes of pods. */
    @FunctionalInterface
    interface Factory {
        /** No pod is probed: every container is healthy as soon as it runs. */
        Factory NONE = (pod, changed) -> new PodProbes() {
            @Override
            public void reconcile(Pod wanted, ObservedPod observed, boolean terminating) {
                // nothing to begin
            }

            @Override
            public Map<String, ContainerHealth> health() {
                return Map.of();
            }

            @Override
            public void close() {
                // nothing to end
            }
        };

        /**
         * The probes of one pod.
         *
         * @param changed called on any thread when what {@link PodProbes#health} says has changed
         */
        PodProbes open(PodReference pod, Runnable changed);
    }

    /** Ends all probes; what they found stays for the next agent. */
    @Override
    void close();
}
