package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ContainerRun;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.cri.ObservedSandbox;
import dev.gantry.agent.pod.Decision.Phase;
import dev.gantry.agent.probe.ContainerHealth;
import dev.gantry.agent.resource.Qos;
import dev.gantry.agent.time.Timestamps;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateRunning;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStateWaiting;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ContainerUser;
import io.fabric8.kubernetes.api.model.HostIP;
import io.fabric8.kubernetes.api.model.LinuxContainerUser;
import io.fabric8.kubernetes.api.model.PodIP;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The status of a pod as the API shows it: a function of its state, without effects. */
public final class PodStatuses {
    /** What the kernel's SIGKILL leaves: 128 + 9. */
    private static final int KILLED = 137;

    private final PodState state;
    private final ObservedPod observed;
    private final Phase phase;
    private final @Nullable PodStatus before;
    private final Context context;
    private final Instant now;

    private PodStatuses(PodState state, Phase phase, @Nullable PodStatus before, Context context, Instant now) {
        this.state = state;
        this.observed = state.observed().orElse(ObservedPod.NOTHING);
        this.phase = phase;
        this.before = before;
        this.context = context;
        this.now = now;
    }

    /**
     * What a status needs beside the pod's state.
     *
     * @param runtimeName the scheme of containerIDs, {@code gantry} or {@code containerd}
     * @param acceptedAt when this agent took the pod over
     */
    public record Context(NodeFacts node, String runtimeName, CrashLoop crashLoop, Instant acceptedAt) {}

    /**
     * Makes the status.
     *
     * @param before the one it replaces, whose transition times go on where nothing changed; null if there is none
     */
    public static PodStatus of(PodState state, Phase phase, @Nullable PodStatus before, Context context, Instant now) {
        return new PodStatuses(state, phase, before, context, now).status();
    }

    private PodStatus status() {
        PodStatus status = new PodStatus();
        status.setPhase(phaseText());
        status.setObservedGeneration(state.pod().getMetadata().getGeneration());
        status.setStartTime(startTime());
        addresses(status);
        status.setQosClass(Qos.of(spec()).text());
        List<ContainerStatus> containers = new ArrayList<>();
        for (Container container : containers()) {
            containers.add(container(container));
        }
        status.setContainerStatuses(containers);
        List<ContainerStatus> init = new ArrayList<>();
        for (Container container : PodContainers.init(state.pod())) {
            init.add(initContainer(container));
        }
        if (!init.isEmpty()) {
            status.setInitContainerStatuses(init);
        }
        List<ContainerStatus> ephemeral = PodContainers.ephemeral(state.pod()).stream()
                .map(this::ephemeralContainer)
                .toList();
        if (!ephemeral.isEmpty()) {
            status.setEphemeralContainerStatuses(ephemeral);
        }
        status.setConditions(new PodConditions(state, phase, before, acceptedAt(), now).of(containers, init));
        TerminationMessages.share(status);
        state.removalFailure().ifPresent(failure -> status.setMessage(failure.message()));
        state.failure().ifPresent(failure -> {
            status.setReason(failure.reason());
            status.setMessage(failure.message());
        });
        return status;
    }

    private String phaseText() {
        return phase == Phase.PENDING && before != null && before.getPhase() != null && leaves()
                ? before.getPhase()
                : phase.text();
    }

    private String startTime() {
        if (before != null && before.getStartTime() != null) {
            return before.getStartTime();
        }
        return Timestamps.format(acceptedAt());
    }

    private Instant acceptedAt() {
        return state.startedAt().orElse(context.acceptedAt());
    }

    /** When a pod began here: for an agent that was not there, when it got its first sandbox. */
    static Instant startedAt(ObservedPod observed, @Nullable PodStatus before, Instant acceptedAt) {
        Instant start = observed.sandboxes().stream()
                .map(ObservedSandbox::podStartedAt)
                .min(Comparator.naturalOrder())
                .filter(began -> began.isBefore(acceptedAt))
                .orElse(acceptedAt);
        if (before == null || before.getStartTime() == null) {
            return start;
        }
        try {
            return Instant.parse(before.getStartTime());
        } catch (DateTimeParseException e) {
            // Somebody else's record.
            return start;
        }
    }

    /** What {@link PodFailure} a status of an earlier agent tells of. */
    static Optional<PodFailure> failureOf(PodStatus status) {
        if (status.getReason() == null || status.getReason().isEmpty()) {
            return Optional.empty();
        }
        Optional<String> disruption = status.getConditions() == null
                ? Optional.empty()
                : status.getConditions().stream()
                        .filter(condition -> PodConditions.DISRUPTION_TARGET.equals(condition.getType()))
                        .map(condition -> String.valueOf(condition.getMessage()))
                        .findFirst();
        return Optional.of(new PodFailure(
                status.getReason(),
                status.getMessage() == null ? "" : status.getMessage(),
                disruption,
                OptionalLong.empty()));
    }

