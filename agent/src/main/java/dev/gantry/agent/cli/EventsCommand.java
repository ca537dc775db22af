package dev.gantry.agent.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** {@code gantry events}. */
final class EventsCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "events",
            "",
            Commands.summary("events"),
            "List what happened to pods and to the node, oldest first; or follow it as it happens.",
            List.of(
                    new CommandSpec.Example("What happened in the default namespace", "gantry events"),
                    new CommandSpec.Example("What happened to one pod", "gantry events --for pod/web"),
                    new CommandSpec.Example("What happened to the node", "gantry events --for node/$(hostname)"),
                    new CommandSpec.Example(
                            "Follow the warnings of all namespaces", "gantry events -A --types Warning --watch")),
            List.of(
                    CommandSpec.NAMESPACE,
                    GetCommand.ALL,
                    GetCommand.OUTPUT,
                    GetCommand.WATCH,
                    Option.value("for", "KIND/NAME", "Only events about this pod or node, such as pod/web."),
                    Option.value("types", "TYPE", "Only events of this type: Normal or Warning."),
                    GetCommand.NO_HEADERS));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, IOException {
        arguments.atMost(0);
        List<String> fields = new ArrayList<>();
        if (arguments.has("for")) {
            String about = arguments.value("for");
            int slash = about.indexOf('/');
            fields.add("involvedObject.kind=" + kind(slash < 0 ? "pod" : about.substring(0, slash), about));
            fields.add("involvedObject.name=" + about.substring(slash + 1));
        }
        if (arguments.has("types")) {
            fields.add("type=" + type(arguments.value("types")));
        }
        return new GetCommand.Listing(arguments, session, "events", String.join(",", fields)).run(List.of());
    }

    private static String kind(String word, String asked) throws UsageException {
        return switch (word) {
            case "pods", "pod", "po" -> "Pod";
            case "nodes", "node", "no" -> "Node";
            default -> throw new UsageException("--for takes pod/NAME or node/NAME, not '" + asked + "'");
        };
    }

    private static String type(String asked) throws UsageException {
        for (String type : List.of("Normal", "Warning")) {
            if (type.equalsIgnoreCase(asked)) {
                return type;
            }
        }
        throw new UsageException("--types takes Normal or Warning, not '" + asked + "'");
    }
}
