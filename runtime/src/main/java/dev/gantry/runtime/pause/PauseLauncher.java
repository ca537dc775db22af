package dev.gantry.runtime.pause;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** Makes pauses and finds them again. */
public interface PauseLauncher {
    /**
     * Starts a pause, runs its setup and connects to it. Takes about a millisecond; leaves nothing behind on failure.
     *
     * @throws dev.gantry.runtime.program.ProgramFailedException if a step of the setup failed
     */
    default Pause launch(PauseSpec spec, PauseListener listener) throws IOException {
        return begin(spec, Optional.empty(), listener).await();
    }

    /**
     * Begins to start a pause; the caller must {@linkplain Launching#await wait} or {@linkplain Launching#close give up}.
     *
     * @param prepared its first process, made ahead for the same socket; is used up, also on failure
     */
    Launching begin(PauseSpec spec, Optional<Prepared> prepared, PauseListener listener) throws IOException;

    /**
     * Spawns the first process of a pause ahead of its launch, which then takes half a millisecond less. It has the
     * namespaces of the calling thread and ends when it is closed, or with the agent.
     *
     * @param socket where the pause will listen
     */
    Prepared prepare(Path socket) throws IOException;

    /** A pause that is being set up. */
    interface Launching extends AutoCloseable {
        /**
         * Waits until it is set up; on failure nothing is left behind.
         *
         * @throws dev.gantry.runtime.program.ProgramFailedException if a step of the setup failed
         */
        Pause await() throws IOException;

        /** Ends it, unless {@link #await} has returned it. */
        @Override
        void close();
    }

    /** A first process that waits for its launch. */
    interface Prepared extends AutoCloseable {
        /** Whether it still waits: somebody may have killed it. */
        boolean isAlive();

        /** Ends it, unless it was launched. */
        @Override
        void close();
    }

    /**
     * Connects to a pause that an earlier agent launched. An older connection, if there is one, is cut.
     *
     * @throws IOException if nobody listens there: the pod is dead
     */
    Pause connect(Path socket, PauseListener listener) throws IOException;
}
