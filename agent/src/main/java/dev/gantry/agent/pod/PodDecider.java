package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.cri.ObservedSandbox;
import dev.gantry.agent.pod.Decision.Notice;
import dev.gantry.agent.pod.Decision.Phase;
import dev.gantry.agent.probe.ContainerHealth;
import io.fabric8.kubernetes.api.model.Container;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What to do next for a pod: a function of its state and the time, without effects.
 *
 * <ul>
 *   <li>One sandbox at a time; a dead one is replaced unless nothing is left to start.
 *   <li>Containers start in the order of the spec, one after the other; images are fetched side by side. One that cannot
 *       start now (back-off, no image) does not hold up the next; one whose image is being fetched does, until it has run
 *       once in this sandbox.
 *   <li>Nothing starts once deletion was asked for or the pod has ended for good.
 *   <li>Nothing is begun that is already going on.
 * </ul>
 */
public final class PodDecider {
    private final PodState state;
    private final ObservedPod observed;
    private final CrashLoop crashLoop;
    private final Instant now;
    private final List<Action> actions = new ArrayList<>();
    private final List<Notice> notices = new ArrayList<>();
    private @Nullable Instant wakeUp;

    private PodDecider(PodState state, ObservedPod observed, CrashLoop crashLoop, Instant now) {
        this.state = state;
        this.observed = observed;
        this.crashLoop = crashLoop;
        this.now = now;
    }

    /** Decides. Equal arguments give equal decisions. */
    public static Decision decide(PodState state, CrashLoop crashLoop, Instant now) {
        if (state.observed().isEmpty()) {
            // Nothing is done for a pod that has not been looked at: it may be running.
            return new Decision(List.of(), List.of(), Phase.PENDING, Optional.empty(), false);
        }
        PodDecider decider = new PodDecider(state, state.observed().get(), crashLoop, now);
        Phase phase = decider.phase();
        boolean finished = false;
        if (state.deletion().isPresent()) {
            finished = decider.terminate(state.deletion().get());
        } else if (phase.isFinal()) {
            decider.rest();
        } else {
            decider.run();
        }
        return new Decision(decider.actions, decider.notices, phase, Optional.ofNullable(decider.wakeUp), finished);
    }

    // ---- phase

    /** As the kubelet: pending until every container has run, final when all have ended and none runs again. */
    private Phase phase() {
        if (state.finalPhase().isPresent()) {
            return state.finalPhase().get().equals("Succeeded") ? Phase.SUCCEEDED : Phase.FAILED;
        }
        if (initFailed()) {
            return isAnythingAlive() ? Phase.PENDING : Phase.FAILED;
        }
        boolean anyNeverRan = false;
        boolean anyRunning = false;
        boolean anyRestarts = false;
        boolean anyFailed = false;
        for (Container container : containers()) {
            Optional<ObservedContainer> latest = latest(container.getName());
            if (latest.isEmpty() || latest.get().run() instanceof ContainerRun.Created) {
                boolean ranBefore = observed.runsOf(container.getName()).anyMatch(ObservedContainer::isExited);
                anyNeverRan |= !ranBefore;
                anyRestarts |= ranBefore;
            } else if (latest.get().run() instanceof ContainerRun.Exited exited) {
                anyRestarts |= isRestarted(container, exited.exitCode());
                anyFailed |= exited.exitCode() != 0;
            } else {
                anyRunning = true;
            }
        }
        if (anyNeverRan) {
            return sandboxMayNotReturn() ? Phase.FAILED : Phase.PENDING;
        }
        // Sidecars end after the others, and the pod with them.
        if (anyRunning || anyRestarts || containers().isEmpty() || isAnythingAlive()) {
            return Phase.RUNNING;
        }
        return anyFailed ? Phase.FAILED : Phase.SUCCEEDED;
    }

    /** With restartPolicy Never a pod whose sandbox died after containers ran gets no second one. */
    private boolean sandboxMayNotReturn() {
        return state.pod().getSpec() != null
                && "Never".equals(state.pod().getSpec().getRestartPolicy())
                && observed.readySandbox().isEmpty()
                && !observed.sandboxes().isEmpty()
                && !observed.containers().isEmpty()
                && observed.containers().stream().noneMatch(ObservedContainer::isRunning)
                && state.inFlight().isEmpty();
    }

    private boolean isRestarted(Container container, int exitCode) {
        return RestartRules.restarts(state.pod(), container, exitCode);
    }

    private boolean initFailed() {
        return observed.sandboxes().stream()
                .findFirst()
                .flatMap(newest -> InitProgress.of(state.pod(), observed, state.health(), newest.id())
                        .failed())
                .isPresent();
    }

