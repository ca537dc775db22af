package dev.gantry.agent.cli;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code gantry exec}. */
final class ExecCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "exec",
            "POD [-c CONTAINER] -- COMMAND [ARGUMENT...]",
            Commands.summary("exec"),
            "Run a command in a running container. The exit code is that of the command.",
            List.of(
                    new CommandSpec.Example("A command in a pod's only container", "gantry exec web -- cat /etc/hosts"),
                    new CommandSpec.Example("A shell with a terminal", "gantry exec -it web -- sh"),
                    new CommandSpec.Example(
                            "Feed a file to a command", "gantry exec -i web -c db -- sh -c 'cat > /tmp/dump' < dump")),
            List.of(
                    CommandSpec.NAMESPACE,
                    Option.value("container", 'c', "NAME", "The container, if the pod has several."),
                    Option.flag("stdin", 'i', "Pass standard input on."),
                    Option.flag("tty", 't', "Give the command a terminal.")),
            true);

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, IOException {
        if (arguments.operands().size() > 1 && arguments.rest().isEmpty()) {
            throw new UsageException("put -- before the command: gantry exec "
                    + arguments.operands().get(0) + " -- "
                    + String.join(
                            " ",
                            arguments.operands().subList(1, arguments.operands().size())));
        }
        String pod = arguments.operand("the pod's name");
        if (arguments.rest().isEmpty()) {
            throw new UsageException("the command is missing: gantry exec " + pod + " -- COMMAND");
        }
        boolean stdin = arguments.flag("stdin");
        boolean tty = StreamSession.tty(arguments.flag("tty"), session.console());
        Map<String, String> query = new LinkedHashMap<>();
        query.put("container", arguments.value("container"));
        query.put("stdin", stdin ? "true" : "");
        query.put("stdout", "true");
        query.put("stderr", tty ? "" : "true");
        query.put("tty", tty ? "true" : "");
        String base = "/api/v1/namespaces/" + ApiClient.encode(arguments.value("namespace", "default")) + "/pods/"
                + ApiClient.encode(pod.substring(pod.indexOf('/') + 1));
        try (WebSocket socket = open(session, base, query, arguments.rest())) {
            return StreamSession.run(socket, session.console(), stdin, tty);
        }
    }

    private static WebSocket open(Session session, String base, Map<String, String> query, List<String> command)
            throws CliException, IOException {
        String path = ApiClient.query(ApiClient.query(base + "/exec", query), "command", command);
        try {
            return WebSocket.open(session.client(), path, StreamSession.PROTOCOL);
        } catch (CliException e) {
            query.put("container", DefaultContainer.instead(e, session, base));
            path = ApiClient.query(ApiClient.query(base + "/exec", query), "command", command);
            return WebSocket.open(session.client(), path, StreamSession.PROTOCOL);
        }
    }
}
