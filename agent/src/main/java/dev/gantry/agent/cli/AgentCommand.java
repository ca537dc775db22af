package dev.gantry.agent.cli;

import dev.gantry.agent.config.Flags;
import java.util.List;

/** {@code gantry agent}. */
final class AgentCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "agent",
            "",
            Commands.summary("agent"),
            "Run the node agent in the foreground: it runs the pods of the manifest directory and answers on its local API, until SIGTERM or Ctrl-C. "
                    + "Pods keep running when it stops, and the next one takes them over. Flags are named like the kubelet's and win over the configuration file.",
            List.of(
                    new CommandSpec.Example("As the machine's node agent", "gantry agent"),
                    new CommandSpec.Example(
                            "Beside it, with everything under one directory",
                            "gantry agent --root /tmp/second --pod-cidr 10.89.0.0/24"),
                    new CommandSpec.Example(
                            "With manifests from elsewhere", "gantry agent --pod-manifest-path ./manifests")),
            AgentFlags.options(Flags.ALL));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, InterruptedException {
        arguments.atMost(0);
        return session.node().runAgent(session.paths(), AgentFlags.given(Flags.ALL, arguments));
    }
}