    private boolean isAnythingAlive() {
        return observed.containers().stream().anyMatch(ObservedContainer::isRunning);
    }

    /** Whether the containers have all run to an end that nothing follows. */
    private boolean isWorkDone() {
        return !containers().isEmpty()
                && containers().stream()
                        .allMatch(container -> latest(container.getName())
                                .map(run -> run.run() instanceof ContainerRun.Exited exited
                                        && !isRestarted(container, exited.exitCode())
                                        && !isOutdated(container, run))
                                .orElse(false));
    }

    // ---- a pod that shall run

    private void run() {
        Optional<ObservedSandbox> sandbox = observed.readySandbox();
        observed.sandboxes().stream()
                .filter(other -> other.ready() && !other.equals(sandbox.orElse(null)))
                .forEach(other -> begin(new Action.StopSandbox(other.id())));
        List<Container> wanted = containers().stream()
                .filter(container -> needsStart(container, sandbox))
                .toList();
        if (sandbox.isEmpty()) {
            if (!wanted.isEmpty()) {
                PodContainers.all(state.pod()).stream()
                        .filter(container -> wanted.contains(container) || PodContainers.isInit(state.pod(), container))
                        .forEach(this::ensureImage);
                runSandbox();
            }
            return;
        }
        InitProgress init = InitProgress.of(
                state.pod(), observed, state.health(), sandbox.get().id());
        if (isWorkDone() || init.failed().isPresent()) {
            stopTheRest();
            return;
        }
        stopOutdated();
        stopUnhealthy();
        List<Container> next = new ArrayList<>(init.toStart());
        if (init.initialized()) {
            next.addAll(wanted);
        }
        start(next, sandbox.get());
        prune();
    }

    /** Sidecars of a pod whose work is done, or will not be. */
    private void stopTheRest() {
        StopOrder.due(state.pod(), observed, true)
                .forEach(run -> begin(new Action.StopContainer(
                        run.id(), run.name(), gracePeriodSeconds(), "Stopping container " + run.name())));
    }

    private void runSandbox() {
        if (!state.sandboxFailure().map(failure -> failure.isDue(now)).orElse(true)) {
            wakeAt(state.sandboxFailure().get().nextAttempt());
            return;
        }
        if (isOperation(operation -> operation instanceof Operation.StoppingContainer)) {
            return;
        }
        if (!observed.sandboxes().isEmpty()) {
            notices.add(new Notice(
                    "sandbox/" + observed.sandboxes().get(0).id(),
                    Optional.empty(),
                    false,
                    "SandboxChanged",
                    "Pod sandbox changed, it will be killed and re-created."));
        }
        int attempt =
                observed.sandboxes().isEmpty() ? 0 : observed.sandboxes().get(0).attempt() + 1;
        begin(new Action.RunSandbox(
                attempt, observed.sandboxes().stream().map(ObservedSandbox::id).toList()));
    }

    /** Whether a container has to be started, now or later. */
    private boolean needsStart(Container container, Optional<ObservedSandbox> sandbox) {
        Optional<ObservedContainer> latest = latest(container.getName());
        if (latest.isEmpty()) {
            return true;
        }
        ContainerRun run = latest.get().run();
        if (run instanceof ContainerRun.Exited exited) {
            return isRestarted(container, exited.exitCode()) || isOutdated(container, latest.get());
        }
        if (run instanceof ContainerRun.Running) {
            // In a dead sandbox it is about to be reported as ended; it is waited for.
            return sandbox.isEmpty();
        }
        return true;
    }

    private static boolean isOutdated(Container container, ObservedContainer run) {
        return (!run.definitionHash().isEmpty() && !run.definitionHash().equals(Labels.definitionHash(container)))
                || ResizePlan.needsRestart(container, run);
    }

    private void stopOutdated() {
        for (Container container : PodContainers.all(state.pod())) {
            Optional<ObservedContainer> latest = latest(container.getName());
            if (latest.isPresent() && latest.get().isRunning() && isOutdated(container, latest.get())) {
                begin(new Action.StopContainer(
                        latest.get().id(),
                        container.getName(),
                        gracePeriodSeconds(),
                        ResizePlan.needsRestart(container, latest.get())
                                ? "Container " + container.getName() + " resize requires restart"
                                : "Container " + container.getName() + " definition changed, will be restarted"));
            }
        }
    }

    private void stopUnhealthy() {
        for (Container container : PodContainers.all(state.pod())) {
            Optional<ObservedContainer> latest = latest(container.getName());
            ContainerHealth health =
                    latest.map(run -> state.health().get(run.id())).orElse(null);
            if (latest.isPresent() && latest.get().isRunning() && health != null) {
                health.unhealthy()
                        .ifPresent(unhealthy -> begin(new Action.StopContainer(
                                latest.get().id(),
                                container.getName(),
                                unhealthy.gracePeriodSeconds().orElse(gracePeriodSeconds()),
                                unhealthy.message())));
            }
        }
    }

