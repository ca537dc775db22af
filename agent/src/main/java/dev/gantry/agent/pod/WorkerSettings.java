package dev.gantry.agent.pod;

import dev.gantry.agent.cri.CriImages;
import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.agent.event.EventSink;
import dev.gantry.agent.hook.Hooks;
import dev.gantry.agent.probe.PodProbes;
import dev.gantry.agent.volume.PodObjects;
import dev.gantry.agent.volume.VolumeManager;
import io.fabric8.kubernetes.api.model.Quantity;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;

/**
 * What all workers of a node share.
 *
 * @param objects ConfigMaps and Secrets that pods refer to
 * @param allocatable what the node has for pods, by resource name
 * @param pool runs the workers' tasks, which may wait for a disk but for nothing else
 * @param timers wakes workers; its tasks only hand over to the pool
 * @param runtimeHandler as CRI has it; empty for the runtime's default
 */
record WorkerSettings(
        CriRuntime runtime,
        CriImages images,
        CriConfigs configs,
        PodFiles files,
        VolumeManager volumes,
        PodObjects objects,
        Map<String, Quantity> allocatable,
        EventSink events,
        PodProbes.Factory probes,
        Hooks hooks,
        CrashLoop crashLoop,
        String runtimeHandler,
        InstantSource clock,
        Executor pool,
        ScheduledExecutorService timers) {}
