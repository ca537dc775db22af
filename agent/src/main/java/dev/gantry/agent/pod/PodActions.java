package dev.gantry.agent.pod;

import dev.gantry.agent.cri.CriException;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.event.PodReference;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.PodSandboxConfig;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/** Carries a pod's actions out: asynchronous calls of the runtime, hooks, images. Begun on the worker's queue. */
final class PodActions {
    /** As the kubelet's {@code minimumGracePeriodInSeconds}: after preStop a process still gets so long. */
    private static final long MINIMUM_GRACE_SECONDS = 2;

    private final WorkerSettings settings;
    private final PodReference reference;
    private final PodStatuses.Context context;
    private final View view;
    private final ImageWork images;
    private final ContainerPreparation containers;
    private final ContainerHooks hooks;
    private final Map<Operation, CompletableFuture<?>> cancellable = new HashMap<>();

    PodActions(WorkerSettings settings, PodReference reference, PodStatuses.Context context, View view) {
        this.settings = settings;
        this.reference = reference;
        this.context = context;
        this.view = view;
        this.images = new ImageWork(settings, reference);
        this.containers = new ContainerPreparation(settings, reference, images);
        this.hooks =
                new ContainerHooks(settings, reference, view, context.node().hostIps());
    }

    /** The worker, as its actions see it; any thread. */
    interface View {
        PodState state();

        /** The pod with its present status, for what its containers are told of it. */
        Pod podWithStatus();

        /** How often objects have changed that the pod refers to. */
        int objectChanges();

        /** Whether the pod shall go: then nothing more is started. */
        boolean isTerminating();

        /** Whether the worker has left the pod alone: what fails then is another's business. */
        boolean isStopped();

        /** An operation has ended, and this is what it changes. */
        void settle(Operation operation, UnaryOperator<PodState> change);
    }

    /** Ends what nobody waits for any more: pulls, preparations. On the worker's queue. */
    void cancel() {
        List.copyOf(cancellable.values()).forEach(call -> call.cancel(false));
    }

    /** On the worker's queue. */
    void ended(Operation operation) {
        cancellable.remove(operation);
    }

    /** What the runtime has now; on the worker's queue. */
    void saw(ObservedPod seen) {
        hooks.saw(seen);
    }