    private void start(List<Container> wanted, ObservedSandbox sandbox) {
        boolean starting = isOperation(operation -> operation instanceof Operation.StartingContainer);
        boolean heldUp = starting;
        for (Container container : wanted) {
            if (state.inFlight().contains(new Operation.StartingContainer(container.getName()))) {
                continue;
            }
            Optional<Instant> notBefore = heldBackUntil(container);
            if (notBefore.isPresent()) {
                wakeAt(notBefore.get());
                continue;
            }
            Optional<ObservedContainer> latest = latest(container.getName());
            if (latest.isPresent() && latest.get().run() instanceof ContainerRun.Lost) {
                begin(new Action.StopContainer(
                        latest.get().id(),
                        container.getName(),
                        gracePeriodSeconds(),
                        "Container is in \"Unknown\" state, try killing it before restart"));
                continue;
            }
            ensureImage(container);
            boolean ranHere = observed.runsOf(container.getName())
                    .anyMatch(run -> run.sandboxId().equals(sandbox.id()));
            if (state.image(container.getName()) instanceof ImageState.Present present) {
                if (!heldUp) {
                    begin(startOf(container, sandbox, present, latest));
                    heldUp = true;
                }
            } else if (!ranHere && !(state.image(container.getName()) instanceof ImageState.Missing)) {
                heldUp = true;
            }
        }
    }

    private Action.StartContainer startOf(
            Container container,
            ObservedSandbox sandbox,
            ImageState.Present image,
            Optional<ObservedContainer> latest) {
        Optional<ObservedContainer> leftover = latest.filter(run -> run.run() instanceof ContainerRun.Created);
        int restartCount = leftover.isPresent()
                ? leftover.get().restartCount()
                : latest.map(run -> run.restartCount() + 1)
                        .orElseGet(() -> state.loggedRestarts().getOrDefault(container.getName(), 0));
        Optional<ObservedContainer> ended = observed.runsOf(container.getName())
                .filter(ObservedContainer::isExited)
                .findFirst();
        return new Action.StartContainer(
                container.getName(),
                sandbox.id(),
                restartCount,
                image,
                ended.map(crashLoop::following).orElse(Duration.ZERO),
                leftover.map(ObservedContainer::id));
    }

    /** When a container that waits may be tried again; empty if now. */
    private Optional<Instant> heldBackUntil(Container container) {
        Retry failure = state.startFailures().get(container.getName());
        if (failure != null && !failure.isDue(now)) {
            return Optional.of(failure.nextAttempt());
        }
        Optional<ObservedContainer> latest = latest(container.getName());
        if (latest.isEmpty() || !latest.get().isExited() || isOutdated(container, latest.get())) {
            return Optional.empty();
        }
        Instant nextStart = crashLoop.nextStart(latest.get());
        if (!now.isBefore(nextStart)) {
            return Optional.empty();
        }
        notices.add(new Notice(
                "backoff/" + latest.get().id(),
                Optional.of(container.getName()),
                true,
                "BackOff",
                "Back-off restarting failed container " + container.getName() + " in pod " + fullName()));
        return Optional.of(nextStart);
    }

    /** As the kubelet names a pod in this message: name_namespace(uid). */
    private String fullName() {
        var metadata = state.pod().getMetadata();
        return metadata.getName() + "_" + metadata.getNamespace() + "(" + metadata.getUid() + ")";
    }

    private void ensureImage(Container container) {
        ImageState image = state.image(container.getName());
        if (image instanceof ImageState.Missing missing && !missing.retry().isDue(now)) {
            wakeAt(missing.retry().nextAttempt());
            if (missing.retry().reason().equals("ErrImagePull")) {
                notices.add(new Notice(
                        "image/" + container.getName() + "/" + missing.retry().nextAttempt(),
                        Optional.of(container.getName()),
                        false,
                        "BackOff",
                        "Back-off pulling image \"" + container.getImage() + "\""));
                notices.add(new Notice(
                        "image-error/" + container.getName() + "/"
                                + missing.retry().nextAttempt(),
                        Optional.of(container.getName()),
                        true,
                        "Failed",
                        "Error: ImagePullBackOff"));
            }
        } else if (!(image instanceof ImageState.Present)
                && heldBackUntil(container).isEmpty()) {
            begin(new Action.EnsureImage(container.getName()));
        }
    }

