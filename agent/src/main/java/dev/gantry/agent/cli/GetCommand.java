package dev.gantry.agent.cli;

import dev.gantry.agent.config.Suggestions;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code gantry get}: lists and watches through the server's own tables, so that it needs to know no kind. */
final class GetCommand implements Command {
    static final Option OUTPUT = Option.value("output", 'o', "FORMAT", "One of: wide, json, yaml, name.");
    static final Option WATCH = Option.flag("watch", 'w', "After listing, stay and print each change, until Ctrl-C.");
    static final Option ALL = Option.flag("all-namespaces", 'A', "List the objects of all namespaces.");
    static final Option NO_HEADERS = Option.flag("no-headers", "Print no line of headings.");

    private static final CommandSpec SPEC = new CommandSpec(
            "get",
            "pods|events|nodes [NAME...]",
            Commands.summary("get"),
            "List pods, events or the node of a running agent.",
            List.of(
                    new CommandSpec.Example("The pods of the default namespace", "gantry get pods"),
                    new CommandSpec.Example("All pods, with their addresses", "gantry get pods -A -o wide"),
                    new CommandSpec.Example("One pod as YAML", "gantry get pod web -o yaml"),
                    new CommandSpec.Example("The node, with its system", "gantry get nodes -o wide"),
                    new CommandSpec.Example("Print each change of state", "gantry get pods --watch")),
            List.of(
                    CommandSpec.NAMESPACE,
                    ALL,
                    OUTPUT,
                    WATCH,
                    Option.value(
                            "selector",
                            'l',
                            "QUERY",
                            "Only objects with these labels, such as app=web,tier!=db or 'tier in (a,b)'."),
                    Option.value(
                            "field-selector", "QUERY", "Only objects with these fields, such as status.phase=Running."),
                    NO_HEADERS));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, IOException {
        if (arguments.operands().isEmpty()) {
            throw new UsageException("say what to list: pods, events or nodes");
        }
        String first = arguments.operands().get(0);
        int slash = first.indexOf('/');
        String resource = resource(slash > 0 ? first.substring(0, slash) : first);
        List<String> names = new ArrayList<>();
        for (String operand : arguments
                .operands()
                .subList(slash > 0 ? 0 : 1, arguments.operands().size())) {
            names.add(name(operand, resource));
        }
        return new Listing(arguments, session, resource, arguments.value("field-selector")).run(names);
    }

    /** {@code web} or, as {@code -o name} prints it, {@code pod/web}. */
    private static String name(String operand, String resource) throws UsageException {
        int slash = operand.indexOf('/');
        if (slash > 0 && !resource(operand.substring(0, slash)).equals(resource)) {
            throw new UsageException(
                    "'" + operand + "' is not one of the " + resource + ": ask for one kind at a time");
        }
        return operand.substring(slash + 1);
    }

    private static String resource(String word) throws UsageException {
        return switch (word) {
            case "pods", "pod", "po" -> "pods";
            case "events", "event", "ev" -> "events";
            case "nodes", "node", "no" -> "nodes";
            default ->
                throw new UsageException("there is no resource type \"" + word + "\"; "
                        + Suggestions.nearest(word, List.of("pods", "events", "nodes"))
                                .map(near -> "did you mean " + near + "?")
                                .orElse("known are pods, events and nodes"));
        };
    }

    /** One listing of one resource. */
    static final class Listing {
        private final Arguments arguments;
        private final Session session;
        private final String resource;
        private final boolean namespaced;
        private final boolean allNamespaces;
        private final String namespace;
        private final String output;

        private final String fieldSelector;
        private List<Json> columns = List.of();

        Listing(Arguments arguments, Session session, String resource, String fieldSelector) throws UsageException {
            this.arguments = arguments;
            this.fieldSelector = fieldSelector;
            this.session = session;
            this.resource = resource;
            this.namespaced = !resource.equals("nodes");
            this.allNamespaces = namespaced && arguments.flag("all-namespaces");
            this.namespace = arguments.value("namespace", "default");
            this.output = arguments.value("output");
            if (!List.of("", "wide", "json", "yaml", "name").contains(output)) {
                throw new UsageException("--output takes wide, json, yaml or name, not '" + output + "'");
            }
        }

        int run(List<String> names) throws UsageException, CliException, IOException {
            boolean watch = arguments.flag("watch");
            if (!names.isEmpty() && allNamespaces) {
                throw new UsageException("a name belongs to one namespace: leave out -A, or give -n");
            }
            if (watch && !namespaced) {
                throw new UsageException("nodes cannot be watched");
            }
            if (watch && names.size() > 1) {
                throw new UsageException("--watch takes one name or none");
            }
            if (watch) {
                return watch(names);
            }
            return isTable() ? printTables(names) : printObjects(names);
        }

        private boolean isTable() {
            return output.isEmpty() || output.equals("wide");
        }

        private String collection() {
            return allNamespaces || !namespaced
                    ? "/api/v1/" + resource
                    : "/api/v1/namespaces/" + ApiClient.encode(namespace) + "/" + resource;
        }

        private Map<String, String> selection(List<String> names) {
            Map<String, String> query = new LinkedHashMap<>();
            query.put("labelSelector", arguments.value("selector"));
            String fields = fieldSelector;
            if (!names.isEmpty()) {
                fields = (fields.isEmpty() ? "" : fields + ",") + "metadata.name=" + names.get(0);
            }
            query.put("fieldSelector", fields);
            return query;
        }

