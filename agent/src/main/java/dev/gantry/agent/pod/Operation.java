package dev.gantry.agent.pod;

/** Something that is going on for a pod, so that it is not begun a second time. */
public sealed interface Operation {
    record RunningSandbox() implements Operation {}

    record EnsuringImage(String container) implements Operation {}

    /** Creates and starts one container. */
    record StartingContainer(String container) implements Operation {}

    /**
     * Stops one container.
     *
     * @param timeoutSeconds as asked of the runtime
     */
    record StoppingContainer(String id, long timeoutSeconds) implements Operation {}

    record AnnouncingStop(String id) implements Operation {}

    record StoppingSandbox(String id) implements Operation {}

    record RemovingSandbox(String id) implements Operation {}

    record RemovingContainer(String id) implements Operation {}
}
