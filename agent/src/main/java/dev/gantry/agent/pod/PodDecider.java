package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
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
    private final Plan plan;
    private final PodState state;
    private final ObservedPod observed;
    private final PodPhases phases;

    private PodDecider(Plan plan, PodPhases phases) {
        this.plan = plan;
        this.state = plan.state;
        this.observed = plan.observed;
        this.phases = phases;
    }

    /** Decides. Equal arguments give equal decisions. */
    public static Decision decide(PodState state, CrashLoop crashLoop, Instant now) {
        if (state.observed().isEmpty()) {
            // Nothing is done for a pod that has not been looked at: it may be running.
            return Decision.NOTHING;
        }
        PodPhases phases = new PodPhases(state);
        Phase phase = phases.phase();
        Optional<Instant> activeUntil =
                phase.isFinal() || state.deletion().isPresent() ? Optional.empty() : phases.activeUntil();
        if (activeUntil.isPresent() && !now.isBefore(activeUntil.get())) {
            return new PodDecider(new Plan(overdue(state, activeUntil.get()), crashLoop, now), phases)
                    .decision(Phase.FAILED, Optional.of(PodFailure.DEADLINE_EXCEEDED));
        }
        PodDecider decider = new PodDecider(new Plan(state, crashLoop, now), phases);
        activeUntil.ifPresent(decider.plan::wakeAt);
        return decider.decision(phase, Optional.empty());
    }

    /** Its grace began at the deadline, whoever looked then. */
    private static PodState overdue(PodState state, Instant since) {
        return state.withFinalPhase(Phase.FAILED.text())
                .withEnding(Optional.of(Deletion.requested(since, Plan.gracePeriodSeconds(state.pod()))));
    }

    private Decision decision(Phase phase, Optional<PodFailure> failure) {
        Termination termination = new Termination(plan);
        boolean finished = false;
        if (state.deletion().isPresent()) {
            finished = termination.terminate(state.deletion().get());
        } else if (phase.isFinal()) {
            failure.ifPresent(
                    why -> plan.notice(new Notice(why.reason(), Optional.empty(), false, why.reason(), why.message())));
            termination.rest();
        } else {
            run(termination);
        }
        return new Decision(
                plan.actions(),
                plan.notices(),
                phase,
                phases.shown(phase),
                failure,
                plan.ending(),
                plan.restart(),
                plan.wakeUp(),
                finished);
    }

    // ---- a pod that shall run

    private void run(Termination termination) {
        Optional<ObservedSandbox> sandbox = observed.readySandbox();
        observed.sandboxes().stream()
                .filter(other -> other.ready() && !other.equals(sandbox.orElse(null)))
                .forEach(other -> plan.begin(new Action.StopSandbox(other.id())));
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
        InitProgress init = phases.init(sandbox.get());
        if (phases.isWorkDone() || init.failed().isPresent()) {
            // Sidecars of a pod whose work is done, or will not be.
            termination.windDown();
            return;
        }
        Optional<Restarts.Round> byRule = state.restarts().byRule(state.pod(), observed, plan.now);
        if (byRule.isPresent()) {
            plan.restart(byRule.get());
            return;
        }
        if (state.restarts().round().isPresent()
                && stopForRestart(state.restarts().round().get())) {
            return;
        }
        stopOutdated();
        stopUnhealthy();
        // As the kubelet: what shall look at the pod comes first, and does not wait until it is initialized.
        List<Container> next = new ArrayList<>(PodContainers.ephemeral(state.pod()).stream()
                .filter(container -> latest(container.getName())
                        .map(run -> run.run() instanceof ContainerRun.Created)
                        .orElse(true))
                .toList());
        next.addAll(init.toStart());
        if (init.initialized()) {
            next.addAll(wanted);
        }
        start(next, sandbox.get());
        prune();
    }

    /** Stops what is from before a restart of the whole pod, in the order and grace of a deletion; whether there is any. */
    private boolean stopForRestart(Restarts.Round round) {
        ObservedPod before = state.restarts().beforeLastRound(observed);
        if (before.containers().stream().noneMatch(StopOrder::isAlive)) {
            return false;
        }
        Deletion grace = Deletion.requested(round.requestedAt(), round.byRule() ? 0 : gracePeriodSeconds());
        long timeout = grace.remainingSeconds(plan.now);
        StopOrder.due(state.pod(), before, timeout > 0)
                .forEach(run -> plan.begin(new Action.StopContainer(
                        run.id(), run.name(), timeout, Outdated.restartMessage(run.name(), round.byRule()))));
        if (timeout > 0) {
            plan.wakeAt(grace.deadline());
        }
        return true;
    }

    private void runSandbox() {
        if (!state.sandboxFailure().map(failure -> failure.isDue(plan.now)).orElse(true)) {
            plan.wakeAt(state.sandboxFailure().get().nextAttempt());
            return;
        }
        if (plan.isGoingOn(operation -> operation instanceof Operation.StoppingContainer)) {
            return;
        }
        if (!observed.sandboxes().isEmpty()) {
            plan.notice(new Notice(
                    "sandbox/" + observed.sandboxes().get(0).id(),
                    Optional.empty(),
                    false,
                    "SandboxChanged",
                    "Pod sandbox changed, it will be killed and re-created."));
        }
        int attempt =
                observed.sandboxes().isEmpty() ? 0 : observed.sandboxes().get(0).attempt() + 1;
        plan.begin(new Action.RunSandbox(
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
            return RestartRules.restarts(state, container, latest.get(), exited)
                    || Outdated.is(state, container, latest.get());
        }
        if (run instanceof ContainerRun.Running) {
            // In a dead sandbox it is about to be reported as ended; it is waited for.
            return sandbox.isEmpty();
        }
        return true;
    }

    private void stopOutdated() {
        for (Container container : PodContainers.all(state.pod())) {
            Optional<ObservedContainer> latest = latest(container.getName());
            if (latest.isPresent() && latest.get().isRunning() && Outdated.is(state, container, latest.get())) {
                plan.begin(new Action.StopContainer(
                        latest.get().id(),
                        container.getName(),
                        gracePeriodSeconds(),
                        Outdated.message(state, container, latest.get())));
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
                        .ifPresent(unhealthy -> plan.begin(new Action.StopContainer(
                                latest.get().id(),
                                container.getName(),
                                Deletion.granted(unhealthy.gracePeriodSeconds().orElse(gracePeriodSeconds())),
                                unhealthyMessage(container, unhealthy.probe()))));
            }
        }
    }

    /** Of the Killing event, in the kubelet's words: they promise a restart where there will be one. */
    private String unhealthyMessage(Container container, String probe) {
        boolean init = PodContainers.isInit(state.pod(), container);
        String message =
                (init ? "Init container " : "Container ") + container.getName() + " failed " + probe + " probe";
        return !init && RestartRules.restartsUnhealthy(state.pod(), container)
                ? message + ", will be restarted"
                : message;
    }

    private void start(List<Container> wanted, ObservedSandbox sandbox) {
        boolean starting = plan.isGoingOn(operation -> operation instanceof Operation.StartingContainer);
        boolean heldUp = starting;
        for (Container container : wanted) {
            if (state.inFlight().contains(new Operation.StartingContainer(container.getName()))) {
                continue;
            }
            Optional<Instant> notBefore = heldBackUntil(container);
            if (notBefore.isPresent()) {
                plan.wakeAt(notBefore.get());
                continue;
            }
            Optional<ObservedContainer> latest = latest(container.getName());
            if (latest.isPresent() && latest.get().run() instanceof ContainerRun.Lost) {
                plan.begin(new Action.StopContainer(
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
                    plan.begin(startOf(container, sandbox, present, latest));
                    heldUp = true;
                }
            } else if (!ranHere
                    && !PodContainers.isEphemeral(state.pod(), container.getName())
                    && !(state.image(container.getName()) instanceof ImageState.Missing)) {
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
                ended.filter(run -> !Outdated.isForgiven(state, container, run))
                        .map(plan.crashLoop::following)
                        .orElse(Duration.ZERO),
                leftover.map(ObservedContainer::id));
    }

    /** When a container that waits may be tried again; empty if now. */
    private Optional<Instant> heldBackUntil(Container container) {
        Retry failure = state.startFailures().get(container.getName());
        if (failure != null && !failure.isDue(plan.now)) {
            return Optional.of(failure.nextAttempt());
        }
        Optional<ObservedContainer> latest = latest(container.getName());
        if (latest.isEmpty() || !latest.get().isExited() || Outdated.isForgiven(state, container, latest.get())) {
            return Optional.empty();
        }
        Instant nextStart = plan.crashLoop.nextStart(latest.get());
        if (!plan.now.isBefore(nextStart)) {
            return Optional.empty();
        }
        plan.notice(new Notice(
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
        if (image instanceof ImageState.Missing missing && !missing.retry().isDue(plan.now)) {
            plan.wakeAt(missing.retry().nextAttempt());
            if (missing.retry().reason().equals("ErrImagePull")) {
                plan.notice(new Notice(
                        "image/" + container.getName() + "/" + missing.retry().nextAttempt(),
                        Optional.of(container.getName()),
                        false,
                        "BackOff",
                        "Back-off pulling image \"" + container.getImage() + "\""));
                plan.notice(new Notice(
                        "image-error/" + container.getName() + "/"
                                + missing.retry().nextAttempt(),
                        Optional.of(container.getName()),
                        true,
                        "Failed",
                        "Error: ImagePullBackOff"));
            }
        } else if (!(image instanceof ImageState.Present)
                && heldBackUntil(container).isEmpty()) {
            plan.begin(new Action.EnsureImage(container.getName()));
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
                    .forEach(run -> plan.begin(new Action.RemoveContainer(run.id())));
        }
        observed.sandboxes().stream()
                .filter(sandbox -> !sandbox.ready() && !keptSandboxes.contains(sandbox.id()))
                .forEach(sandbox -> plan.begin(new Action.RemoveSandbox(sandbox.id())));
    }

    // ---- small things

    private List<Container> containers() {
        return PodContainers.regular(state.pod());
    }

    private Optional<ObservedContainer> latest(String container) {
        return observed.latest(container);
    }

    private long gracePeriodSeconds() {
        return Plan.gracePeriodSeconds(state.pod());
    }
}
