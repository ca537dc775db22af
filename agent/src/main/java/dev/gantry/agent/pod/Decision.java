package dev.gantry.agent.pod;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What follows from a pod's state.
 *
 * @param actions to begin now, in this order
 * @param notices to be recorded as events, each once
 * @param phase of the pod as it will be once nothing of it runs any more
 * @param shown the phase until then
 * @param failure why the pod is to be ended as failed from now on
 * @param ending the grace within which what is over is being stopped; to be remembered until it is empty again
 * @param restart a restart of the whole pod, to be recorded before it is decided anew
 * @param wakeUp when to decide again if nothing happens before
 * @param finished whether nothing is left of a pod that was to go
 */
public record Decision(
        List<Action> actions,
        List<Notice> notices,
        Phase phase,
        Phase shown,
        Optional<PodFailure> failure,
        Optional<Deletion> ending,
        Optional<Restarts.Round> restart,
        Optional<Instant> wakeUp,
        boolean finished) {
    /** For a pod that nothing is known of. */
    static final Decision NOTHING = new Decision(
            List.of(),
            List.of(),
            Phase.PENDING,
            Phase.PENDING,
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            false);

    public Decision {
        actions = List.copyOf(actions);
        notices = List.copyOf(notices);
    }

    /** The phases of the API, as far as a node sets them. */
    public enum Phase {
        PENDING("Pending"),
        RUNNING("Running"),
        SUCCEEDED("Succeeded"),
        FAILED("Failed");

        private final String text;

        Phase(String text) {
            this.text = text;
        }

        /** The API's word. */
        public String text() {
            return text;
        }

        /** Whether the pod has ended for good. */
        public boolean isFinal() {
            return this == SUCCEEDED || this == FAILED;
        }
    }

    /**
     * An event that is due.
     *
     * @param key equal for the same occurrence, so that it is recorded once
     * @param container it concerns; empty for the pod as a whole
     */
    public record Notice(String key, Optional<String> container, boolean warning, String reason, String message) {}
}
