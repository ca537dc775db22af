package dev.gantry.agent.main;

import dev.gantry.agent.cli.CliException;
import dev.gantry.agent.cli.Node;
import dev.gantry.agent.config.NodePaths;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** What commands start in their own process. Each method loads only what it needs. */
final class LocalNode implements Node {
    @Override
    public int runAgent(NodePaths paths, Map<String, String> flags) throws CliException, InterruptedException {
        throw new CliException("the agent is not built in yet");
    }

    @Override
    public RunningAgent startAgent(NodePaths paths) throws CliException, InterruptedException {
        throw new CliException("the agent is not built in yet");
    }

    @Override
    public LocalImages openImages(NodePaths paths) throws CliException {
        throw new CliException("the image store is not built in yet");
    }

    @Override
    public String explain(NodePaths paths, Path file, byte[] manifest) throws CliException, IOException {
        throw new CliException("the runtime is not built in yet");
    }
}
