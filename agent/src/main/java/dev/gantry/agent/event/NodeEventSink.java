package dev.gantry.agent.event;

/** Takes what happens to the node. Returns at once. */
public interface NodeEventSink {
    /**
     * Records an occurrence; equal ones are counted together.
     *
     * @param warning whether something went wrong
     * @param reason one word, as the kubelet spells it
     */
    void record(boolean warning, String reason, String message);
}
