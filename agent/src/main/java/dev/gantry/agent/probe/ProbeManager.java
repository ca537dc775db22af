package dev.gantry.agent.probe;

import dev.gantry.agent.event.EventSink;
import dev.gantry.agent.event.PodReference;
import dev.gantry.probes.Prober;
import java.time.InstantSource;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * What the probes of all pods share.
 *
 * @param prober made when the first container with a probe runs
 * @param nodeIp what probes of pods on the host's network connect to
 * @param disk runs what reads and writes records, one task after the other
 * @param random spreads the first attempts after a restart of the agent
 */
public record ProbeManager(
        Supplier<Prober> prober,
        String nodeIp,
        ProbeRecords records,
        EventSink events,
        InstantSource clock,
        Executor disk,
        RandomGenerator random)
        implements PodProbes.Factory {
    @Override
    public PodProbes open(PodReference pod, Runnable changed) {
        return new RunningProbes(this, pod, changed);
    }
}
