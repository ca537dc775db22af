package dev.gantry.agent.pod;

import dev.gantry.agent.cri.CriException;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.hook.HookCall;
import dev.gantry.agent.hook.HookResult;
import dev.gantry.agent.pod.Decision.Notice;
import dev.gantry.agent.probe.PodProbes;
import dev.gantry.agent.resource.Admission.Verdict;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.PodSandboxConfig;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Lifecycle;
import io.fabric8.kubernetes.api.model.LifecycleHandler;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
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
    /** The kubelet has none, and its pod hangs with its hook. */
    private static final Duration POST_START_DEADLINE = Duration.ofMinutes(10);

    /** As the kubelet's {@code minimumGracePeriodInSeconds}: after preStop a process still gets so long. */
    private static final long MINIMUM_GRACE_SECONDS = 2;

    private final WorkerSettings settings;
    private final PodStatuses.Context context;
    private final Listener listener;
    private final SerialExecutor serial;
    private final PodReference reference;
    private final ImageWork images;
    private final ContainerPreparation containers;
    private final PodProbes probes;
    private final PodResize resize;
    private final Map<Operation, CompletableFuture<?>> cancellable = new HashMap<>();
    /** By container id, of runs that were asked to stop. */
    private final Map<String, CompletableFuture<HookResult>> preStops = new HashMap<>();

    private final Set<String> noticed = new HashSet<>();
    private final List<Settled> settled = new ArrayList<>();
    private final List<RestartAsked> restartsAsked = new ArrayList<>();

    /** Written on the queue only. */
    private volatile PodState state;

    /** How often objects have changed that the pod refers to. */
    private int objectChanges;

    private @Nullable PodStatus status;
    private @Nullable ScheduledFuture<?> timer;
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
        var metadata = initial.pod().getMetadata();
        this.reference = new PodReference(metadata.getNamespace(), metadata.getName(), metadata.getUid());
        this.images = new ImageWork(settings, reference);
        this.containers = new ContainerPreparation(settings, reference, images);
        this.probes = settings.probes().open(reference, this::healthChanged);
        this.resize = new PodResize(settings, reference, pod -> listener.mayResize(pod), serial, this::step);
        this.terminating = initial.deletion().isPresent();
    }

    /** Hears of a pod's progress, on the worker's queue. */
    interface Listener {
        void statusChanged(PodWorker worker, PodStatus status, Decision.Phase phase);

        /** Whether the node has room for a pod as it is to be. */
        Verdict mayResize(Pod pod);

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
            state = state.edited(resize.allocate(state.pod(), pod));
            settings.volumes().refresh(state.pod());
            step();
        });
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
            state = state.withPod(resize.allocate(state.pod(), pod));
            step();
        }));
    }

    /** Asks for the pod's end; a second time can only bring it nearer. */
    void delete(Deletion deletion) {
        terminating = true;
        serial.execute(() -> {
            state = state.withDeletion(deletion).withRemovalFailure(Optional.empty());
            List.copyOf(cancellable.values()).forEach(call -> call.cancel(false));
            probe();
            step();
        });
    }

    /** Ends the pod for good, as failed: its containers stop within its own grace, and it stays listed. */
    void fail(PodFailure why) {
        serial.execute(() -> {
            if (state.finalPhase().isEmpty()) {
                state = state.withFinalPhase(Decision.Phase.FAILED.text()).withFailure(Optional.of(why));
                List.copyOf(cancellable.values()).forEach(call -> call.cancel(false));
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
            state = state.withHealth(probes.health());
            step();
        });
    }

    /** Ends the worker and leaves the pod as it is. */
    void stop() {
        stopped = true;
        probes.close();
        serial.execute(() -> {
            if (timer != null) {
                timer.cancel(false);
            }
            cancellable.values().forEach(call -> call.cancel(false));
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
        schedule(settings.clock().instant().plus(delay), this::look);
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
            probes.reconcile(
                    state.pod(),
                    state.observed().orElse(ObservedPod.NOTHING),
                    state.deletion().isPresent());
            state = state.withHealth(probes.health());
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
            List.copyOf(cancellable.values()).forEach(call -> call.cancel(false));
        }
        if (decision.phase().isFinal() && state.finalPhase().isEmpty()) {
            state = state.withFinalPhase(decision.phase().text());
        }
        List<Action> actions = decision.actions();
        Set<Operation> inFlight = new HashSet<>(state.inFlight());
        actions.forEach(action -> inFlight.add(action.operation()));
        state = state.withInFlight(inFlight);
        actions.forEach(this::begin);
        Optional<Instant> resizeAgain = resize.reconcile(state);
        publish(decision.shown());
        Stream.of(decision.wakeUp(), resizeAgain)
                .flatMap(Optional::stream)
                .min(Comparator.naturalOrder())
                .ifPresent(at -> schedule(at, this::step));
        if (decision.finished()) {
            finish();
        }
    }

    private void finish() {
        finished = true;
        if (timer != null) {
            timer.cancel(false);
        }
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

    private void schedule(Instant at, Runnable task) {
        if (timer != null) {
            timer.cancel(false);
        }
        long millis = Math.max(
                1,
                Duration.between(settings.clock().instant(), at)
                        .plusNanos(999_999)
                        .toMillis());
        timer = settings.timers().schedule(() -> serial.execute(task), millis, TimeUnit.MILLISECONDS);
    }

    // ---- acting

    private void begin(Action action) {
        if (action instanceof Action.RunSandbox run) {
            runSandbox(run);
        } else if (action instanceof Action.EnsureImage ensure) {
            ensureImage(ensure);
        } else if (action instanceof Action.StartContainer start) {
            startContainer(start);
        } else if (action instanceof Action.StopContainer stop) {
            stopContainer(stop);
        } else if (action instanceof Action.StopSandbox stop) {
            settleRemoval(stop, settings.runtime().stopSandbox(stop.id()));
        } else if (action instanceof Action.RemoveSandbox remove) {
            settleRemoval(
                    remove,
                    settings.runtime()
                            .stopSandbox(remove.id())
                            .thenCompose(done -> settings.runtime().removeSandbox(remove.id())));
        } else if (action instanceof Action.RemoveContainer remove) {
            Optional<ObservedContainer> container = state.observed().stream()
                    .flatMap(seen -> seen.containers().stream())
                    .filter(one -> one.id().equals(remove.id()))
                    .findFirst();
            settleRemoval(
                    remove,
                    settings.runtime()
                            .removeContainer(remove.id())
                            .thenRun(() -> container.ifPresent(
                                    one -> settings.files().removeRun(reference, one.name(), one.restartCount()))));
        }
    }

    private void settle(Operation operation, UnaryOperator<PodState> change) {
        serial.execute(() -> {
            cancellable.remove(operation);
            settled.add(new Settled(operation, change));
            look();
        });
    }

    private void runSandbox(Action.RunSandbox run) {
        CompletableFuture<?> dead = CompletableFuture.completedFuture(null);
        for (String id : run.dead()) {
            dead = dead.thenCompose(done -> settings.runtime().stopSandbox(id));
        }
        Pod pod = state.pod();
        dead.thenCompose(done -> {
                    if (terminating) {
                        return CompletableFuture.completedFuture("");
                    }
                    String handler = RuntimeHandlers.of(pod, settings.runtimeHandler());
                    return RuntimeHandlers.check(settings.runtime(), pod, handler)
                            .thenCompose(fine -> runSandbox(pod, run.attempt(), handler));
                })
                .whenComplete((id, failure) -> settle(run.operation(), before -> {
                    if (failure == null) {
                        return before.withSandboxFailure(Optional.empty());
                    }
                    String message = "Failed to create pod sandbox: " + reason(failure);
                    settings.events().record(reference, Optional.empty(), true, "FailedCreatePodSandBox", message);
                    return before.withSandboxFailure(
                            Optional.of(retry(before.sandboxFailure(), "CreatePodSandboxError", message)));
                }));
    }

    private CompletableFuture<String> runSandbox(Pod pod, int attempt, String handler) {
        String resolvConf = settings.files().hostResolvConf();
        try {
            settings.configs().checkSandbox(pod);
            settings.files().prepareSandbox(reference, SecurityContexts.hasOwnUsers(pod));
        } catch (StartFailedException | IOException e) {
            return CompletableFuture.failedFuture(e);
        }
        settings.configs()
                .dnsOmissions(pod, resolvConf)
                .forEach(message ->
                        settings.events().record(reference, Optional.empty(), true, "DNSConfigForming", message));
        Instant began = state.startedAt().orElse(context.acceptedAt());
        PodSandboxConfig config = settings.configs().sandbox(pod, attempt, resolvConf).toBuilder()
                .putAnnotations(Labels.POD_STARTED_AT_MILLIS, Long.toString(began.toEpochMilli()))
                .build();
        return settings.runtime().runSandbox(config, handler);
    }

    private void ensureImage(Action.EnsureImage ensure) {
        Container container = container(ensure.container());
        Optional<Retry> before = state.image(container.getName()) instanceof ImageState.Missing missing
                ? Optional.of(missing.retry())
                : Optional.empty();
        PodSandboxConfig sandbox = settings.configs().sandbox(state.pod(), 0, "");
        CompletableFuture<ImageState> work = images.ensure(
                container,
                before,
                sandbox,
                PullSecrets.of(
                        state.pod(), container.getImage(), settings.objects().of(state.pod())));
        cancellable.put(ensure.operation(), work);
        work.whenComplete((image, failure) -> settle(
                ensure.operation(),
                // Cancelled: the pod goes, and the image does not matter any more.
                state -> failure != null ? state : state.withImage(container.getName(), image)));
    }

    private void startContainer(Action.StartContainer start) {
        Container container = container(start.container());
        Pod pod = podWithStatus();
        CompletableFuture<?> ready = start.leftover()
                .<CompletableFuture<?>>map(id -> settings.runtime().removeContainer(id))
                .orElseGet(() -> CompletableFuture.completedFuture(null));
        int changesBefore = objectChanges;
        CompletableFuture<Prepared> preparation = containers.prepare(pod, container, start.restartCount());
        cancellable.put(start.operation(), preparation);
        ready.thenCompose(done -> preparation)
                .thenCompose(prepared ->
                        terminating ? CompletableFuture.completedFuture("") : create(pod, container, start, prepared))
                .thenCompose(id -> terminating || id.isEmpty()
                        ? CompletableFuture.completedFuture(null)
                        : startCreated(container, id))
                .whenComplete((done, failure) -> settle(start.operation(), before -> {
                    PodState after = before.withImage(container.getName(), new ImageState.Unchecked());
                    if (failure == null) {
                        return after.withStartFailure(container.getName(), Optional.empty());
                    }
                    if (unwrap(failure) instanceof CancellationException) {
                        return after;
                    }
                    Retry retry = startFailure(before, container, failure);
                    // What it missed may have come while it failed.
                    boolean again = objectChanges != changesBefore;
                    return after.withStartFailure(
                            container.getName(),
                            Optional.of(again ? retry.dueAt(settings.clock().instant()) : retry));
                }));
    }

    private CompletableFuture<String> create(
            Pod pod, Container container, Action.StartContainer start, Prepared prepared) {
        ContainerConfig config;
        PodSandboxConfig sandbox;
        try {
            RunAsUser.verify(pod, container, start.image());
            config = EphemeralTargets.resolve(
                    pod,
                    container,
                    state.observed().orElse(ObservedPod.NOTHING),
                    settings.configs()
                            .container(pod, container, start.restartCount(), start.image(), start.backoff(), prepared));
            sandbox = settings.configs().sandbox(pod, 0, settings.files().hostResolvConf());
        } catch (StartFailedException e) {
            return CompletableFuture.failedFuture(e);
        }
        return settings.runtime()
                .createContainer(start.sandboxId(), config, sandbox)
                .exceptionallyCompose(failure -> CompletableFuture.failedFuture(
                        new StartFailedException("CreateContainerError", reason(failure), failure)))
                .thenApply(id -> {
                    event(container, false, "Created", "Container created");
                    return id;
                });
    }

    private CompletableFuture<?> startCreated(Container container, String id) {
        return settings.runtime()
                .startContainer(id)
                .<String>thenApply(done -> {
                    event(container, false, "Started", "Container started");
                    return id;
                })
                .exceptionallyCompose(failure -> CompletableFuture.failedFuture(
                        new StartFailedException("RunContainerError", reason(failure), failure)))
                .thenCompose(started -> postStart(container, id));
    }

    /** A container whose hook fails is killed, and restarted as its policy says. */
    private CompletableFuture<?> postStart(Container container, String id) {
        LifecycleHandler handler = container.getLifecycle() == null
                ? null
                : container.getLifecycle().getPostStart();
        if (handler == null) {
            return CompletableFuture.completedFuture(null);
        }
        return settings.hooks()
                .run(hookCall(container, id, handler), POST_START_DEADLINE)
                .thenCompose(result -> {
                    if (result.failure().isEmpty()) {
                        return CompletableFuture.<Object>completedFuture(null);
                    }
                    String message = "PostStartHook failed: " + result.failure().get();
                    event(container, true, "FailedPostStartHook", message);
                    event(container, false, "Killing", "FailedPostStartHook");
                    return settings.runtime()
                            .stopContainer(id, gracePeriodSeconds())
                            .handle((done, failure) -> null)
                            .thenCompose(done -> CompletableFuture.failedFuture(
                                    new StartFailedException("PostStartHookError", message, null)));
                });
    }

    private HookCall hookCall(Container container, String id, LifecycleHandler handler) {
        Optional<String> ip = state.observed().flatMap(ObservedPod::readySandbox).stream()
                .flatMap(sandbox -> sandbox.ips().stream())
                .findFirst();
        if (Boolean.TRUE.equals(state.pod().getSpec().getHostNetwork())) {
            ip = context.node().hostIps().stream().findFirst();
        }
        return new HookCall(reference, container, id, handler, ip);
    }

    private long gracePeriodSeconds() {
        return Plan.gracePeriodSeconds(state.pod());
    }

    private Retry startFailure(PodState before, Container container, Throwable failure) {
        Throwable cause = unwrap(failure);
        String word = cause instanceof StartFailedException e ? e.reason() : "CreateContainerError";
        String message = reason(cause);
        if (!(cause instanceof StartFailedException e && e.isReported())) {
            event(container, true, "Failed", "Error: " + message);
        }
        return retry(Optional.ofNullable(before.startFailures().get(container.getName())), word, message);
    }

    private void stopContainer(Action.StopContainer stop) {
        settings.events().record(reference, Optional.of(stop.container()), false, "Killing", stop.message());
        Instant begun = settings.clock().instant();
        settleRemoval(
                stop,
                preStop(stop).thenCompose(done -> settings.runtime().stopContainer(stop.id(), remaining(stop, begun))));
    }

    /** What preStop left of the grace, but time enough for the process to end by itself. */
    private long remaining(Action.StopContainer stop, Instant begun) {
        long used = Duration.between(begun, settings.clock().instant()).toSeconds();
        return stop.timeoutSeconds() == 0
                ? 0
                : Math.min(stop.timeoutSeconds(), Math.max(MINIMUM_GRACE_SECONDS, stop.timeoutSeconds() - used));
    }

    /**
     * Runs the hook once per run of a container, inside its grace. A second stop of the same run, which allows less, ends the
     * hook at its own deadline.
     */
    private CompletableFuture<?> preStop(Action.StopContainer stop) {
        CompletableFuture<HookResult> running = preStops.get(stop.id());
        if (running != null) {
            ScheduledFuture<?> deadline =
                    settings.timers().schedule(() -> running.cancel(false), stop.timeoutSeconds(), TimeUnit.SECONDS);
            return running.handle((done, failure) -> deadline.cancel(false));
        }
        LifecycleHandler handler = containerOf(stop)
                .map(Container::getLifecycle)
                .map(Lifecycle::getPreStop)
                .orElse(null);
        if (handler == null || stop.timeoutSeconds() == 0) {
            return CompletableFuture.completedFuture(null);
        }
        Container container = container(stop.container());
        CompletableFuture<HookResult> hook = settings.hooks()
                .run(hookCall(container, stop.id(), handler), Duration.ofSeconds(stop.timeoutSeconds()));
        preStops.put(stop.id(), hook);
        return hook.handle((result, failure) -> {
            if (result != null) {
                result.failure()
                        .ifPresent(text -> event(container, true, "FailedPreStopHook", "PreStopHook failed: " + text));
            }
            return null;
        });
    }

    /** Empty for what runs though the pod's spec does not have it any more. */
    private Optional<Container> containerOf(Action.StopContainer stop) {
        return PodContainers.all(state.pod()).stream()
                .filter(container -> container.getName().equals(stop.container()))
                .findFirst();
    }

    /** What is not there any more is as good as stopped or removed. */
    private void settleRemoval(Action action, CompletableFuture<?> call) {
        call.whenComplete((done, failure) -> {
            Throwable cause = failure == null ? null : unwrap(failure);
            boolean gone = cause == null || (cause instanceof CriException e && e.isNotFound());
            settle(action.operation(), before -> {
                if (gone || stopped) {
                    return before.withRemovalFailure(Optional.empty());
                }
                String message = "error killing pod: " + reason(cause);
                settings.events().record(reference, Optional.empty(), true, "FailedKillPod", message);
                return before.withRemovalFailure(Optional.of(retry(before.removalFailure(), "FailedKillPod", message)));
            });
        });
    }

    private Retry retry(Optional<Retry> before, String reason, String message) {
        return Retry.after(
                before, Retry.Range.CREATION, reason, message, settings.clock().instant());
    }

    private void event(Container container, boolean warning, String reason, String message) {
        settings.events().record(reference, Optional.of(container.getName()), warning, reason, message);
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

    private Container container(String name) {
        return PodContainers.all(state.pod()).stream()
                .filter(container -> container.getName().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("pod " + reference + " has no container " + name));
    }

    private static Throwable unwrap(Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    private static String reason(@Nullable Throwable failure) {
        Throwable cause = failure == null ? null : unwrap(failure);
        if (cause instanceof CriException e) {
            return e.reason();
        }
        return cause == null || cause.getMessage() == null ? String.valueOf(cause) : cause.getMessage();
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
