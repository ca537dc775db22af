package dev.gantry.agent.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** {@code gantry logs}. */
final class LogsCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "logs",
            "POD [CONTAINER]",
            Commands.summary("logs"),
            "Print what a container wrote to its standard output and error.",
            List.of(
                    new CommandSpec.Example("The log of a pod with one container", "gantry logs web"),
                    new CommandSpec.Example("Follow one of several containers", "gantry logs web -c app -f"),
                    new CommandSpec.Example("Why did it restart? The run before this one", "gantry logs web -p"),
                    new CommandSpec.Example(
                            "The last 20 lines of the last hour, with times",
                            "gantry logs web --tail 20 --since 1h --timestamps"),
                    new CommandSpec.Example(
                            "All containers, each line with its name", "gantry logs web --all-containers --prefix")),
            List.of(
                    CommandSpec.NAMESPACE,
                    Option.value("container", 'c', "NAME", "The container, if the pod has several."),
                    Option.flag("all-containers", "All containers of the pod, init and ephemeral ones too."),
                    Option.flag("follow", 'f', "Stay and print what is written, until the container ends."),
                    Option.flag("previous", 'p', "The container's run before the current one."),
                    Option.value("tail", "LINES", "Only the last lines; default: all."),
                    Option.flag("timestamps", "Begin each line with the time at which it was written."),
                    Option.value("since", "DURATION", "Only lines newer than this, such as 30s, 5m or 2h."),
                    Option.value("since-time", "TIME", "Only lines after this time (RFC 3339)."),
                    Option.value("limit-bytes", "BYTES", "Stop after so many bytes."),
                    Option.flag("prefix", "Begin each line with the pod and the container.")));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session)
            throws UsageException, CliException, IOException, InterruptedException {
        if (arguments.operands().isEmpty()) {
            throw new UsageException("the pod's name is missing");
        }
        arguments.atMost(2);
        String pod = arguments.operands().get(0);
        pod = pod.substring(pod.indexOf('/') + 1);
        String container = arguments.value(
                "container",
                arguments.operands().size() > 1 ? arguments.operands().get(1) : "");
        String base = "/api/v1/namespaces/" + ApiClient.encode(arguments.value("namespace", "default")) + "/pods/"
                + ApiClient.encode(pod);
        Map<String, String> query = query(arguments);
        if (arguments.flag("all-containers")) {
            if (!container.isEmpty()) {
                throw new UsageException("give either a container or --all-containers");
            }
            return all(session, base, pod, query, arguments);
        }
        query.put("container", container);
        String prefix = "";
        if (arguments.flag("prefix")) {
            String name = container;
            if (name.isEmpty()) {
                name = containers(session, base).get(0);
            }
            prefix = "[pod/" + pod + "/" + name + "] ";
        }
        try {
            copy(session, ApiClient.query(base + "/log", query), new LineOutput(session.console(), prefix));
        } catch (CliException e) {
            query.put("container", DefaultContainer.instead(e, session, base));
            copy(session, ApiClient.query(base + "/log", query), new LineOutput(session.console(), prefix));
        }
        return 0;
    }

    private static Map<String, String> query(Arguments arguments) throws UsageException {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("follow", arguments.flag("follow") ? "true" : "");
        query.put("previous", arguments.flag("previous") ? "true" : "");
        query.put("timestamps", arguments.flag("timestamps") ? "true" : "");
        if (arguments.has("tail") && !arguments.value("tail").equals("-1")) {
            query.put("tailLines", String.valueOf(arguments.number("tail", 0, Long.MAX_VALUE)));
        }
        if (arguments.has("since") && arguments.has("since-time")) {
            throw new UsageException("give either --since or --since-time");
        }
        if (arguments.has("since")) {
            query.put("sinceSeconds", String.valueOf(Math.max(1, (arguments.durationMillis("since") + 999) / 1000)));
        }
        query.put("sinceTime", arguments.value("since-time"));
        if (arguments.has("limit-bytes")) {
            query.put("limitBytes", String.valueOf(arguments.number("limit-bytes", 1, Long.MAX_VALUE)));
        }
        return query;
    }

    private static List<String> containers(Session session, String base) throws CliException, IOException {
        try (ApiResponse response = session.client().get(base)) {
            return response.json().items("spec", "containers").stream()
                    .map(container -> container.text("name"))
                    .toList();
        }
    }

    /** In the order in which they start, as kubectl has it. */
    private static List<String> allContainers(Session session, String base) throws CliException, IOException {
        try (ApiResponse response = session.client().get(base)) {
            Json pod = response.json();
            return Stream.of("initContainers", "containers", "ephemeralContainers")
                    .flatMap(kind -> pod.items("spec", kind).stream())
                    .map(container -> container.text("name"))
                    .toList();
        }
    }

    private static int all(Session session, String base, String pod, Map<String, String> query, Arguments arguments)
            throws CliException, IOException, InterruptedException {
        List<Thread> followers = new java.util.ArrayList<>();
        for (String container : allContainers(session, base)) {
            String prefix = arguments.flag("prefix") ? "[pod/" + pod + "/" + container + "] " : "";
            Map<String, String> own = new LinkedHashMap<>(query);
            own.put("container", container);
            String request = ApiClient.query(base + "/log", own);
            LineOutput out = new LineOutput(session.console(), prefix);
            if (!arguments.flag("follow")) {
                copy(session, request, out);
                continue;
            }
            Thread follower = new Thread(
                    () -> {
                        try {
                            copy(session, request, out);
                        } catch (CliException | IOException e) {
                            if (!String.valueOf(e.getMessage()).isEmpty()) {
                                session.console().err().println(e.getMessage());
                            }
                        }
                    },
                    "logs-" + container);
            follower.start();
            followers.add(follower);
        }
        for (Thread follower : followers) {
            follower.join();
        }
        return 0;
    }

    /** Copies one log as it arrives. */
    static void copy(Session session, String request, LineOutput out) throws CliException, IOException {
        try (ApiResponse response = session.client().get(request);
                InputStream body = response.body()) {
            byte[] buffer = new byte[64 * 1024];
            for (int count = body.read(buffer); count >= 0; count = body.read(buffer)) {
                out.write(buffer, count);
                session.console().requireOut();
            }
            out.end();
        }
    }
}
