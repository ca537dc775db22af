package dev.gantry.agent.pod;

import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.resource.ResizeRules;
import io.fabric8.kubernetes.api.model.Container;

/** Runs of a container that are not what its pod wants any more. */
final class Outdated {
    private Outdated() {}

    /** Whether the run has to be replaced, whatever the restart policy says. */
    static boolean is(PodState state, Container container, ObservedContainer run) {
        return !PodContainers.isEphemeral(state.pod(), container.getName())
                && (isRedefined(container, run)
                        || ResizePlan.needsRestart(container, run)
                        || state.restarts().covers(run));
    }

    private static boolean isRedefined(Container container, ObservedContainer run) {
        return !run.definitionHash().isEmpty() && !run.definitionHash().equals(Labels.definitionHash(container));
    }

    /** Whether an end of the run says nothing about the next, which has another image or other resources or was asked for. */
    static boolean isForgiven(PodState state, Container container, ObservedContainer run) {
        String resources = run.annotations().getOrDefault(Labels.RESOURCES, "");
        if (state.restarts().keepsBackOff(run)) {
            return isRedefined(container, run);
        }
        return is(state, container, run) || (!resources.isEmpty() && !resources.equals(ResizeRules.text(container)));
    }

    /** Of the Killing event when the whole pod begins anew. */
    static String restartMessage(String container, boolean byRule) {
        return "Container " + container
                + (byRule
                        ? " will be restarted, since all containers of the pod are"
                        : " will be restarted as requested");
    }

    /** Of the Killing event. */
    static String message(PodState state, Container container, ObservedContainer run) {
        String name = "Container " + container.getName();
        if (isRedefined(container, run)) {
            return name + " definition changed, will be restarted";
        }
        return ResizePlan.needsRestart(container, run)
                ? name + " resize requires restart"
                : restartMessage(container.getName(), state.restarts().keepsBackOff(run));
    }
}
