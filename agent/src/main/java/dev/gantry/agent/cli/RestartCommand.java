package dev.gantry.agent.cli;

import java.io.IOException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code gantry restart}. */
final class RestartCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "restart",
            "pod NAME... | container POD/NAME...",
            Commands.summary("restart"),
            "Stop containers as a deletion would, with the pod's grace period, and start them anew in the same pod: it keeps its address, its volumes and its restart counts. Restart policy and back-off are not asked.\n"
                    + "A pod is stopped and started in its order, init containers included. Works for pods from manifest files too.",
            List.of(
                    new CommandSpec.Example("Start all containers of a pod anew", "gantry restart pod web"),
                    new CommandSpec.Example("Start one of them anew", "gantry restart container web/app"),
                    new CommandSpec.Example(
                            "Safe to repeat: only what began before that time is started anew",
                            "gantry restart pod web --as-of 2026-01-02T15:04:05Z")),
            List.of(
                    CommandSpec.NAMESPACE,
                    Option.value("as-of", "TIME", "Leave alone what began after this time (RFC 3339); default: now.")));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, IOException {
        List<String> operands = arguments.operands();
        String kind = operands.isEmpty() ? "" : operands.get(0);
        boolean container = kind.equals("container");
        if (!container && !kind.equals("pod")) {
            throw new UsageException(
                    "say what to restart: gantry restart pod NAME, or gantry restart container POD/NAME");
        }
        if (operands.size() == 1) {
            throw new UsageException(container ? "the container is missing: POD/NAME" : "the pod's name is missing");
        }
        Map<String, String> query = new LinkedHashMap<>();
        query.put("asOf", arguments.value("as-of", Instant.now().toString()));
        int exit = 0;
        for (String name : operands.subList(1, operands.size())) {
            int slash = name.indexOf('/');
            if (container && (slash <= 0 || slash == name.length() - 1)) {
                throw new UsageException("expected POD/NAME, found '" + name + "'");
            }
            String pod = container ? name.substring(0, slash) : name;
            query.put("container", container ? name.substring(slash + 1) : "");
            String path = "/gantry/v1/namespaces/" + ApiClient.encode(arguments.value("namespace", "default"))
                    + "/pods/" + ApiClient.encode(pod) + "/restart";
            try (ApiResponse response =
                    session.client().post(ApiClient.query(path, query), "application/json", new byte[0])) {
                response.json();
                session.console().out().println(kind + " \"" + name + "\" restart requested");
            } catch (CliException e) {
                session.console().err().println(e.getMessage());
                exit = 1;
            }
        }
        return exit;
    }
}
