package dev.gantry.runtime.pause;

import java.io.IOException;
import java.nio.file.Path;

/** Makes pauses and finds them again. */
public interface PauseLauncher {
    /**
     * Starts a pause, runs its setup and connects to it. Takes about a millisecond; leaves nothing behind on failure.
     *
     * @throws dev.gantry.runtime.program.ProgramFailedException if a step of the setup failed
     */
    Pause launch(PauseSpec spec, PauseListener listener) throws IOException;

    /**
     * Connects to a pause that an earlier agent launched. An older connection, if there is one, is cut.
     *
     * @throws IOException if nobody listens there: the pod is dead
     */
    Pause connect(Path socket, PauseListener listener) throws IOException;
}
