package dev.gantry.agent.pod;

import dev.gantry.agent.cri.CriException;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.cri.ObservedSandbox;
import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.pod.ResizePlan.Change;
import dev.gantry.agent.resource.Admission.Rejected;
import dev.gantry.agent.resource.Admission.Verdict;
import dev.gantry.agent.resource.LinuxLimits;
import dev.gantry.agent.resource.ResizeRules;
import dev.gantry.cri.v1.LinuxContainerResources;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Brings a pod's running containers to the CPU and memory that its spec has by now, in place.
 *
 * <ul>
 *   <li>Lives on its worker's queue: every method is called there, and what a call of the runtime brings is taken up there.
 *   <li>What is in force is asked of the runtime, once for each container; what is allowed while that is less than wanted is
 *       kept for the next agent by {@link PodRecords}.
 *   <li>Memory is never taken from a container that uses it: that fails, is shown, and is tried again.
 * </ul>
 */
final class PodResize {
    /** As the kubelet's first and later retries. */
    private static final Retry.Range RETRY = new Retry.Range(Duration.ofSeconds(30), Duration.ofMinutes(3));

    private final WorkerSettings settings;
    private final PodReference reference;
    private final Function<Pod, Verdict> gate;
    private final SerialExecutor serial;
    private final Runnable again;

    /** By container id. */
    private final Map<String, LinuxContainerResources> inForce = new HashMap<>();

    private final Set<String> asked = new HashSet<>();
    /** By sandbox id. */
    private final Map<String, LinuxContainerResources> podsInForce = new HashMap<>();

    private @Nullable Pod wanted;
    private Optional<Rejected> pending = Optional.empty();
    private Optional<Retry> failure = Optional.empty();
    private boolean working;
    private boolean announced;

    /**
     * For one pod.
     *
     * @param gate whether the node has room for the pod as it is wanted
     * @param again has the worker decide once more
     */
    PodResize(
            WorkerSettings settings,
            PodReference reference,
            Function<Pod, Verdict> gate,
            SerialExecutor serial,
            Runnable again) {
        this.settings = settings;
        this.reference = reference;
        this.gate = gate;
        this.serial = serial;
        this.again = again;
    }

    private LinuxLimits limits() {
        return settings.configs().limits();
    }

    // ---- what is allowed

    /** The pod to work towards: the wanted one, with what it has of CPU and memory if the node has no room for it now. */
    Pod allocate(Pod current, Pod desired) {
        wanted = null;
        failure = Optional.empty();
        if (current.getSpec() == null || !ResizeRules.changesAmounts(current.getSpec(), desired.getSpec())) {
            pending = Optional.empty();
            return desired;
        }
        if (gate.apply(desired) instanceof Rejected rejected) {
            wanted = desired;
            if (!pending.equals(Optional.of(rejected))) {
                event(true, "Resize" + rejected.reason(), rejected.message());
            }
            pending = Optional.of(rejected);
            return new Pod(
                    desired.getApiVersion(),
                    desired.getKind(),
                    desired.getMetadata(),
                    ResizeRules.withAmounts(desired.getSpec(), current.getSpec()),
                    desired.getStatus());
        }
        pending = Optional.empty();
        return desired;
    }

    /** The pod that is waited for room for, if any. */
    Optional<Pod> deferred() {
        return Optional.ofNullable(wanted);
    }

    // ---- what is done

    /** Begins what is left to do; tells when to be asked again, if nothing happens before. */
    Optional<Instant> reconcile(PodState state) {
        ObservedPod observed = state.observed().orElse(ObservedPod.NOTHING);
        Set<String> ids = observed.containers().stream()
                .filter(ObservedContainer::isRunning)
                .map(ObservedContainer::id)
                .collect(Collectors.toSet());
        inForce.keySet().retainAll(ids);
        asked.retainAll(ids);
        if (working
                || state.deletion().isPresent()
                || state.finalPhase().isPresent()
                || observed.readySandbox().isEmpty()) {
            return Optional.empty();
        }
        ids.stream().filter(asked::add).forEach(this::ask);
        ObservedSandbox sandbox = observed.readySandbox().get();
        LinuxContainerResources pod = limits().pod(state.pod());
        List<Change> changes = ResizePlan.of(state.pod(), observed, inForce, limits());
        if (changes.isEmpty()) {
            // CRI does not tell: where the containers have theirs, the pod was made so.
            podsInForce.putIfAbsent(sandbox.id(), pod);
        }
        if (changes.isEmpty() && pod.equals(podsInForce.get(sandbox.id()))) {
            completed();
            return Optional.empty();
        }
        Instant now = settings.clock().instant();
        if (failure.isPresent() && !failure.get().isDue(now)) {
            return Optional.of(failure.get().nextAttempt());
        }
        begin(changes, sandbox.id(), settings.configs().cgroupParent(state.pod()), pod);
        return Optional.empty();
    }

