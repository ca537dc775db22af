package dev.gantry.agent.pod;

import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.resource.ResizeRules;
import io.fabric8.kubernetes.api.model.Container;

/** Runs of a container that are not what its pod wants any more. */
final class Outdated {
    private Outdated() {}

    /** Whether the run has to be replaced, whatever the restart policy says. */
    static boolean is(Container container, ObservedContainer run) {
        return (!run.definitionHash().isEmpty() && !run.definitionHash().equals(Labels.definitionHash(container)))
                || ResizePlan.needsRestart(container, run);
    }

    /** Whether an end of the run says something about the next: with another image or other resources it does not. */
    static boolean isForgiven(Container container, ObservedContainer run) {
        String resources = run.annotations().getOrDefault(Labels.RESOURCES, "");
        return is(container, run) || (!resources.isEmpty() && !resources.equals(ResizeRules.text(container)));
    }

    /** Of the Killing event. */
    static String message(Container container, ObservedContainer run) {
        return "Container " + container.getName()
                + (ResizePlan.needsRestart(container, run)
                        ? " resize requires restart"
                        : " definition changed, will be restarted");
    }
}
