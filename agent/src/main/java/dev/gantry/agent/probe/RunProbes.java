package dev.gantry.agent.probe;

import dev.gantry.agent.event.PodReference;
import dev.gantry.probes.ProbeHistory;
import dev.gantry.probes.ProbeKind;
import dev.gantry.probes.ProbeResult;
import dev.gantry.probes.ProbeSpec;
import dev.gantry.probes.ProbeVerdict;
import dev.gantry.probes.Prober;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Probe;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The probes of one run of a container.
 *
 * <pre>
 *   startup probe ──passes──▶ liveness and readiness
 *        └──gives up──▶ unhealthy ◀──gives up── liveness
 * </pre>
 */
final class RunProbes {
    private final ProbeManager manager;
    private final PodReference pod;
    private final Container container;
    private final ProbeTimings timings;
    private final String containerId;
    private final Instant startedAt;
    private final boolean adopted;
    private final Consumer<RunProbes> onTurn;
    private final Map<ProbeKind, ProbeVerdict> verdicts = new EnumMap<>(ProbeKind.class);
    private final Map<ProbeKind, Prober.Handle> handles = new EnumMap<>(ProbeKind.class);
    /** What probes of the network connect to, see {@link #start}. */
    private Optional<String> ip = Optional.empty();

    private boolean stopped;

    /**
     * Probes nothing yet.
     *
     * @param adopted whether the run began under an earlier agent
     * @param before what that agent found of it
     */
    RunProbes(
            ProbeManager manager,
            PodReference pod,
            Container container,
            ProbeTimings timings,
            String containerId,
            Instant startedAt,
            boolean adopted,
            Map<ProbeKind, ProbeVerdict> before,
            Consumer<RunProbes> onTurn) {
        this.manager = manager;
        this.pod = pod;
        this.container = container;
        this.timings = timings;
        this.containerId = containerId;
        this.startedAt = startedAt;
        this.adopted = adopted;
        this.onTurn = onTurn;
        for (ProbeKind kind : ProbeKind.values()) {
            if (ProbeSpecs.probe(container, kind) != null) {
                verdicts.put(kind, before.getOrDefault(kind, kind.initialVerdict()));
            }
        }
    }

    String containerId() {
        return containerId;
    }

    synchronized Map<ProbeKind, ProbeVerdict> verdicts() {
        return new EnumMap<>(verdicts);
    }

    /**
     * Begins what can begin; until it is known whether the pod has an address, the run is as its probes begin: not ready, not
     * started.
     *
     * @param podIp empty until it is known; the empty text if the pod has none, which probes of the network wait for
     */
    synchronized void start(Optional<String> podIp) {
        if (podIp.isEmpty() || podIp.equals(ip)) {
            return;
        }
        ip = podIp;
        if (isStarted()) {
            begin(ProbeKind.LIVENESS);
            begin(ProbeKind.READINESS);
        } else {
            begin(ProbeKind.STARTUP);
        }
    }

    private boolean isStarted() {
        ProbeVerdict startup = verdicts.get(ProbeKind.STARTUP);
        return startup == null || startup == ProbeVerdict.HEALTHY;
    }

    private void begin(ProbeKind kind) {
        @Nullable Probe probe = ProbeSpecs.probe(container, kind);
        ProbeVerdict verdict = verdicts.get(kind);
        if (probe == null || verdict == null || stopped || handles.containsKey(kind) || kind.isSettledBy(verdict)) {
            return;
        }
        ProbeSpec spec;
        try {
            spec = ProbeSpecs.spec(container, kind, probe, timings, containerId, ip.orElse(""));
        } catch (IllegalArgumentException e) {
            // as an attempt that could not be made, each of which counts neither way
            report(kind, new ProbeResult.NotTried(String.valueOf(e.getMessage())));
            return;
        }
        Duration age = Duration.between(startedAt, manager.clock().instant());
        ProbeSpec from = adopted ? later(spec, age) : spec;
        handles.put(
                kind,
                manager.prober()
                        .get()
                        .start(
                                kind,
                                from,
                                age.isNegative() ? Duration.ZERO : age,
                                ProbeHistory.startingAs(verdict),
                                (result, before, after) -> probed(kind, result, after)));
    }

    /** After a restart of the agent the first attempts of all pods are spread over their periods, as the kubelet does. */
    private ProbeSpec later(ProbeSpec spec, Duration age) {
        Duration spread = Duration.ofNanos(
                (long) (spec.period().toNanos() * manager.random().nextDouble()));
        Duration delay = age.plus(spread);
        return new ProbeSpec(
                spec.action(),
                delay.compareTo(spec.initialDelay()) > 0 ? delay : spec.initialDelay(),
                spec.period(),
                spec.timeout(),
                spec.successThreshold(),
                spec.failureThreshold());
    }

    private void probed(ProbeKind kind, ProbeResult result, ProbeHistory after) {
        report(kind, result);
        synchronized (this) {
            if (stopped || !handles.containsKey(kind) || after.verdict() == verdicts.get(kind)) {
                return;
            }
            verdicts.put(kind, after.verdict());
            if (kind == ProbeKind.STARTUP && after.verdict() == ProbeVerdict.HEALTHY) {
                begin(ProbeKind.LIVENESS);
                begin(ProbeKind.READINESS);
            }
        }
        onTurn.accept(this);
    }

    private void report(ProbeKind kind, ProbeResult result) {
        if (result instanceof ProbeResult.Failed failed) {
            event("Unhealthy", kind.title() + " probe failed: " + failed.reason());
        } else if (result instanceof ProbeResult.Warned warned) {
            event("ProbeWarning", kind.title() + " probe warning: " + warned.output());
        } else if (result instanceof ProbeResult.NotTried error) {
            event("Unhealthy", kind.title() + " probe errored and resulted in unknown state: " + error.reason());
        }
    }

    private void event(String reason, String message) {
        manager.events().record(pod, Optional.of(container.getName()), true, reason, message);
    }

    synchronized ContainerHealth health() {
        boolean started = isStarted();
        ProbeVerdict readiness = verdicts.get(ProbeKind.READINESS);
        Optional<ContainerHealth.Unhealthy> unhealthy = unhealthy(ProbeKind.STARTUP);
        if (unhealthy.isEmpty()) {
            unhealthy = unhealthy(ProbeKind.LIVENESS);
        }
        return new ContainerHealth(
                started, started && (readiness == null || readiness == ProbeVerdict.HEALTHY), unhealthy);
    }

    private Optional<ContainerHealth.Unhealthy> unhealthy(ProbeKind kind) {
        @Nullable Probe probe = ProbeSpecs.probe(container, kind);
        if (probe == null || verdicts.get(kind) != ProbeVerdict.UNHEALTHY) {
            return Optional.empty();
        }
        Long grace = probe.getTerminationGracePeriodSeconds();
        return Optional.of(new ContainerHealth.Unhealthy(
                kind.title().toLowerCase(Locale.ROOT), grace == null ? OptionalLong.empty() : OptionalLong.of(grace)));
    }

    /** A pod that goes is not asked any more whether it lives. */
    synchronized void endKilling() {
        end(ProbeKind.LIVENESS);
        end(ProbeKind.STARTUP);
    }

    private void end(ProbeKind kind) {
        Prober.Handle handle = handles.remove(kind);
        if (handle != null) {
            handle.stop();
        }
    }

    synchronized void stop() {
        stopped = true;
        handles.values().forEach(Prober.Handle::stop);
        handles.clear();
    }
}
