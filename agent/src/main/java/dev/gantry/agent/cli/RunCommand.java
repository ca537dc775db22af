package dev.gantry.agent.cli;

import dev.gantry.agent.config.Flags;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** {@code gantry run}: the pods of a manifest, in the foreground. */
final class RunCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "run",
            "-f FILE",
            Commands.summary("run"),
            "Run the pods of a manifest in the foreground: shows them getting ready, prints what their containers write, and ends with the exit code of the "
                    + "first container that failed. Ctrl-C deletes the pods within their grace periods, a second Ctrl-C at once.\n"
                    + "Uses the agent that runs at the root; if there is none, runs one in this process for as long.",
            List.of(
                    new CommandSpec.Example("A pod, until Ctrl-C", "gantry run -f pod.yaml"),
                    new CommandSpec.Example(
                            "From standard input, only the log on standard output",
                            "cat job.yaml | gantry run -q -f - > out"),
                    new CommandSpec.Example(
                            "Start it with the running agent and leave it there", "gantry run -d -f pod.yaml")),
            options());

    private static List<Option> options() {
        List<Option> options = new ArrayList<>(List.of(
                ExplainCommand.FILE,
                Option.value("rm", "true|false", "Delete the pods at the end; default: true."),
                Option.flag("detach", 'd', "Return when the agent has accepted the pods; they stay."),
                Option.flag("quiet", 'q', "Print only what the containers write, and errors."),
                Option.flag("timestamps", "Begin each line of the containers with the time at which it was written.")));
        options.addAll(AgentFlags.options(Flags.RUN));
        return options;
    }

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session)
            throws UsageException, CliException, IOException, InterruptedException {
        arguments.atMost(0);
        String rm = arguments.value("rm", "true");
        if (!rm.equals("true") && !rm.equals("false")) {
            throw new UsageException("--rm takes true or false, not '" + rm + "'");
        }
        Manifest manifest = Manifest.read(arguments, session.console());
        boolean own = !session.client().isThere();
        if (own && arguments.flag("detach")) {
            throw new CliException("--detach needs an agent that stays; none answers at "
                    + session.paths().socket() + ", start one with `gantry agent`");
        }
        Map<String, String> flags = AgentFlags.given(Flags.RUN, arguments);
        long began = System.nanoTime();
        if (!own) {
            if (!flags.isEmpty()) {
                throw new CliException("--" + flags.keySet().iterator().next()
                        + " is for an agent of this command's own, and one runs already, at "
                        + session.paths().socket() + ": leave the option out, or start beside it with --root");
            }
            return run(arguments, session, manifest, false, began);
        }
        Node.RunningAgent agent = session.node().startAgent(session.paths(), flags);
        try (agent) {
            return run(arguments, session, manifest, true, began);
        }
    }

    private static int run(Arguments arguments, Session session, Manifest manifest, boolean own, long began)
            throws CliException, IOException, InterruptedException {
        List<Json> pods = create(session, manifest, own);
        if (arguments.flag("detach")) {
            for (Json pod : pods) {
                session.console().out().println("pod/" + pod.text("metadata", "name") + " created");
            }
            return 0;
        }
        // The pods of an agent that ends with this command cannot stay.
        boolean delete = own || arguments.value("rm", "true").equals("true");
        RunView view = new RunView(session.console(), pods, arguments.flag("quiet"), began);
        RunFollower follower = new RunFollower(session, pods, view, arguments.flag("timestamps"));
        AtomicBoolean interrupted = new AtomicBoolean();
        Runnable stop = () -> {
            boolean again = interrupted.getAndSet(true);
            follower.stop(again);
        };
        Signals.on("INT", stop);
        Signals.on("TERM", stop);
        int exitCode = follower.follow();
        if (delete) {
            follower.delete();
        }
        return interrupted.get() ? 130 : exitCode;
    }

    private static List<Json> create(Session session, Manifest manifest, boolean own) throws CliException, IOException {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("source", manifest.name());
        query.put("transient", own ? "true" : "");
        String path = ApiClient.query("/gantry/v1/pods", query);
        try (ApiResponse response = session.client().post(path, "application/yaml", manifest.bytes())) {
            return new ArrayList<>(response.json().items("items"));
        }
    }
}