    private void addresses(PodStatus status) {
        List<String> hostIps = context.node().hostIps();
        if (!hostIps.isEmpty()) {
            status.setHostIP(hostIps.get(0));
            status.setHostIPs(hostIps.stream().map(HostIP::new).toList());
        }
        List<String> ips = Boolean.TRUE.equals(spec().getHostNetwork())
                ? observed.readySandbox().isPresent() ? hostIps : List.of()
                : observed.readySandbox().map(ObservedSandbox::ips).orElse(List.of());
        if (!ips.isEmpty()) {
            status.setPodIP(ips.get(0));
            status.setPodIPs(ips.stream().map(PodIP::new).toList());
        } else if (before != null && before.getPodIP() != null && phase.isFinal()) {
            status.setPodIP(before.getPodIP());
            status.setPodIPs(before.getPodIPs());
        }
    }

    // ---- containers

    private ContainerStatus container(Container container) {
        String name = container.getName();
        Optional<ObservedContainer> latest = observed.latest(name);
        if (latest.isEmpty() && leaves()) {
            Optional<ContainerStatus> last = lastKnown(name);
            if (last.isPresent()) {
                return last.get();
            }
        }
        ContainerStatus status = new ContainerStatus();
        status.setName(name);
        status.setImage(latest.map(ObservedContainer::image)
                .filter(image -> !image.isEmpty())
                .orElse(container.getImage()));
        status.setImageID(latest.map(ObservedContainer::imageId).orElse(""));
        latest.ifPresent(run -> status.setContainerID(context.runtimeName() + "://" + run.id()));
        status.setRestartCount(latest.map(ObservedContainer::restartCount)
                .orElseGet(() -> state.loggedRestarts().getOrDefault(name, 0)));
        boolean hooked = state.isInPostStart(container);
        boolean running = latest.map(ObservedContainer::isRunning).orElse(false) && !hooked;
        ContainerHealth health = latest.map(run -> state.health().get(run.id())).orElse(null);
        status.setReady(running && !phase.isFinal() && (health == null || health.ready()));
        status.setStarted(running && (health == null || health.started()));
        ContainerState current = new ContainerState();
        Optional<ObservedContainer> last = observed.runsOf(name)
                .skip(1)
                .filter(ObservedContainer::isExited)
                .findFirst();
        // Until its hook has ended, a container does not count as running.
        Optional<ContainerStateWaiting> waiting = hooked
                ? Optional.of(waiting("ContainerCreating", "its postStart hook runs"))
                : waiting(container, latest);
        if (waiting.isPresent()) {
            current.setWaiting(waiting.get());
            last = observed.runsOf(name).filter(ObservedContainer::isExited).findFirst();
        } else {
            latest.ifPresent(run -> set(current, run));
        }
        status.setState(current);
        ContainerState lastState = new ContainerState();
        last.ifPresent(run -> set(lastState, run));
        status.setLastState(lastState);
        if (running && container.getResources() != null) {
            status.setResources(container.getResources());
        }
        latest.ifPresent(run -> status.setVolumeMounts(MountStatuses.of(container, run.annotations())));
        latest.map(ObservedContainer::stopSignal)
                .filter(signal -> !signal.isEmpty())
                .ifPresent(status::setStopSignal);
        latest.flatMap(ObservedContainer::user)
                .ifPresent(user -> status.setUser(
                        new ContainerUser(new LinuxContainerUser(user.gid(), user.supplementalGroups(), user.uid()))));
        return status;
    }

    /** What a pod that is being deleted has lost already, it does not begin again: it is shown as it was. */
    private boolean leaves() {
        return state.deletion().isPresent() && before != null;
    }

    private Optional<ContainerStatus> lastKnown(String name) {
        return before == null
                ? Optional.empty()
                : Stream.of(
                                before.getContainerStatuses(),
                                before.getInitContainerStatuses(),
                                before.getEphemeralContainerStatuses())
                        .filter(Objects::nonNull)
                        .flatMap(List::stream)
                        .filter(status -> name.equals(status.getName()) && status.getContainerID() != null)
                        .findFirst();
    }

    /** An init container is ready once it has done its work, a sidecar as any other. */
    private ContainerStatus initContainer(Container container) {
        ContainerStatus status = container(container);
        if (!PodContainers.isSidecar(state.pod(), container)) {
            ContainerStateTerminated end = status.getState().getTerminated();
            status.setReady(end != null && end.getExitCode() == 0);
        }
        return status;
    }

    /** An ephemeral container has no probes, and the pod's readiness does not ask for it. */
    private ContainerStatus ephemeralContainer(Container container) {
        ContainerStatus status = container(container);
        status.setReady(false);
        status.setStarted(null);
        return status;
    }

