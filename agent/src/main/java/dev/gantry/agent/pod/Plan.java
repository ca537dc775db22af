package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.pod.Decision.Notice;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A decision in the making: what it is made from, and what has been decided so far. */
final class Plan {
    private static final long DEFAULT_GRACE_SECONDS = 30;

    final PodState state;
    final ObservedPod observed;
    final CrashLoop crashLoop;
    final Instant now;
    private final List<Action> actions = new ArrayList<>();
    private final List<Notice> notices = new ArrayList<>();
    private @Nullable Instant wakeUp;
    private @Nullable Deletion ending;
    private Restarts.@Nullable Round restart;

    Plan(PodState state, CrashLoop crashLoop, Instant now) {
        this.state = state;
        this.observed = state.observed().orElse(ObservedPod.NOTHING);
        this.crashLoop = crashLoop;
        this.now = now;
    }

    Pod pod() {
        return state.pod();
    }

    List<Action> actions() {
        return actions;
    }

    List<Notice> notices() {
        return notices;
    }

    Optional<Instant> wakeUp() {
        return Optional.ofNullable(wakeUp);
    }

    Optional<Restarts.Round> restart() {
        return Optional.ofNullable(restart);
    }

    /** The pod is to begin anew, once that is recorded. */
    void restart(Restarts.Round round) {
        restart = round;
    }

    Optional<Deletion> ending() {
        return Optional.ofNullable(ending);
    }

    /** Does what is not going on already; a container that is being stopped is not stopped again. */
    void begin(Action action) {
        boolean stopping = action instanceof Action.StopContainer stop
                && isGoingOn(operation -> operation instanceof Operation.StoppingContainer running
                        && running.id().equals(stop.id()));
        if (!stopping && !state.inFlight().contains(action.operation())) {
            actions.add(action);
        }
    }

    /** Does what may be going on in another way. */
    void add(Action action) {
        actions.add(action);
    }

    void notice(Notice notice) {
        notices.add(notice);
    }

    void wakeAt(Instant at) {
        if (wakeUp == null || at.isBefore(wakeUp)) {
            wakeUp = at;
        }
    }

    /** What is over stops within one grace, which is counted from the first time that this was decided. */
    Deletion windDown() {
        ending = state.ending().orElseGet(() -> Deletion.requested(now, graceOfEnding()));
        return ending;
    }

    private long graceOfEnding() {
        long own = gracePeriodSeconds(pod());
        return state.failure().map(why -> why.graceSeconds().orElse(own)).orElse(own);
    }

    boolean isGoingOn(Predicate<Operation> test) {
        return state.inFlight().stream().anyMatch(test);
    }

    /** The pod's own grace. */
    static long gracePeriodSeconds(Pod pod) {
        Long seconds = pod.getSpec() == null ? null : pod.getSpec().getTerminationGracePeriodSeconds();
        return seconds == null ? DEFAULT_GRACE_SECONDS : Deletion.granted(Math.max(0, seconds));
    }
}