        private int printTables(List<String> names) throws CliException, IOException {
            TablePrinter printer = null;
            int exit = 0;
            List<String> requests = new ArrayList<>();
            for (String name : names) {
                requests.add(collection() + "/" + ApiClient.encode(name));
            }
            if (names.isEmpty()) {
                requests.add(ApiClient.query(collection(), selection(names)));
            }
            for (String request : requests) {
                try (ApiResponse response = session.client().getTable(request)) {
                    Json table = response.json();
                    printer = printer == null ? printer(table) : printer;
                    addRows(printer, table);
                } catch (CliException e) {
                    if (requests.size() == 1) {
                        throw e;
                    }
                    session.console().err().println(e.getMessage());
                    exit = 1;
                }
            }
            if (printer != null && printer.isEmpty() && names.isEmpty()) {
                nothing();
            } else if (printer != null) {
                printer.flush();
            }
            return exit;
        }

        private void nothing() {
            session.console()
                    .err()
                    .println(
                            allNamespaces
                                    ? "No resources found"
                                    : "No resources found in " + namespace + " namespace.");
        }

        private TablePrinter printer(Json table) {
            List<String> headings = new ArrayList<>();
            if (allNamespaces) {
                headings.add("NAMESPACE");
            }
            for (Json column : table.items("columnDefinitions")) {
                if (isShown(column)) {
                    headings.add(column.text("name").toUpperCase(java.util.Locale.ROOT));
                }
            }
            columns = table.items("columnDefinitions");
            return new TablePrinter(session.console(), headings, !arguments.flag("no-headers"));
        }

        private boolean isShown(Json column) {
            return column.number("priority") == 0 || output.equals("wide");
        }

        private void addRows(TablePrinter printer, Json table) {
            for (Json row : table.items("rows")) {
                List<String> cells = new ArrayList<>();
                if (allNamespaces) {
                    cells.add(row.text("object", "metadata", "namespace"));
                }
                List<Json> values = row.items("cells");
                for (int i = 0; i < columns.size() && i < values.size(); i++) {
                    if (isShown(columns.get(i))) {
                        Object value = values.get(i).value();
                        cells.add(value == null ? "" : value.toString());
                    }
                }
                printer.add(cells);
            }
        }

        private int printObjects(List<String> names) throws CliException, IOException {
            List<Json> objects = new ArrayList<>();
            Json list = Json.EMPTY;
            if (names.isEmpty()) {
                try (ApiResponse response = session.client().get(ApiClient.query(collection(), selection(names)))) {
                    list = response.json();
                    objects.addAll(list.items("items"));
                }
            }
            int exit = 0;
            for (String name : names) {
                try (ApiResponse response = session.client().get(collection() + "/" + ApiClient.encode(name))) {
                    objects.add(response.json());
                } catch (CliException e) {
                    if (names.size() == 1) {
                        throw e;
                    }
                    session.console().err().println(e.getMessage());
                    exit = 1;
                }
            }
            if (output.equals("name")) {
                for (Json object : objects) {
                    printObject(object);
                }
                if (objects.isEmpty() && names.isEmpty()) {
                    nothing();
                }
            } else if (names.size() == 1) {
                printObject(objects.get(0));
            } else {
                printObject(list(objects));
            }
            return exit;
        }

        /** As kubectl prints several objects: a {@code List} of whole objects, whatever the server's own list is. */
        private Json list(List<Json> objects) {
            String kind = resource.equals("pods") ? "Pod" : resource.equals("nodes") ? "Node" : "Event";
            List<Object> items = new ArrayList<>();
            for (Json object : objects) {
                Map<String, Object> item = new LinkedHashMap<>();
                item.put("apiVersion", "v1");
                item.put("kind", kind);
                for (Map.Entry<String, Json> member : object.members().entrySet()) {
                    Object value = member.getValue().value();
                    if (value != null) {
                        item.put(member.getKey(), value);
                    }
                }
                items.add(item);
            }
            return new Json(Map.of(
                    "apiVersion", "v1", "kind", "List", "items", items, "metadata", Map.of("resourceVersion", "")));
        }

        private void printObject(Json object) {
            switch (output) {
                case "json" -> session.console().out().print(Documents.json(object));
                case "yaml" -> session.console().out().print(Documents.yaml(object));
                default ->
                    session.console()
                            .out()
                            .println(resource.substring(0, resource.length() - 1) + "/"
                                    + object.text("metadata", "name"));
            }
        }

        private int watch(List<String> names) throws CliException, IOException {
            String list = ApiClient.query(collection(), selection(names));
            String version;
            TablePrinter printer = null;
            try (ApiResponse response = isTable()
                    ? session.client().getTable(list)
                    : session.client().get(list)) {
                Json first = response.json();
                version = first.text("metadata", "resourceVersion");
                if (isTable()) {
                    printer = printer(first);
                    addRows(printer, first);
                    if (!printer.isEmpty()) {
                        printer.flush();
                    }
                } else {
                    for (Json item : first.items("items")) {
                        printWatched(item);
                    }
                }
            }
            session.console().out().flush();
            Map<String, String> query = selection(names);
            query.put("watch", "1");
            query.put("resourceVersion", version);
            String request = ApiClient.query(collection(), query);
            try (ApiResponse response = isTable()
                            ? session.client().getTable(request)
                            : session.client().get(request);
                    BufferedReader lines =
                            new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    Json event = Json.parse(line);
                    if (event.text("type").equals("ERROR")) {
                        throw CliException.fromServer(
                                (int) event.at("object").number("code"),
                                event.text("object", "reason"),
                                event.text("object", "message"));
                    }
                    if (printer != null) {
                        addRows(printer, event.at("object"));
                        printer.flush();
                    } else {
                        printWatched(event.at("object"));
                    }
                    session.console().requireOut();
                }
            }
            return 0;
        }

        private void printWatched(Json object) {
            if (output.equals("yaml")) {
                session.console().out().println("---");
            }
            printObject(object);
        }
    }
}