    private void set(ContainerState target, ObservedContainer run) {
        if (run.run() instanceof ContainerRun.Running running) {
            target.setRunning(new ContainerStateRunning(Timestamps.format(running.startedAt())));
        } else if (run.run() instanceof ContainerRun.Exited exited) {
            ContainerStateTerminated terminated = new ContainerStateTerminated();
            terminated.setContainerID(context.runtimeName() + "://" + run.id());
            terminated.setExitCode(exited.exitCode());
            terminated.setReason(reason(exited));
            if (!exited.message().isEmpty()) {
                terminated.setMessage(exited.message());
            }
            if (exited.startedAt().getEpochSecond() > 0) {
                terminated.setStartedAt(Timestamps.format(exited.startedAt()));
            }
            terminated.setFinishedAt(Timestamps.format(exited.finishedAt()));
            target.setTerminated(terminated);
        } else if (run.run() instanceof ContainerRun.Lost) {
            ContainerStateTerminated terminated = new ContainerStateTerminated();
            terminated.setContainerID(context.runtimeName() + "://" + run.id());
            terminated.setExitCode(KILLED);
            terminated.setReason("ContainerStatusUnknown");
            terminated.setMessage("The container could not be located when the pod was terminated");
            target.setTerminated(terminated);
        }
    }

    private static String reason(ContainerRun.Exited exited) {
        if (!exited.reason().isEmpty()) {
            return exited.reason();
        }
        return exited.exitCode() == 0 ? "Completed" : "Error";
    }

    /** Whether nothing will start it again: neither its policy nor a request for a restart. */
    private boolean staysEnded(Container container, ObservedContainer run) {
        return run.run() instanceof ContainerRun.Exited exit
                && !state.restarts().isOfEarlierRound(run)
                && !Outdated.isForgiven(state, container, run)
                && !RestartRules.restarts(state, container, run, exit);
    }

    /** Why a container is not running though it should; empty if it runs or has ended. */
    private Optional<ContainerStateWaiting> waiting(Container container, Optional<ObservedContainer> latest) {
        if (latest.map(ObservedContainer::isRunning).orElse(false)
                || latest.map(run -> run.run() instanceof ContainerRun.Lost).orElse(false)) {
            return Optional.empty();
        }
        boolean ended = latest.map(ObservedContainer::isExited).orElse(false);
        if (phase.isFinal() || (ended && state.deletion().isPresent())) {
            return ended ? Optional.empty() : Optional.of(waiting(creating(), ""));
        }
        if (ended && staysEnded(container, latest.orElseThrow())) {
            // A start that failed has ended, too: what the failure was is in the run's own message.
            return Optional.empty();
        }
        Retry failure = state.startFailures().get(container.getName());
        if (failure != null) {
            return Optional.of(waiting(failure.reason(), failure.message()));
        }
        if (state.image(container.getName()) instanceof ImageState.Missing missing) {
            return Optional.of(imageWaiting(container, missing.retry()));
        }
        if (!ended) {
            String message = state.sandboxFailure().map(Retry::message).orElse("");
            return Optional.of(waiting(creating(), message));
        }
        ObservedContainer run = latest.orElseThrow();
        if (state.restarts().isOfEarlierRound(run)) {
            return Optional.of(waiting("RestartingAllContainers", ""));
        }
        Instant nextStart = context.crashLoop().nextStart(run);
        if (Outdated.isForgiven(state, container, run) || !now.isBefore(nextStart)) {
            return Optional.empty();
        }
        ContainerRun.Exited exited = (ContainerRun.Exited) run.run();
        Duration backoff = Duration.between(exited.finishedAt(), nextStart);
        return Optional.of(waiting(
                "CrashLoopBackOff",
                "back-off " + text(backoff) + " restarting failed container=" + container.getName() + " pod="
                        + state.pod().getMetadata().getName() + "_"
                        + state.pod().getMetadata().getNamespace() + "("
                        + state.pod().getMetadata().getUid() + ")"));
    }

    private ContainerStateWaiting imageWaiting(Container container, Retry retry) {
        boolean trying = state.inFlight().contains(new Operation.EnsuringImage(container.getName()));
        if (retry.reason().equals("ErrImagePull") && !trying) {
            return waiting(
                    "ImagePullBackOff",
                    "Back-off pulling image \"" + container.getImage() + "\": ErrImagePull: " + retry.message());
        }
        return waiting(retry.reason(), retry.message());
    }

    /** What a container waits for that has not run. */
    private String creating() {
        return PodContainers.init(state.pod()).isEmpty() ? "ContainerCreating" : "PodInitializing";
    }

    private static ContainerStateWaiting waiting(String reason, String message) {
        return new ContainerStateWaiting(message.isEmpty() ? null : message, reason);
    }

    /** As Go prints durations: {@code 10s}, {@code 1m20s}, {@code 5m0s}. */
    static String text(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds < 1) {
            return duration.toMillis() + "ms";
        }
        return (seconds >= 60 ? seconds / 60 + "m" : "") + seconds % 60 + "s";
    }

    // ---- small things

    private PodSpec spec() {
        return state.pod().getSpec() == null ? new PodSpec() : state.pod().getSpec();
    }

    private List<Container> containers() {
        return PodContainers.regular(state.pod());
    }
}
