package dev.gantry.agent.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code gantry delete}. */
final class DeleteCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "delete",
            "[pod] NAME...",
            Commands.summary("delete"),
            "Delete pods: their containers get SIGTERM (or the image's stop signal), and SIGKILL when the grace period is over. Waits until they are gone.\n"
                    + "A pod from a manifest file is deleted by removing the file.",
            List.of(
                    new CommandSpec.Example("Delete a pod with the grace period of its spec", "gantry delete pod web"),
                    new CommandSpec.Example("Give it five seconds", "gantry delete pod web --grace-period 5"),
                    new CommandSpec.Example("Kill it at once", "gantry delete pod web --now")),
            List.of(
                    CommandSpec.NAMESPACE,
                    Option.value(
                            "grace-period",
                            "SECONDS",
                            "Time to end by itself; 0 kills at once; default: the pod's own."),
                    Option.flag("now", "The same as --grace-period 1."),
                    Option.flag("force", "With --grace-period 0; accepted because kubectl wants it."),
                    Option.flag("all", "All pods of the namespace that were made through the API."),
                    Option.flag("all-namespaces", 'A', "With --all: those of all namespaces."),
                    Option.value("wait", "true|false", "Whether to wait until the pods are gone; default: true.")));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, IOException {
        String namespace = arguments.value("namespace", "default");
        List<PodName> pods = new ArrayList<>();
        for (String name : names(arguments)) {
            pods.add(new PodName(namespace, name));
        }
        if (arguments.flag("all-namespaces") && !(arguments.flag("all") && pods.isEmpty())) {
            throw new UsageException("--all-namespaces goes with --all, and with no name");
        }
        if (arguments.flag("all")) {
            pods.addAll(apiPods(
                    session,
                    arguments.flag("all-namespaces")
                            ? "/api/v1/pods"
                            : "/api/v1/namespaces/" + ApiClient.encode(namespace) + "/pods"));
        }
        Map<String, String> query = new LinkedHashMap<>();
        if (arguments.has("grace-period") && arguments.flag("now")) {
            throw new UsageException("give either --grace-period or --now");
        }
        if (arguments.has("grace-period")) {
            query.put("gracePeriodSeconds", String.valueOf(arguments.number("grace-period", 0, Integer.MAX_VALUE)));
        } else if (arguments.flag("now")) {
            query.put("gracePeriodSeconds", "1");
        }
        String wait = arguments.value("wait", "true");
        if (!wait.equals("true") && !wait.equals("false")) {
            throw new UsageException("--wait takes true or false, not '" + wait + "'");
        }
        Map<PodName, String> deleted = new LinkedHashMap<>();
        int exit = 0;
        for (PodName pod : pods) {
            String path =
                    "/api/v1/namespaces/" + ApiClient.encode(pod.namespace()) + "/pods/" + ApiClient.encode(pod.name());
            try (ApiResponse response = session.client().delete(ApiClient.query(path, query))) {
                deleted.put(pod, response.json().text("metadata", "uid"));
                session.console().out().println("pod \"" + pod.name() + "\" deleted");
                session.console().out().flush();
            } catch (CliException e) {
                session.console().err().println(e.getMessage());
                exit = 1;
            }
        }
        if (wait.equals("true")) {
            for (Map.Entry<PodName, String> pod : deleted.entrySet()) {
                awaitGone(
                        session,
                        ApiClient.encode(pod.getKey().namespace()),
                        pod.getKey().name(),
                        pod.getValue());
            }
        }
        return exit;
    }

    private record PodName(String namespace, String name) {}

    private static List<String> names(Arguments arguments) throws UsageException {
        List<String> operands = arguments.operands();
        boolean kind = !operands.isEmpty() && List.of("pod", "pods", "po").contains(operands.get(0));
        List<String> names = new ArrayList<>();
        for (String operand : operands.subList(kind ? 1 : 0, operands.size())) {
            names.add(
                    operand.startsWith("pod/") || operand.startsWith("pods/")
                            ? operand.substring(operand.indexOf('/') + 1)
                            : operand);
        }
        if (names.isEmpty() && !arguments.flag("all")) {
            throw new UsageException("the pod's name is missing");
        }
        return names;
    }

    private static List<PodName> apiPods(Session session, String path) throws CliException, IOException {
        List<PodName> pods = new ArrayList<>();
        try (ApiResponse response = session.client().get(path)) {
            for (Json pod : response.json().items("items")) {
                if (!pod.text("metadata", "annotations", "kubernetes.io/config.source")
                        .equals("file")) {
                    pods.add(new PodName(pod.text("metadata", "namespace"), pod.text("metadata", "name")));
                }
            }
        }
        return pods;
    }

    /** Watches until the pod of this uid is gone. */
    static void awaitGone(Session session, String namespace, String name, String uid) throws CliException, IOException {
        Map<String, String> query = new LinkedHashMap<>();
        query.put("fieldSelector", "metadata.name=" + name);
        String path = "/api/v1/namespaces/" + namespace + "/pods";
        String version;
        try (ApiResponse list = session.client().get(ApiClient.query(path, query))) {
            Json pods = list.json();
            version = pods.text("metadata", "resourceVersion");
            List<Json> items = pods.items("items");
            if (items.isEmpty() || !items.get(0).text("metadata", "uid").equals(uid)) {
                return;
            }
        }
        query.put("watch", "1");
        query.put("resourceVersion", version);
        try (ApiResponse watch = session.client().get(ApiClient.query(path, query));
                BufferedReader lines =
                        new BufferedReader(new InputStreamReader(watch.body(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Json event = Json.parse(line);
                if (event.text("type").equals("DELETED")
                        && event.text("object", "metadata", "uid").equals(uid)) {
                    return;
                }
            }
        }
        throw new CliException("the agent went away while pod \"" + name + "\" was being deleted");
    }
}
