package dev.gantry.agent.event;

import java.util.Optional;

/** Takes what happens to pods. Returns at once. */
public interface EventSink {
    /**
     * Records an occurrence; equal ones are counted together.
     *
     * @param container it concerns; empty for the pod as a whole
     * @param warning whether something went wrong
     * @param reason one word, as the kubelet spells it
     */
    void record(PodReference pod, Optional<String> container, boolean warning, String reason, String message);
}
