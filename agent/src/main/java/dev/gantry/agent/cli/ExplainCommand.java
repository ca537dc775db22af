package dev.gantry.agent.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code gantry explain}. */
final class ExplainCommand implements Command {
    static final Option FILE = Option.value("filename", 'f', "FILE", "The manifest; - for standard input.");

    private static final CommandSpec SPEC = new CommandSpec(
            "explain",
            "-f FILE",
            Commands.summary("explain"),
            "Print, readable like the output of strace, the system calls with which each container of a manifest would be started. Nothing is started. "
                    + "The images must be in the store.",
            List.of(new CommandSpec.Example("What does starting this pod do?", "gantry explain -f pod.yaml")),
            List.of(FILE));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, IOException {
        arguments.atMost(0);
        Manifest manifest = Manifest.read(arguments, session.console());
        if (session.client().isThere()) {
            Map<String, String> query = new LinkedHashMap<>();
            query.put("source", manifest.name());
            String path = ApiClient.query("/gantry/v1/explain", query);
            try (ApiResponse response = session.client().post(path, "application/yaml", manifest.bytes())) {
                session.console().out().print(new String(response.body().readAllBytes(), StandardCharsets.UTF_8));
            }
        } else {
            session.console()
                    .out()
                    .print(session.node().explain(session.paths(), Path.of(manifest.name()), manifest.bytes()));
        }
        return 0;
    }
}
