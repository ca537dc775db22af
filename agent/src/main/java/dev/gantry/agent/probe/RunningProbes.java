package dev.gantry.agent.probe;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.event.PodReference;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The probes of one pod, by the runs of its containers. */
final class RunningProbes implements PodProbes {
    private static final Logger LOG = LoggerFactory.getLogger(RunningProbes.class);

    private final ProbeManager manager;
    private final PodReference pod;
    private final Runnable changed;
    private final Map<String, RunProbes> runs = new HashMap<>();
    private volatile Map<String, ContainerHealth> health = Map.of();
    /** What runs when a pod is looked at for the first time began under an earlier agent. */
    private boolean lookedAt;

    RunningProbes(ProbeManager manager, PodReference pod, Runnable changed) {
        this.manager = manager;
        this.pod = pod;
        this.changed = changed;
    }

    @Override
    public synchronized void reconcile(Pod wanted, ObservedPod observed, boolean terminating) {
        Set<String> present = new HashSet<>();
        Optional<String> ip = ip(wanted, observed);
        for (Container container : probed(wanted)) {
            Optional<ObservedContainer> latest = observed.latest(container.getName());
            if (latest.isPresent() && latest.get().run() instanceof ContainerRun.Running running) {
                String id = latest.get().id();
                present.add(id);
                RunProbes run = runs.get(id);
                if (run == null) {
                    run = found(wanted, container, id, running.startedAt());
                }
                run.start(ip);
                if (terminating) {
                    run.endKilling();
                }
            }
        }
        lookedAt = true;
        for (String id : List.copyOf(runs.keySet())) {
            if (!present.contains(id)) {
                RunProbes ended = runs.remove(id);
                if (ended != null) {
                    ended.stop();
                }
                forget(id);
            }
        }
        publish();
    }

    private RunProbes found(Pod wanted, Container container, String id, Instant startedAt) {
        RunProbes run = new RunProbes(
                manager,
                pod,
                container,
                ProbeTimings.of(wanted),
                id,
                startedAt,
                !lookedAt,
                manager.records().load(pod.uid(), id),
                this::turned);
        runs.put(id, run);
        return run;
    }

    /** Of init containers only those that go on running have probes. */
    private static List<Container> probed(Pod pod) {
        List<Container> init = orEmpty(pod.getSpec().getInitContainers());
        return Stream.concat(
                        init.stream().filter(container -> "Always".equals(container.getRestartPolicy())),
                        orEmpty(pod.getSpec().getContainers()).stream())
                .filter(ProbeSpecs::hasProbes)
                .toList();
    }

    private static List<Container> orEmpty(@Nullable List<Container> list) {
        return list == null ? List.of() : list;
    }

    /** The pod's address; the empty text if it has none, as without a network, and empty while no sandbox is ready. */
    private Optional<String> ip(Pod wanted, ObservedPod observed) {
        if (Boolean.TRUE.equals(wanted.getSpec().getHostNetwork())) {
            return Optional.of(manager.nodeIp());
        }
        return observed.readySandbox()
                .map(sandbox -> sandbox.ips().stream().findFirst().orElse(""));
    }

    /** A verdict changed. */
    private void turned(RunProbes run) {
        manager.disk().execute(() -> {
            try {
                manager.records().save(pod.uid(), run.containerId(), run.verdicts());
            } catch (IOException e) {
                LOG.warn(
                        "Pod {}/{}: cannot keep the results of its probes; after a restart of the agent it is probed anew: {}",
                        pod.namespace(),
                        pod.name(),
                        e.getMessage());
            }
        });
        synchronized (this) {
            publish();
        }
        changed.run();
    }

    private void forget(String containerId) {
        manager.disk().execute(() -> {
            try {
                manager.records().remove(pod.uid(), containerId);
            } catch (IOException e) {
                // it goes with the pod's directory
            }
        });
    }

    private void publish() {
        Map<String, ContainerHealth> next = new HashMap<>();
        runs.forEach((id, run) -> next.put(id, run.health()));
        health = Map.copyOf(next);
    }

    @Override
    public Map<String, ContainerHealth> health() {
        return health;
    }

    @Override
    public synchronized void close() {
        runs.values().forEach(RunProbes::stop);
        runs.clear();
    }
}