    /** Begins an action; its end is told by {@link View#settle}. */
    void begin(Action action) {
        if (action instanceof Action.RunSandbox run) {
            runSandbox(run);
        } else if (action instanceof Action.EnsureImage ensure) {
            ensureImage(ensure);
        } else if (action instanceof Action.StartContainer start) {
            startContainer(start);
        } else if (action instanceof Action.StopContainer stop) {
            stopContainer(stop);
        } else if (action instanceof Action.AnnounceStop announce) {
            announceStop(announce);
        } else if (action instanceof Action.StopSandbox stop) {
            settleRemoval(stop, settings.runtime().stopSandbox(stop.id()));
        } else if (action instanceof Action.RemoveSandbox remove) {
            settleRemoval(
                    remove,
                    settings.runtime()
                            .stopSandbox(remove.id())
                            .thenCompose(done -> settings.runtime().removeSandbox(remove.id())));
        } else if (action instanceof Action.RemoveContainer remove) {
            Optional<ObservedContainer> container = view.state().observed().stream()
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

    private void runSandbox(Action.RunSandbox run) {
        CompletableFuture<?> dead = CompletableFuture.completedFuture(null);
        for (String id : run.dead()) {
            dead = dead.thenCompose(done -> settings.runtime().stopSandbox(id));
        }
        Pod pod = view.state().pod();
        dead.thenCompose(done -> {
                    if (view.isTerminating()) {
                        return CompletableFuture.completedFuture("");
                    }
                    String handler = RuntimeHandlers.of(pod, settings.runtimeHandler());
                    return RuntimeHandlers.check(settings.runtime(), pod, handler)
                            .thenCompose(fine -> runSandbox(pod, run.attempt(), handler));
                })
                .whenComplete((id, failure) -> view.settle(run.operation(), before -> {
                    if (failure == null) {
                        return before.withSandboxFailure(Optional.empty());
                    }
                    String message = "Failed to create pod sandbox: " + CriException.reason(failure);
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
        Instant began = view.state().startedAt().orElse(context.acceptedAt());
        PodSandboxConfig config = settings.configs().sandbox(pod, attempt, resolvConf).toBuilder()
                .putAnnotations(Labels.POD_STARTED_AT_MILLIS, Long.toString(began.toEpochMilli()))
                .build();
        return settings.runtime().runSandbox(config, handler);
    }

    private void ensureImage(Action.EnsureImage ensure) {
        Container container = container(ensure.container());
        Optional<Retry> before = view.state().image(container.getName()) instanceof ImageState.Missing missing
                ? Optional.of(missing.retry())
                : Optional.empty();
        PodSandboxConfig sandbox = settings.configs().sandbox(view.state().pod(), 0, "");
        CompletableFuture<ImageState> work = images.ensure(
                container,
                before,
                sandbox,
                PullSecrets.of(
                        view.state().pod(),
                        container.getImage(),
                        settings.objects().of(view.state().pod())));
        cancellable.put(ensure.operation(), work);
        work.whenComplete((image, failure) -> view.settle(
                ensure.operation(),
                // Cancelled: the pod goes, and the image does not matter any more.
                now -> failure != null ? now : now.withImage(container.getName(), image)));
    }

    private void startContainer(Action.StartContainer start) {
        Container container = container(start.container());
        Pod pod = view.podWithStatus();
        CompletableFuture<?> ready = start.leftover()
                .<CompletableFuture<?>>map(id -> settings.runtime().removeContainer(id))
                .orElseGet(() -> CompletableFuture.completedFuture(null));
        int changesBefore = view.objectChanges();
        CompletableFuture<Prepared> preparation = containers.prepare(pod, container, start.restartCount());
        cancellable.put(start.operation(), preparation);
        ready.thenCompose(done -> preparation)
                .thenCompose(prepared -> view.isTerminating()
                        ? CompletableFuture.completedFuture("")
                        : create(pod, container, start, prepared))
                .thenCompose(id -> view.isTerminating() || id.isEmpty()
                        ? CompletableFuture.completedFuture(null)
                        : startCreated(container, id))
                .whenComplete((done, failure) -> view.settle(start.operation(), before -> {
                    PodState after = before.withImage(container.getName(), new ImageState.Unchecked());
                    if (failure == null) {
                        return after.withStartFailure(container.getName(), Optional.empty());
                    }
                    if (CriException.unwrap(failure) instanceof CancellationException) {
                        return after;
                    }
                    Retry retry = startFailure(before, container, failure);
                    // What it missed may have come while it failed.
                    boolean again = view.objectChanges() != changesBefore;
                    return after.withStartFailure(
                            container.getName(),
                            Optional.of(again ? retry.dueAt(settings.clock().instant()) : retry));
                }));
    }

    private CompletableFuture<String> create(
            Pod pod, Container container, Action.StartContainer start, Prepared prepared) {
        ContainerConfig config;
        PodSandboxConfig sandbox;
        RunAsUser.Verdict user;
        try {
            user = RunAsUser.verify(pod, container, start.image());
            config = EphemeralTargets.resolve(
                    pod,
                    container,
                    view.state().observed().orElse(ObservedPod.NOTHING),
                    settings.configs()
                            .container(pod, container, start.restartCount(), start.image(), start.backoff(), prepared));
            sandbox = settings.configs().sandbox(pod, 0, settings.files().hostResolvConf());
        } catch (StartFailedException e) {
            return CompletableFuture.failedFuture(e);
        }
        return settings.runtime()
                .createContainer(start.sandboxId(), config, sandbox)
                .exceptionallyCompose(failure -> CompletableFuture.failedFuture(
                        new StartFailedException("CreateContainerError", CriException.reason(failure), failure)))
                .thenCompose(id -> user == RunAsUser.Verdict.ALLOWED
                        ? CompletableFuture.completedFuture(id)
                        : verifyUser(container, id, start.image().username()))
                .thenApply(id -> {
                    event(container, false, "Created", "Container created");
                    return id;
                });
    }

    /** A created container that must not be started goes again. */
    private CompletableFuture<String> verifyUser(Container container, String id, String username) {
        return settings.runtime().user(id).thenCompose(user -> {
            try {
                RunAsUser.verifyCreated(container, username, user);
                return CompletableFuture.completedFuture(id);
            } catch (StartFailedException refusal) {
                // What cannot be removed now is a leftover of the next attempt.
                return settings.runtime()
                        .removeContainer(id)
                        .handle((done, failure) -> null)
                        .thenCompose(done -> CompletableFuture.failedFuture(refusal));
            }
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
                        new StartFailedException("RunContainerError", CriException.reason(failure), failure)))
                .thenCompose(started -> postStart(container, id));
    }

    /** A container whose hook fails is killed, and restarted as its policy says; in a pod that goes it fails because of that. */
    private CompletableFuture<?> postStart(Container container, String id) {
        return hooks.postStart(container, id).thenCompose(failure -> {
            if (failure.isEmpty() || view.isTerminating()) {
                return CompletableFuture.<Object>completedFuture(null);
            }
            String message = "PostStartHook failed: " + failure.get();
            event(container, true, "FailedPostStartHook", message);
            event(container, false, "Killing", "FailedPostStartHook");
            return stop(
                            container.getName(),
                            id,
                            Plan.gracePeriodSeconds(view.state().pod()))
                    .handle((done, error) -> null)
                    .thenCompose(done -> CompletableFuture.failedFuture(
                            new StartFailedException("PostStartHookError", message, null)));
        });
    }

    private Retry startFailure(PodState before, Container container, Throwable failure) {
        Throwable cause = CriException.unwrap(failure);
        String word = cause instanceof StartFailedException e ? e.reason() : "CreateContainerError";
        String message = CriException.reason(cause);
        if (!(cause instanceof StartFailedException e && e.isReported())) {
            event(container, true, "Failed", "Error: " + message);
        }
        return retry(Optional.ofNullable(before.startFailures().get(container.getName())), word, message);
    }

    private void stopContainer(Action.StopContainer stop) {
        if (!view.state().announced().contains(stop.id())) {
            settings.events().record(reference, Optional.of(stop.container()), false, "Killing", stop.message());
        }
        settleRemoval(stop, stop(stop.container(), stop.id(), stop.timeoutSeconds()));
    }

    private void announceStop(Action.AnnounceStop announce) {
        settings.events().record(reference, Optional.of(announce.container()), false, "Killing", announce.message());
        var unused = preStop(announce.container(), announce.id(), announce.timeoutSeconds());
        view.settle(announce.operation(), before -> before.withAnnounced(announce.id()));
    }

    /** Runs the hook, then asks the process to end and at last kills it, all within the timeout. */
    private CompletableFuture<?> stop(String name, String id, long timeoutSeconds) {
        Instant begun = settings.clock().instant();
        return preStop(name, id, timeoutSeconds)
                .thenCompose(done -> settings.runtime().stopContainer(id, remaining(timeoutSeconds, begun)));
    }

    private CompletableFuture<?> preStop(String name, String id, long timeoutSeconds) {
        Optional<Container> container = find(name);
        return hooks.preStop(container, id, timeoutSeconds)
                .thenAccept(failure -> failure.ifPresent(text ->
                        event(container.orElseThrow(), true, "FailedPreStopHook", "PreStopHook failed: " + text)));
    }

    /** What preStop left of the grace, but time enough for the process to end by itself. */
    private long remaining(long timeoutSeconds, Instant begun) {
        long used = Duration.between(begun, settings.clock().instant()).toSeconds();
        return timeoutSeconds == 0
                ? 0
                : Math.min(timeoutSeconds, Math.max(MINIMUM_GRACE_SECONDS, timeoutSeconds - used));
    }

    /** What is not there any more is as good as stopped or removed. */
    private void settleRemoval(Action action, CompletableFuture<?> call) {
        call.whenComplete((done, failure) -> {
            boolean gone =
                    failure == null || (CriException.unwrap(failure) instanceof CriException e && e.isNotFound());
            view.settle(action.operation(), before -> {
                if (gone || view.isStopped()) {
                    return before.withRemovalFailure(Optional.empty());
                }
                String message = "error killing pod: " + CriException.reason(failure);
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

    private Container container(String name) {
        return find(name)
                .orElseThrow(() -> new IllegalStateException("pod " + reference + " has no container " + name));
    }

    /** Empty for what runs though the pod's spec does not have it any more. */
    private Optional<Container> find(String name) {
        return PodContainers.all(view.state().pod()).stream()
                .filter(container -> container.getName().equals(name))
                .findFirst();
    }
}
