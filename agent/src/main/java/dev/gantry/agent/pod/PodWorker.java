package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.pod.Decision.Notice;
import dev.gantry.agent.probe.PodProbes;
import dev.gantry.agent.resource.Admission.Verdict;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Brings one pod to what is wanted of it: looks at the runtime, lets {@link PodDecider} decide, begins the actions, and
 * looks again when one of them has ended or the runtime reports a change.
 *
 * <ul>
 *   <li>Serial: decisions for this pod never overlap, and each is made on what its predecessor left.
 *   <li>Latest wins: what was wanted in between is never acted upon.
 *   <li>An action counts as going on until the runtime was looked at after its end, so nothing is begun twice.
 *   <li>Owns no thread and blocks none: actions are asynchronous calls.
 * </ul>
 */
final class PodWorker {
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);
    private static final Duration MAX_LOOK_AGAIN = Duration.ofSeconds(30);
    private final WorkerSettings settings;
    private final PodStatuses.Context context;
    private final Listener listener;
    private final SerialExecutor serial;
    private final PodReference reference;
    private final PodActions actions;
    private final PodProbes probes;
    private final PodResize resize;
    private final Set<String> noticed = new HashSet<>();
    private final List<Settled> settled = new ArrayList<>();
    private final List<RestartAsked> restartsAsked = new ArrayList<>();

    /** Written on the queue only. */
    private volatile PodState state;

    /** How often objects have changed that the pod refers to. */
    private int objectChanges;

    private @Nullable PodStatus status;
    private @Nullable ScheduledFuture<?> nextStep;
    private @Nullable ScheduledFuture<?> nextLook;
    private Duration lookAgain = LOOK_AGAIN;
    private boolean looking;
    private boolean lookOnceMore;
    private boolean finished;
    /** Read by continuations of actions between their steps. */
    private volatile boolean terminating;

    private volatile boolean stopped;

    /**
     * Makes a worker; {@link #start} begins.
     *
     * @param before the status that the pod had under an earlier agent; null if there is none
     */
    PodWorker(
            PodState initial,
            @Nullable PodStatus before,
            PodStatuses.Context context,
            WorkerSettings settings,
            Listener listener) {
        this.state = initial;
        this.status = before;
        this.context = context;
        this.settings = settings;
        this.listener = listener;
        this.serial = new SerialExecutor(settings.pool());
        this.reference = PodReference.of(initial.pod());
        this.actions = new PodActions(settings, reference, context, new View());
        this.probes = settings.probes().open(reference, this::healthChanged);
        this.resize = new PodResize(settings, reference, pod -> listener.mayResize(pod), serial, this::step);
        this.terminating = initial.deletion().isPresent();
    }

    /** Hears of a pod's progress, on the worker's queue. */
    interface Listener {
        void statusChanged(PodWorker worker, PodStatus status, Decision.Phase phase);

        /** Whether the node has room for a pod as it is to be. */
        Verdict mayResize(Pod pod);

        /** A pod that waits for room has other CPU and memory than is wanted of it; empty if it has what is wanted. */
        void allocated(PodWorker worker, Optional<Pod> instead);

        /** Nothing of the pod is left in the runtime or on disk. */
        void finished(PodWorker worker);
    }

    /** What somebody else says of the pod. */
    void report(List<PodCondition> conditions) {
        serial.execute(() -> {
            state = state.withReported(conditions);
            step();
        });
    }

    /** What actions see of the worker. */
    private final class View implements PodActions.View {
        @Override
        public PodState state() {
            return state;
        }

        @Override
        public Pod podWithStatus() {
            return PodWorker.this.podWithStatus();
        }

        @Override
        public int objectChanges() {
            return objectChanges;
        }

        @Override
        public boolean isTerminating() {
            return terminating;
        }

        @Override
        public boolean isStopped() {
            return stopped;
        }

        @Override
        public void settle(Operation operation, UnaryOperator<PodState> change) {
            PodWorker.this.settle(operation, change);
        }
    }

    private record RestartAsked(Optional<String> container, Instant asOf) {}

    /** An operation that ended, and what it changes in the state. */
    private record Settled(Operation operation, UnaryOperator<PodState> change) {}

    PodReference reference() {
        return reference;
    }

    /** Looks at the runtime for the first time and takes it from there. */
    void start() {
        serial.execute(() -> {
            if (state.pod().getSpec() != null) {
                state = state.withLoggedRestarts(
                        settings.files().loggedRestarts(reference, PodFiles.containerNames(state.pod())));
            }
            state = state.withRestarts(RestartRecords.read(settings.files().directory(reference)));
            look();
        });
    }

    /** Replaces what is wanted, under the same uid. */
    void update(Pod pod) {
        serial.execute(() -> {
            state = state.edited(allocate(pod));
            settings.volumes().refresh(state.pod());
            step();
        });
    }

    private Pod allocate(Pod pod) {
        Pod allocated = resize.allocate(state.pod(), pod);
        listener.allocated(this, resize.deferred().map(wanted -> allocated));
        return allocated;
    }

    /**
     * Asks for a container to be started anew, or all of them.
     *
     * @param container one that is not ephemeral; empty for all, init containers included
     * @param asOf runs that are newer stay
     */
    void restart(Optional<String> container, Instant asOf) {
        serial.execute(() -> {
            restartsAsked.add(new RestartAsked(container, asOf));
            takeRestarts();
        });
    }

    /** Which runs are meant is known once the runtime was looked at. */
    private void takeRestarts() {
        if (state.observed().isEmpty() || restartsAsked.isEmpty()) {
            return;
        }
        Instant now = settings.clock().instant();
        Restarts before = state.restarts();
        for (RestartAsked asked : restartsAsked) {
            state = state.restarted(asked.container(), asked.asOf(), now);
        }
        restartsAsked.clear();
        if (!state.restarts().equals(before)) {
            recordRestarts();
        }
        step();
    }

    private void recordRestarts() {
        try {
            RestartRecords.write(settings.files().directory(reference), state.restarts());
        } catch (IOException e) {
            settings.events()
                    .record(
                            reference,
                            Optional.empty(),
                            true,
                            "FailedSync",
                            "record a restart of containers: " + e
                                    + "; it goes on, unless the agent is restarted before it is done");
        }
    }

    /** There may be room now for a resize that was deferred. */
    void roomOffered() {
        serial.execute(() -> resize.deferred().ifPresent(pod -> {
            state = state.withPod(allocate(pod));
            step();
        }));
    }

    /** Asks for the pod's end; a second time can only bring it nearer. */
    void delete(Deletion deletion) {
        terminating = true;
        serial.execute(() -> {
            state = state.withDeletion(deletion).withRemovalFailure(Optional.empty());
            actions.cancel();
            probe();
            step();
        });
    }

    /** Ends the pod for good, as failed: its containers stop within its own grace or that of the failure, and it stays listed. */
    void fail(PodFailure why) {
        serial.execute(() -> {
            if (state.finalPhase().isEmpty()) {
                state = state.withFinalPhase(Decision.Phase.FAILED.text()).withFailure(Optional.of(why));
                actions.cancel();
                step();
            }
        });
    }

    /** Sets the deadline before {@link #start}. */
    void replaceDeletion(Deletion deletion) {
        terminating = true;
        serial.execute(() -> state = state.withDeletion(deletion));
    }

    /** The runtime has news of this pod. */
    void changed() {
        serial.execute(this::look);
    }

    /** Objects that the pod refers to are there, gone or different: what waits for them is tried again at once. */
    void objectsChanged() {
        serial.execute(() -> {
            objectChanges++;
            if (state.deletion().isEmpty()) {
                settings.volumes().refresh(state.pod());
            }
            state = state.withRetriesDue(settings.clock().instant());
            step();
        });
    }

    /** The runtime can do again what it could not for a while: what waits because of that is tried now. */
    void runtimeReady() {
        serial.execute(() -> {
            state = state.withSandboxFailure(Optional.empty()).withRemovalFailure(Optional.empty());
            look();
        });
    }

    /** A probe has found something else than before. */
    private void healthChanged() {
        serial.execute(() -> {
            takeHealth();
            step();
        });
    }

    /** Ends the worker and leaves the pod as it is. */
    void stop() {
        stopped = true;
        probes.close();
        serial.execute(() -> {
            cancelTimers();
            actions.cancel();
        });
    }

    // ---- looking

    private void look() {
        if (stopped || finished) {
            return;
        }
        if (looking) {
            lookOnceMore = true;
            return;
        }
        looking = true;
        List<Settled> ended = List.copyOf(settled);
        settled.clear();
        settings.runtime()
                .observe(reference.uid(), state.observed().orElse(ObservedPod.NOTHING))
                .whenComplete((seen, failure) -> serial.execute(() -> {
                    looking = false;
                    if (failure != null) {
                        settled.addAll(0, ended);
                        lookLater();
                    } else {
                        saw(seen, ended);
                    }
                }));
    }

    private void lookLater() {
        Duration delay = lookAgain;
        lookAgain = delay.multipliedBy(2).compareTo(MAX_LOOK_AGAIN) > 0 ? MAX_LOOK_AGAIN : delay.multipliedBy(2);
        cancel(nextLook);
        nextLook = schedule(delay, this::look);
    }

    private void saw(ObservedPod seen, List<Settled> ended) {
        lookAgain = LOOK_AGAIN;
        ObservedPod before = state.observed().orElse(ObservedPod.NOTHING);
        state = state.withObserved(settings.files().messages().withMessages(reference, seen, before));
        if (state.startedAt().isEmpty()) {
            state = state.withStartedAt(PodStatuses.startedAt(seen, status, context.acceptedAt()));
        }
        Set<Operation> inFlight = new HashSet<>(state.inFlight());
        for (Settled one : ended) {
            inFlight.remove(one.operation());
            state = one.change().apply(state);
        }
        state = state.withInFlight(inFlight);
        actions.saw(seen);
        probe();
        if (lookOnceMore) {
            lookOnceMore = false;
            look();
        }
        takeRestarts();
        step();
    }

    private void probe() {
        if (state.pod().getSpec() != null) {
            probes.reconcile(state.pod(), state.probed(), state.deletion().isPresent());
            takeHealth();
        }
    }

    /** A run that its probes have given up is remembered as such, so that it is followed by another whatever it exits with. */
    private void takeHealth() {
        state = state.withHealth(probes.health());
        Restarts restarts =
                state.restarts().withUnhealthy(state.observed().orElse(ObservedPod.NOTHING), state.health());
        if (!restarts.equals(state.restarts())) {
            state = state.withRestarts(restarts);
            recordRestarts();
        }
    }

    // ---- deciding

    private void step() {
        if (stopped || finished || state.observed().isEmpty()) {
            return;
        }
        Instant now = settings.clock().instant();
        Decision decision = PodDecider.decide(state, settings.crashLoop(), now);
        if (decision.restart().isPresent()) {
            state = state.withRestarts(
                    state.restarts().withRound(decision.restart().get()));
            recordRestarts();
            decision = PodDecider.decide(state, settings.crashLoop(), now);
        }
        decision.notices().forEach(this::notice);
        state = state.withEnding(decision.ending());
        if (decision.failure().isPresent()) {
            state = state.withFailure(decision.failure());
            actions.cancel();
        }
        if (decision.phase().isFinal() && state.finalPhase().isEmpty()) {
            state = state.withFinalPhase(decision.phase().text());
        }
        List<Action> begun = decision.actions();
        Set<Operation> inFlight = new HashSet<>(state.inFlight());
        begun.forEach(action -> inFlight.add(action.operation()));
        state = state.withInFlight(inFlight);
        begun.forEach(actions::begin);
        Optional<Instant> resizeAgain = resize.reconcile(state);
        publish(decision.shown());
        Stream.of(decision.wakeUp(), resizeAgain)
                .flatMap(Optional::stream)
                .min(Comparator.naturalOrder())
                .ifPresent(at -> {
                    cancel(nextStep);
                    nextStep = schedule(Duration.between(now, at), this::step);
                });
        if (decision.finished()) {
            finish();
        }
    }

    private void finish() {
        finished = true;
        cancelTimers();
        probes.close();
        settings.files().remove(reference);
        listener.finished(this);
    }

    private void notice(Notice notice) {
        if (noticed.add(notice.key())) {
            settings.events()
                    .record(reference, notice.container(), notice.warning(), notice.reason(), notice.message());
        }
    }

    private void publish(Decision.Phase phase) {
        PodStatus next =
                PodStatuses.of(state, phase, status, context, settings.clock().instant());
        resize.show(next, state, status, settings.clock().instant());
        if (!next.equals(status)) {
            status = next;
            listener.statusChanged(this, next, phase);
        }
    }

    /** Not before the time has passed, and a millisecond at least. */
    private ScheduledFuture<?> schedule(Duration delay, Runnable task) {
        long millis = Math.max(1, delay.plusNanos(999_999).toMillis());
        return settings.timers().schedule(() -> serial.execute(task), millis, TimeUnit.MILLISECONDS);
    }

    private void cancelTimers() {
        cancel(nextStep);
        cancel(nextLook);
    }

    private static void cancel(@Nullable ScheduledFuture<?> timer) {
        if (timer != null) {
            timer.cancel(false);
        }
    }

    // ---- acting

    private void settle(Operation operation, UnaryOperator<PodState> change) {
        serial.execute(() -> {
            actions.ended(operation);
            settled.add(new Settled(operation, change));
            look();
        });
    }

    // ---- small things

    /** The pod with its present status, for what its containers are told of it. */
    private Pod podWithStatus() {
        Pod pod = new Pod();
        pod.setMetadata(state.pod().getMetadata());
        pod.setSpec(state.pod().getSpec());
        pod.setStatus(PodStatuses.of(
                state, Decision.Phase.PENDING, status, context, settings.clock().instant()));
        return pod;
    }

    /** The present state, for readers on other threads. */
    PodState state() {
        return state;
    }

    static OptionalLong parse(String number) {
        try {
            return OptionalLong.of(Long.parseLong(number));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }
}
