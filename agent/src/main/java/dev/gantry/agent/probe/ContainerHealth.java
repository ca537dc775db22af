package dev.gantry.agent.probe;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * What the probes say of one run of a container. One without probes is started and ready as soon as it runs.
 *
 * @param started the startup probe has passed, or there is none: {@code status.containerStatuses[].started}
 * @param ready it is started, and the readiness probe passes or there is none
 * @param unhealthy set once the run has to be ended
 */
public record ContainerHealth(boolean started, boolean ready, Optional<Unhealthy> unhealthy) {
    /** Of a run that nobody has asked yet. */
    public static final ContainerHealth STARTING = new ContainerHealth(false, false, Optional.empty());

    /**
     * A liveness or startup probe that gave up.
     *
     * @param probe {@code liveness} or {@code startup}
     * @param gracePeriodSeconds the probe's own; empty for the pod's
     */
    public record Unhealthy(String probe, OptionalLong gracePeriodSeconds) {}
}
