package dev.gantry.agent.pod;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** One thing to do next for a pod. */
public sealed interface Action {
    /** What goes on while it is done. */
    Operation operation();

    /**
     * Stops the dead sandboxes, then runs a new one.
     *
     * @param attempt of the new one
     * @param dead ids of sandboxes that are not ready any more
     */
    record RunSandbox(int attempt, List<String> dead) implements Action {
        public RunSandbox {
            dead = List.copyOf(dead);
        }

        @Override
        public Operation operation() {
            return new Operation.RunningSandbox();
        }
    }

    /** Finds a container's image, or pulls it. */
    record EnsureImage(String container) implements Action {
        @Override
        public Operation operation() {
            return new Operation.EnsuringImage(container);
        }
    }

    /**
     * Creates a container and starts it.
     *
     * @param image that it runs
     * @param backoff to be recorded on it, for its successor; zero for none
     * @param leftover a container of the same run that was made and never started: removed first
     */
    record StartContainer(
            String container,
            String sandboxId,
            int restartCount,
            ImageState.Present image,
            Duration backoff,
            Optional<String> leftover)
            implements Action {
        @Override
        public Operation operation() {
            return new Operation.StartingContainer(container);
        }
    }

    /**
     * Stops a container.
     *
     * @param timeoutSeconds 0 kills at once
     * @param message of the Killing event
     */
    record StopContainer(String id, String container, long timeoutSeconds, String message) implements Action {
        @Override
        public Operation operation() {
            return new Operation.StoppingContainer(id, timeoutSeconds);
        }
    }

    /**
     * Tells a container that its end has come while others are to end before it: its preStop hook runs now, its process goes on.
     *
     * @param timeoutSeconds what is left of the grace
     * @param message of the Killing event
     */
    record AnnounceStop(String id, String container, long timeoutSeconds, String message) implements Action {
        @Override
        public Operation operation() {
            return new Operation.AnnouncingStop(id);
        }
    }

    /** Kills what is left in a sandbox and frees its network. */
    record StopSandbox(String id) implements Action {
        @Override
        public Operation operation() {
            return new Operation.StoppingSandbox(id);
        }
    }

    /** Stops a sandbox and removes it with its containers. */
    record RemoveSandbox(String id) implements Action {
        @Override
        public Operation operation() {
            return new Operation.RemovingSandbox(id);
        }
    }

    /** Removes an ended container that nobody asks about any more. */
    record RemoveContainer(String id) implements Action {
        @Override
        public Operation operation() {
            return new Operation.RemovingContainer(id);
        }
    }
}
