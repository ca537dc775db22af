package dev.gantry.agent.cli;

import dev.gantry.agent.config.Flags;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code gantry runtime}. */
final class RuntimeCommand implements Command {
    private static final String LISTEN = "listen";
    private static final String SCHEME = "unix://";

    private static final CommandSpec SPEC = new CommandSpec(
            "runtime",
            "",
            Commands.summary("runtime"),
            "Run the built-in container runtime in the foreground without the agent: it serves CRI v1 on a unix socket, until SIGTERM or Ctrl-C. "
                    + "Pods keep running when it stops, and the next one takes them over. `gantry agent` serves the same socket by itself.",
            List.of(
                    new CommandSpec.Example(
                            "For a kubelet or crictl", "gantry runtime --listen unix:///run/gantry/cri.sock"),
                    new CommandSpec.Example("Look at it", "crictl --runtime-endpoint unix:///run/gantry/cri.sock pods"),
                    new CommandSpec.Example(
                            "Beside an agent, with everything under one directory",
                            "gantry runtime --root /tmp/second --pod-cidr 10.89.0.0/24")),
            options());

    private static List<Option> options() {
        List<Option> options = new ArrayList<>();
        options.add(Option.value(
                LISTEN,
                "URL",
                "Socket to serve on; default: unix:///run/gantry/cri.sock, or run/cri.sock below --root."));
        options.addAll(AgentFlags.options(Flags.RUNTIME));
        return options;
    }

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, InterruptedException {
        arguments.atMost(0);
        Map<String, String> flags = AgentFlags.given(Flags.RUNTIME, arguments);
        String listen = arguments.value(LISTEN, "");
        return session.node()
                .runRuntime(session.paths(), socket(listen, session.paths().criSocket()), flags);
    }

    private static Path socket(String listen, Path otherwise) throws UsageException {
        if (listen.isEmpty()) {
            return otherwise;
        }
        String path = listen.startsWith(SCHEME) ? listen.substring(SCHEME.length()) : listen;
        if (!path.startsWith("/")) {
            throw new UsageException("--listen takes a socket like unix:///run/gantry/cri.sock, not '" + listen + "'");
        }
        return Path.of(path);
    }
}
