package dev.gantry.agent.cli;

import dev.gantry.agent.config.NodePaths;
import java.nio.file.Path;

/** What a running command has at hand. */
final class Session {
    private final Console console;
    private final Node node;
    private final NodePaths paths;

    Session(Console console, Node node, Arguments arguments) {
        this.console = console;
        this.node = node;
        String root = arguments.value("root", console.environment().getOrDefault("GANTRY_ROOT", ""));
        this.paths = root.isEmpty() ? NodePaths.ofSystem(console.environment()) : NodePaths.under(Path.of(root));
    }

    Console console() {
        return console;
    }

    /** What may be started in this process. */
    Node node() {
        return node;
    }

    /** Where the agent that is meant keeps its things. */
    NodePaths paths() {
        return paths;
    }

    ApiClient client() {
        return new ApiClient(paths);
    }
}
