package dev.gantry.agent.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code gantry exec}: a WebSocket in the sub-protocol v5.channel.k8s.io. */
final class ExecCommand implements Command {
    private static final int STDIN = 0;
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int ERROR = 3;
    private static final int RESIZE = 4;
    private static final int CLOSE = 255;

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
        boolean tty = arguments.flag("tty");
        if (tty && !session.console().inIsTerminal()) {
            session.console().err().println("standard input is no terminal; going on without -t");
            tty = false;
        }
        Map<String, String> query = new LinkedHashMap<>();
        query.put("container", arguments.value("container"));
        query.put("stdin", stdin ? "true" : "");
        query.put("stdout", "true");
        query.put("stderr", tty ? "" : "true");
        query.put("tty", tty ? "true" : "");
        String base = "/api/v1/namespaces/" + ApiClient.encode(arguments.value("namespace", "default")) + "/pods/"
                + ApiClient.encode(pod.substring(pod.indexOf('/') + 1));
        try (WebSocket socket = open(session, base, query, arguments.rest())) {
            if (!tty) {
                return talk(socket, session.console(), stdin);
            }
            try (RawTerminal terminal = RawTerminal.open()) {
                Runnable resize = () -> sendSize(socket, terminal);
                Signals.on("WINCH", resize);
                resize.run();
                return talk(socket, session.console(), stdin);
            }
        }
    }

    private static WebSocket open(Session session, String base, Map<String, String> query, List<String> command)
            throws CliException, IOException {
        String path = ApiClient.query(ApiClient.query(base + "/exec", query), "command", command);
        try {
            return WebSocket.open(session.client(), path, "v5.channel.k8s.io");
        } catch (CliException e) {
            query.put("container", DefaultContainer.instead(e, session, base));
            path = ApiClient.query(ApiClient.query(base + "/exec", query), "command", command);
            return WebSocket.open(session.client(), path, "v5.channel.k8s.io");
        }
    }

    private static void sendSize(WebSocket socket, RawTerminal terminal) {
        terminal.size().ifPresent(size -> {
            byte[] message = ("{\"Width\":" + size.columns() + ",\"Height\":" + size.rows() + "}")
                    .getBytes(StandardCharsets.US_ASCII);
            try {
                socket.send(RESIZE, message, message.length);
            } catch (IOException e) {
                // the command has ended; reading says so
            }
        });
    }

    private static int talk(WebSocket socket, Console console, boolean stdin) throws CliException, IOException {
        if (stdin) {
            Thread sender = new Thread(() -> send(socket, console.in()), "exec-stdin");
            sender.setDaemon(true);
            sender.start();
        }
        while (true) {
            byte[] message = socket.receive();
            if (message.length == 0) {
                throw new CliException("the agent closed the connection before the command had ended");
            }
            switch (message[0]) {
                case STDOUT -> {
                    console.out().write(message, 1, message.length - 1);
                    console.out().flush();
                }
                case STDERR -> {
                    console.err().write(message, 1, message.length - 1);
                    console.err().flush();
                }
                case ERROR -> {
                    return exitCode(new String(message, 1, message.length - 1, StandardCharsets.UTF_8));
                }
                default -> {
                    // the end of a stream, or a channel of a later protocol
                }
            }
        }
    }

    private static void send(WebSocket socket, InputStream in) {
        byte[] buffer = new byte[32 * 1024];
        try {
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                socket.send(STDIN, buffer, count);
            }
            socket.send(CLOSE, new byte[] {STDIN}, 1);
        } catch (IOException e) {
            // the command has ended; reading says so
        }
    }

    private static int exitCode(String text) throws CliException, IOException {
        Json status = Json.parse(text);
        if (status.text("status").equals("Success")) {
            return 0;
        }
        for (Json cause : status.items("details", "causes")) {
            if (cause.text("reason").equals("ExitCode")) {
                return Integer.parseInt(cause.text("message"));
            }
        }
        throw CliException.fromServer((int) status.number("code"), status.text("reason"), status.text("message"));
    }
}
