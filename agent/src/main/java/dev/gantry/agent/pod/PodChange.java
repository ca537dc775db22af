package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.Pod;

/**
 * One change to the set of pods, as a watch of the API delivers it.
 *
 * @param pod the whole pod after the change, or its last state if it was deleted; not to be modified
 */
public record PodChange(Type type, Pod pod) {
    /** The API's words for what happened. */
    public enum Type {
        ADDED,
        MODIFIED,
        DELETED
    }
}
