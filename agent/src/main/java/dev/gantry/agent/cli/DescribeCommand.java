package dev.gantry.agent.cli;

import java.io.IOException;
import java.time.Clock;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code gantry describe pod}. */
final class DescribeCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "describe",
            "[pod|node] [NAME...]",
            Commands.summary("describe"),
            "Show a pod in detail: its state, each container's, and the events about it; or the node, with what it has, what its pods request, and the events about it.",
            List.of(
                    new CommandSpec.Example("A pod of the default namespace", "gantry describe pod web"),
                    new CommandSpec.Example("All pods of the default namespace", "gantry describe pods"),
                    new CommandSpec.Example("The node", "gantry describe node"),
                    new CommandSpec.Example("One of another namespace", "gantry describe pod dns -n kube-system")),
            List.of(CommandSpec.NAMESPACE));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, IOException {
        List<String> names = arguments.operands();
        if (!names.isEmpty() && List.of("node", "nodes", "no").contains(names.get(0))) {
            return nodes(names.subList(1, names.size()), session);
        }
        if (names.isEmpty()) {
            throw new UsageException("say what to describe: a pod's name, pods or node");
        }
        boolean kind = List.of("pod", "pods", "po").contains(names.get(0));
        return pods(kind ? names.subList(1, names.size()) : names, arguments.value("namespace", "default"), session);
    }

    /** The pods of these names, or all of the namespace. */
    private static int pods(List<String> operands, String namespace, Session session) throws CliException, IOException {
        String base = "/api/v1/namespaces/" + ApiClient.encode(namespace);
        List<Json> pods = new ArrayList<>();
        int exit = 0;
        if (operands.isEmpty()) {
            try (ApiResponse response = session.client().get(base + "/pods")) {
                pods.addAll(response.json().items("items"));
            }
            if (pods.isEmpty()) {
                session.console().err().println("No resources found in " + namespace + " namespace.");
            }
        }
        for (String operand : operands) {
            String name = operand.substring(operand.indexOf('/') + 1);
            try (ApiResponse response = session.client().get(base + "/pods/" + ApiClient.encode(name))) {
                pods.add(response.json());
            } catch (CliException e) {
                if (operands.size() == 1) {
                    throw e;
                }
                session.console().err().println(e.getMessage());
                exit = 1;
            }
        }
        String separator = "";
        for (Json pod : pods) {
            session.console().out().print(separator);
            session.console()
                    .out()
                    .print(new PodDescription(session.console(), Clock.system(ZoneId.systemDefault()))
                            .of(pod, events(session, base, pod)));
            separator = "\n\n";
        }
        return exit;
    }

    private static Json events(Session session, String base, Json object) throws CliException, IOException {
        Map<String, String> query = new LinkedHashMap<>();
        query.put(
                "fieldSelector",
                "involvedObject.name=" + object.text("metadata", "name") + ",involvedObject.uid="
                        + object.text("metadata", "uid"));
        try (ApiResponse response = session.client().get(ApiClient.query(base + "/events", query))) {
            return response.json();
        }
    }

    /** The nodes of these names, or the only one. */
    private static int nodes(List<String> names, Session session) throws CliException, IOException {
        List<Json> nodes = new ArrayList<>();
        if (names.isEmpty()) {
            try (ApiResponse response = session.client().get("/api/v1/nodes")) {
                nodes.addAll(response.json().items("items"));
            }
        }
        for (String name : names) {
            try (ApiResponse response = session.client().get("/api/v1/nodes/" + ApiClient.encode(name))) {
                nodes.add(response.json());
            }
        }
        Json pods;
        try (ApiResponse response = session.client().get("/api/v1/pods")) {
            pods = response.json();
        }
        for (Json node : nodes) {
            session.console()
                    .out()
                    .print(new NodeDescription(session.console(), Clock.systemUTC())
                            .of(node, pods, events(session, "/api/v1", node)));
        }
        return 0;
    }
}
