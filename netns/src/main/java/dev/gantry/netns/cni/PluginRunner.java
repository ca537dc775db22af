package dev.gantry.netns.cni;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** Runs plugins. */
interface PluginRunner {
    /**
     * Runs a program to its end.
     *
     * @param environment all of the program's environment
     * @param deadline after which it and what it started are killed
     * @throws CniException if the deadline passed, or it wrote more than a result can be
     * @throws IOException if it could not be started
     */
    Output run(Path program, Map<String, String> environment, byte[] input, Duration deadline)
            throws IOException, InterruptedException;

    /**
     * What a plugin left.
     *
     * @param stdout the result or error
     * @param stderr free text for people, its beginning
     */
    record Output(int exitCode, String stdout, String stderr) {}
}
