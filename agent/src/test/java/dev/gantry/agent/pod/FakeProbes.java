package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.probe.ContainerHealth;
import dev.gantry.agent.probe.PodProbes;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** Probes whose findings the test says, by container name. A new run is as {@link #initially} says. */
final class FakeProbes implements PodProbes.Factory {
    static final ContainerHealth READY = new ContainerHealth(true, true, Optional.empty());
    static final ContainerHealth UNREADY = new ContainerHealth(true, false, Optional.empty());
    static final ContainerHealth STARTING = new ContainerHealth(false, false, Optional.empty());

    private final Map<String, ContainerHealth> initial = new HashMap<>();
    private final Map<String, ContainerHealth> byId = new HashMap<>();
    private final Map<String, One> pods = new HashMap<>();

    void initially(String container, ContainerHealth health) {
        initial.put(container, health);
    }

    static ContainerHealth failed(OptionalLong grace) {
        return new ContainerHealth(true, true, Optional.of(new ContainerHealth.Unhealthy("liveness", grace)));
    }

    /** The run that goes on now is found to be so. */
    void find(String pod, String container, ContainerHealth health) {
        One one = pods.get(pod);
        if (one == null) {
            throw new IllegalStateException("no pod " + pod);
        }
        byId.put(one.ids.getOrDefault(container, "none"), health);
        one.changed.run();
    }

    @Override
    public PodProbes open(PodReference pod, Runnable changed) {
        One one = new One(changed);
        pods.put(pod.name(), one);
        return one;
    }

    private final class One implements PodProbes {
        private final Runnable changed;
        private final Map<String, String> ids = new HashMap<>();

        One(Runnable changed) {
            this.changed = changed;
        }

        @Override
        public void reconcile(Pod wanted, ObservedPod observed, boolean terminating) {
            ids.clear();
            observed.containers().stream().filter(ObservedContainer::isRunning).forEach(run -> {
                ids.put(run.name(), run.id());
                ContainerHealth health = initial.get(run.name());
                if (health != null) {
                    byId.putIfAbsent(run.id(), health);
                }
            });
        }

        @Override
        public Map<String, ContainerHealth> health() {
            Map<String, ContainerHealth> health = new HashMap<>(byId);
            health.keySet().retainAll(ids.values());
            return health;
        }

        @Override
        public void close() {
            ids.clear();
        }
    }
}
