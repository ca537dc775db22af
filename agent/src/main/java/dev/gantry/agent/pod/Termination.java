package dev.gantry.agent.pod;

import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedSandbox;
import java.util.Set;
import java.util.stream.Collectors;

/** How a pod ends: its containers in their order within one grace, then its sandboxes. */
final class Termination {
    private final Plan plan;

    Termination(Plan plan) {
        this.plan = plan;
    }

    /**
     * Stops what still runs of a pod whose work is over.
     *
     * @return whether nothing runs any more
     */
    boolean windDown() {
        boolean running = plan.observed.containers().stream().anyMatch(StopOrder::isAlive);
        if (!running) {
            return true;
        }
        stopInTurn(plan.windDown());
        return false;
    }

    /** A pod that has ended for good: containers stay for their logs and status; the sandbox gives its address back. */
    void rest() {
        if (windDown() && plan.state.inFlight().isEmpty() && !retryRemovalLater()) {
            plan.observed.sandboxes().stream()
                    .filter(ObservedSandbox::ready)
                    .forEach(sandbox -> plan.begin(new Action.StopSandbox(sandbox.id())));
        }
    }

    /** A pod that shall go: stops containers within the grace, then sandboxes; true when nothing is left. */
    boolean terminate(Deletion deletion) {
        if (retryRemovalLater()) {
            return false;
        }
        boolean running = plan.observed.containers().stream().anyMatch(StopOrder::isAlive);
        stopInTurn(deletion);
        boolean busy = plan.isGoingOn(operation -> operation instanceof Operation.StartingContainer
                || operation instanceof Operation.RunningSandbox
                || operation instanceof Operation.StoppingContainer);
        if (running || busy) {
            return false;
        }
        plan.observed.sandboxes().forEach(sandbox -> plan.begin(new Action.RemoveSandbox(sandbox.id())));
        if (plan.observed.sandboxes().isEmpty()) {
            plan.observed.containers().forEach(container -> plan.begin(new Action.RemoveContainer(container.id())));
        }
        return plan.observed.isNothing() && plan.state.inFlight().isEmpty();
    }

    private void stopInTurn(Deletion deletion) {
        long timeout = deletion.remainingSeconds(plan.now);
        boolean running = false;
        for (ObservedContainer container : StopOrder.due(plan.pod(), plan.observed, timeout > 0)) {
            running = true;
            if (!isBeingStopped(container.id(), timeout, deletion)) {
                plan.add(new Action.StopContainer(
                        container.id(), container.name(), timeout, "Stopping container " + container.name()));
            }
        }
        if (timeout > 0) {
            announce(timeout);
        }
        if (running && timeout > 0) {
            // Whose turn has not come by then is killed with the rest.
            plan.wakeAt(deletion.deadline());
        }
    }

    /** As the kubelet, hooks do not wait for the turn of their containers. */
    private void announce(long timeoutSeconds) {
        Set<String> due = StopOrder.due(plan.pod(), plan.observed, true).stream()
                .map(ObservedContainer::id)
                .collect(Collectors.toSet());
        plan.observed.containers().stream()
                .filter(run -> run.isRunning() && !due.contains(run.id()))
                .filter(run -> PodContainers.hasPreStop(plan.pod(), run.name())
                        && !plan.state.announced().contains(run.id()))
                .forEach(run -> plan.begin(new Action.AnnounceStop(
                        run.id(), run.name(), timeoutSeconds, "Stopping container " + run.name())));
    }

    /** A stop that allows more than is left now is followed by one that does not. */
    private boolean isBeingStopped(String id, long timeoutSeconds, Deletion deletion) {
        return plan.isGoingOn(operation -> operation instanceof Operation.StoppingContainer stopping
                && stopping.id().equals(id)
                && (stopping.timeoutSeconds() <= timeoutSeconds
                        || deletion.gracePeriodSeconds() >= stopping.timeoutSeconds()));
    }

    private boolean retryRemovalLater() {
        if (plan.state.removalFailure().isEmpty()
                || plan.state.removalFailure().get().isDue(plan.now)) {
            return false;
        }
        plan.wakeAt(plan.state.removalFailure().get().nextAttempt());
        return true;
    }
}