    private void ask(String id) {
        settings.runtime()
                .resources(id)
                .whenComplete((found, trouble) -> serial.execute(() -> {
                    // A runtime that does not tell has what it was given.
                    if (trouble == null && found.isPresent() && !inForce.containsKey(id)) {
                        inForce.put(id, found.get());
                        again.run();
                    }
                }));
    }

    private void begin(List<Change> changes, String sandboxId, String parent, LinuxContainerResources pod) {
        working = true;
        if (!changes.isEmpty() && !announced) {
            announced = true;
            event(false, "ResizeStarted", "Pod resize started: " + text(changes));
        }
        CompletableFuture<?> work = CompletableFuture.completedFuture(null);
        for (Change change : changes.stream().filter(Change::shrinks).toList()) {
            work = work.thenCompose(done -> unlessInUse(change)).thenCompose(done -> apply(change));
        }
        work = work.thenCompose(done -> settings.runtime().updateSandbox(sandboxId, parent, pod))
                .thenRun(() -> serial.execute(() -> podsInForce.put(sandboxId, pod)));
        for (Change change :
                changes.stream().filter(change -> !change.shrinks()).toList()) {
            work = work.thenCompose(done -> apply(change));
        }
        work.whenComplete((done, trouble) -> serial.execute(() -> {
            working = false;
            if (trouble != null) {
                failed(trouble);
            }
            again.run();
        }));
    }

    private CompletableFuture<?> apply(Change change) {
        return settings.runtime()
                .updateContainer(change.id(), change.to())
                .thenRun(() -> serial.execute(() -> inForce.put(change.id(), change.to())));
    }

    private CompletableFuture<?> unlessInUse(Change change) {
        return settings.runtime().memoryUsage(change.id()).thenCompose(usage -> {
            long limit = change.to().getMemoryLimitInBytes();
            return usage.isPresent() && usage.getAsLong() > limit
                    ? CompletableFuture.failedFuture(new IllegalStateException(
                            "attempting to set memory limit (%d) of container %s below current usage (%d)"
                                    .formatted(limit, change.container(), usage.getAsLong())))
                    : CompletableFuture.completedFuture(null);
        });
    }

    private void failed(Throwable trouble) {
        String message = String.valueOf(CriException.unwrap(trouble).getMessage());
        failure = Optional.of(
                Retry.after(failure, RETRY, "Error", message, settings.clock().instant()));
        event(true, "ResizeError", message);
    }

    private void completed() {
        failure = Optional.empty();
        if (announced) {
            announced = false;
            event(false, "ResizeCompleted", "Pod resize completed");
        }
    }

    private static String text(List<Change> changes) {
        return changes.stream().map(Change::container).distinct().collect(Collectors.joining(", ", "containers ", ""));
    }

    private void event(boolean warning, String reason, String message) {
        settings.events().record(reference, Optional.empty(), warning, reason, message);
    }

    // ---- what is shown

    /** Adds to a status what is in force, what is allocated, and the conditions of a resize. */
    void show(PodStatus status, PodState state, @Nullable PodStatus before, Instant now) {
        ResizeStatus.resources(status, state.pod(), inForce, limits());
        Optional<String> error = failure.map(Retry::message);
        boolean inProgress = announced || (working && error.isPresent());
        ResizeStatus.conditions(status, before, wanted == null ? state.pod() : wanted, pending, inProgress, error, now);
    }
}
