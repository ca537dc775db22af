package dev.gantry.agent.cli;

import dev.gantry.agent.config.NodePaths;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;

/** What a command may start in its own process. Implemented where everything is wired; a test gives its own. */
public interface Node {
    /**
     * Runs the agent until it is told to stop.
     *
     * @param flags those of {@code gantry agent} that were given, by name
     * @return the exit code
     */
    int runAgent(NodePaths paths, Map<String, String> flags) throws CliException, InterruptedException;

    /**
     * Runs the built-in runtime alone until it is told to stop.
     *
     * @param socket where it serves CRI
     * @param flags those of {@code gantry runtime} that were given, by name
     * @return the exit code
     */
    int runRuntime(NodePaths paths, Path socket, Map<String, String> flags) throws CliException, InterruptedException;

    /**
     * Starts an agent that ends with this process and answers on {@code paths.socket()} when this returns.
     *
     * @param flags those of {@code gantry run} that are about the agent and were given, by name
     */
    RunningAgent startAgent(NodePaths paths, Map<String, String> flags) throws CliException, InterruptedException;

    /** Opens the image store of an agent that does not run. */
    LocalImages openImages(NodePaths paths) throws CliException;

    /** The system calls that would start a manifest's containers. */
    String explain(NodePaths paths, Path file, byte[] manifest) throws CliException, IOException;

    /** An agent in this process. */
    interface RunningAgent extends AutoCloseable {
        /** Stops it; its pods stay as they are. */
        @Override
        void close();
    }

    /** Images without an agent. Progress arrives as the lines of JSON that the local API would stream. */
    interface LocalImages extends AutoCloseable {
        void pull(String reference, Consumer<String> progress) throws CliException, IOException, InterruptedException;

        void load(Path archive, Consumer<String> progress) throws CliException, IOException, InterruptedException;

        /** The images, as the local API's JSON. */
        String list() throws IOException;

        /** Removes a name, or an image by its id. */
        void remove(String reference) throws CliException, IOException;

        @Override
        void close() throws IOException;
    }
}
