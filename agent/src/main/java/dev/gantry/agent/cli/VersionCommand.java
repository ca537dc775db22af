package dev.gantry.agent.cli;

import dev.gantry.agent.config.Version;
import java.io.IOException;
import java.util.List;

/** {@code gantry version}. */
final class VersionCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "version",
            "",
            Commands.summary("version"),
            "Print the version of this command, and of the agent if one answers.",
            List.of(
                    new CommandSpec.Example("Both versions", "gantry version"),
                    new CommandSpec.Example("Without asking the agent", "gantry version --client")),
            List.of(
                    Option.flag("client", "Only this command's version."),
                    Option.value("output", 'o', "FORMAT", "json.")));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, IOException {
        arguments.atMost(0);
        boolean json = arguments.value("output").equals("json");
        if (arguments.has("output") && !json) {
            throw new UsageException("--output takes json, not '" + arguments.value("output") + "'");
        }
        String server = "";
        Json agent = Json.EMPTY;
        if (!arguments.flag("client") && session.client().isThere()) {
            try (ApiResponse response = session.client().get("/version")) {
                agent = response.json();
                server = agent.text("gitVersion");
            }
        }
        if (json) {
            StringBuilder out = new StringBuilder("{\"clientVersion\":{\"gitVersion\":");
            Documents.quote(out, "v" + Version.CURRENT);
            out.append('}');
            if (agent.isPresent()) {
                out.append(",\"serverVersion\":").append(Documents.json(agent));
            }
            session.console()
                    .out()
                    .print(Documents.json(Json.parse(out.append('}').toString())));
            return 0;
        }
        session.console().out().println("Client Version: v" + Version.CURRENT);
        if (!server.isEmpty()) {
            session.console().out().println("Agent Version:  " + server);
        }
        session.console().out().println("Java Version:   " + System.getProperty("java.version"));
        return 0;
    }
}
