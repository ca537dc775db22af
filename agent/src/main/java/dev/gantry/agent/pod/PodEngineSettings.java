package dev.gantry.agent.pod;

import dev.gantry.agent.event.EventStore;
import dev.gantry.agent.hook.Hooks;
import dev.gantry.agent.probe.PodProbes;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;

/**
 * What the pod engine is given.
 *
 * @param hostResolvConf the host's {@code /etc/resolv.conf}, handed on to pods by their dnsPolicy
 * @param runtimeHandler as CRI has it; empty for the runtime's default
 * @param sources those that are expected to report; until each has, nothing unknown is removed from the runtime
 * @param pool shared by all pods; two or more threads
 * @param blocking runs tasks that may never end (mounts of others' servers), each on a thread of its own
 * @param timers one thread is enough; its tasks are short
 */
public record PodEngineSettings(
        NodeFacts node,
        PodPaths paths,
        Path hostResolvConf,
        PodDns dns,
        NodePolicy policy,
        String runtimeHandler,
        CrashLoop crashLoop,
        java.util.Set<PodSource> sources,
        EventStore events,
        PodProbes.Factory probes,
        Hooks hooks,
        InstantSource clock,
        Executor pool,
        Executor blocking,
        ScheduledExecutorService timers) {
    public PodEngineSettings {
        sources = java.util.Set.copyOf(sources);
    }
}