    /** Of each container the last two runs are kept, and of sandboxes those that hold one of them. */
    private void prune() {
        Set<String> keptSandboxes = new HashSet<>();
        observed.readySandbox().ifPresent(sandbox -> keptSandboxes.add(sandbox.id()));
        Set<String> names = new HashSet<>();
        PodContainers.all(state.pod()).forEach(container -> names.add(container.getName()));
        observed.containers().forEach(container -> names.add(container.name()));
        for (String name : names) {
            List<ObservedContainer> runs = observed.runsOf(name).toList();
            runs.stream().limit(2).forEach(run -> keptSandboxes.add(run.sandboxId()));
            runs.stream()
                    .skip(2)
                    .filter(run -> !run.isRunning())
                    .forEach(run -> begin(new Action.RemoveContainer(run.id())));
        }
        observed.sandboxes().stream()
                .filter(sandbox -> !sandbox.ready() && !keptSandboxes.contains(sandbox.id()))
                .forEach(sandbox -> begin(new Action.RemoveSandbox(sandbox.id())));
    }

    // ---- a pod that has ended for good

    /** Containers stay for their logs and status; the sandbox gives its address back. */
    private void rest() {
        boolean running = false;
        for (ObservedContainer container : observed.containers()) {
            if (container.isRunning()) {
                // The pod was ended from outside.
                running = true;
                begin(new Action.StopContainer(
                        container.id(),
                        container.name(),
                        gracePeriodSeconds(),
                        "Stopping container " + container.name()));
            }
        }
        if (running) {
            return;
        }
        if (state.inFlight().isEmpty() && !retryRemovalLater()) {
            observed.sandboxes().stream()
                    .filter(ObservedSandbox::ready)
                    .forEach(sandbox -> begin(new Action.StopSandbox(sandbox.id())));
        }
    }

    // ---- a pod that shall go

    /** Stops containers within the grace, then sandboxes; true when nothing is left. */
    private boolean terminate(Deletion deletion) {
        if (retryRemovalLater()) {
            return false;
        }
        long timeout = deletion.remainingSeconds(now);
        boolean running = observed.containers().stream().anyMatch(StopOrder::isAlive);
        for (ObservedContainer container : StopOrder.due(state.pod(), observed, timeout > 0)) {
            if (!isBeingStopped(container.id(), timeout)) {
                actions.add(new Action.StopContainer(
                        container.id(), container.name(), timeout, "Stopping container " + container.name()));
            }
        }
        if (running && timeout > 0) {
            // Whose turn has not come by then is killed with the rest.
            wakeAt(deletion.deadline());
        }
        boolean creating = isOperation(operation -> operation instanceof Operation.StartingContainer
                || operation instanceof Operation.RunningSandbox
                || operation instanceof Operation.StoppingContainer);
        if (running || creating) {
            return false;
        }
        observed.sandboxes().forEach(sandbox -> begin(new Action.RemoveSandbox(sandbox.id())));
        if (observed.sandboxes().isEmpty()) {
            observed.containers().forEach(container -> begin(new Action.RemoveContainer(container.id())));
        }
        return observed.isNothing() && state.inFlight().isEmpty();
    }

    /** A stop that allows more than is left now is followed by one that does not. */
    private boolean isBeingStopped(String id, long timeoutSeconds) {
        return isOperation(operation -> operation instanceof Operation.StoppingContainer stopping
                && stopping.id().equals(id)
                && (stopping.timeoutSeconds() <= timeoutSeconds || !isShortened(stopping)));
    }

    private boolean isShortened(Operation.StoppingContainer stopping) {
        return state.deletion()
                .map(deletion -> deletion.gracePeriodSeconds() < stopping.timeoutSeconds())
                .orElse(false);
    }

    private boolean retryRemovalLater() {
        if (state.removalFailure().isEmpty() || state.removalFailure().get().isDue(now)) {
            return false;
        }
        wakeAt(state.removalFailure().get().nextAttempt());
        return true;
    }

    // ---- small things

    private List<Container> containers() {
        return PodContainers.regular(state.pod());
    }

    private Optional<ObservedContainer> latest(String container) {
        return observed.latest(container);
    }

    private long gracePeriodSeconds() {
        Long seconds = state.pod().getSpec().getTerminationGracePeriodSeconds();
        return seconds == null ? 30 : seconds;
    }

    private void begin(Action action) {
        boolean stopping = action instanceof Action.StopContainer stop
                && isOperation(operation -> operation instanceof Operation.StoppingContainer running
                        && running.id().equals(stop.id()));
        if (!stopping && !state.inFlight().contains(action.operation())) {
            actions.add(action);
        }
    }

    private boolean isOperation(java.util.function.Predicate<Operation> test) {
        return state.inFlight().stream().anyMatch(test);
    }

    private void wakeAt(Instant at) {
        if (wakeUp == null || at.isBefore(wakeUp)) {
            wakeUp = at;
        }
    }
}
