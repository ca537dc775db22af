package dev.gantry.agent.api;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.gantry.agent.config.Version;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** What is not about one pod: version, health, metrics, discovery, namespaces, explain and check. */
final class NodeResource {
    private final Backend backend;
    private final Collection<Node> nodes;

    NodeResource(Backend backend, Clock clock) {
        this.backend = backend;
        this.nodes = new Collection<>(
                "Node",
                NodeTable.TABLE,
                new ChangeLog<>(1),
                clock,
                Set.of("metadata.name"),
                (node, path) -> node.getMetadata().getName());
    }

    void handle(Exchange exchange, List<String> path) throws ApiException {
        switch (String.join("/", path)) {
            case "version" -> version(exchange);
            case "healthz", "livez", "healthz/ping" ->
                health(exchange, backend.health().unhealthy());
            case "readyz" -> {
                Optional<String> wrong = backend.health().unhealthy();
                health(exchange, wrong.isPresent() ? wrong : backend.health().unready());
            }
            case "metrics" ->
                exchange.respond(
                        200,
                        "text/plain; version=0.0.4; charset=utf-8",
                        metrics().getBytes(java.nio.charset.StandardCharsets.UTF_8));
            case "apis" ->
                exchange.json(200, Json.bytes(json -> {
                    json.writeStartObject();
                    json.writeStringField("kind", "APIGroupList");
                    json.writeStringField("apiVersion", "v1");
                    json.writeArrayFieldStart("groups");
                    json.writeEndArray();
                    json.writeEndObject();
                }));
            case "" ->
                exchange.json(200, Json.bytes(json -> {
                    json.writeStartObject();
                    json.writeArrayFieldStart("paths");
                    for (String known : List.of(
                            "/api",
                            "/api/v1",
                            "/apis",
                            "/gantry/v1",
                            "/healthz",
                            "/livez",
                            "/metrics",
                            "/readyz",
                            "/version")) {
                        json.writeString(known);
                    }
                    json.writeEndArray();
                    json.writeEndObject();
                }));
            default -> throw ApiException.noSuchPath();
        }
    }

    private static void health(Exchange exchange, Optional<String> wrong) {
        exchange.text(
                wrong.isPresent() ? 503 : 200,
                wrong.map(reason -> reason + "\n").orElse("ok"));
    }

    private static void version(Exchange exchange) {
        exchange.json(200, Json.bytes(json -> {
            json.writeStartObject();
            // The Kubernetes version whose API this is, as clients compare it with their own.
            json.writeStringField("major", "1");
            json.writeStringField("minor", "36");
            json.writeStringField("gitVersion", "v" + Version.CURRENT);
            json.writeStringField("platform", "linux/" + architecture());
            json.writeStringField("javaVersion", System.getProperty("java.version"));
            json.writeEndObject();
        }));
    }

    private static String architecture() {
        String name = System.getProperty("os.arch", "");
        return name.equals("aarch64") ? "arm64" : name;
    }

    private String metrics() {
        StringBuilder out = new StringBuilder(2048);
        Map<String, Integer> phases = new TreeMap<>();
        int containers = 0;
        for (Pod pod : backend.engine().pods()) {
            String phase = pod.getStatus() == null || pod.getStatus().getPhase() == null
                    ? "Pending"
                    : pod.getStatus().getPhase();
            phases.merge(phase, 1, Integer::sum);
            if (pod.getStatus() != null) {
                containers += (int) pod.getStatus().getContainerStatuses().stream()
                        .filter(status ->
                                status.getState() != null && status.getState().getRunning() != null)
                        .count();
            }
        }
        type(out, "gantry_pods", "gauge", "Pods by phase.");
        phases.forEach((phase, count) -> out.append("gantry_pods{phase=\"")
                .append(phase)
                .append("\"} ")
                .append(count)
                .append('\n'));
        type(out, "kubelet_running_pods", "gauge", "Number of pods that have a running pod sandbox.");
        out.append("kubelet_running_pods ")
                .append(phases.getOrDefault("Running", 0))
                .append('\n');
        type(out, "kubelet_running_containers", "gauge", "Number of containers currently running.");
        out.append("kubelet_running_containers{container_state=\"running\"} ")
                .append(containers)
                .append('\n');
        type(out, "process_start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.");
        out.append("process_start_time_seconds ")
                .append(ManagementFactory.getRuntimeMXBean().getStartTime() / 1000.0)
                .append('\n');
        type(out, "jvm_threads_current", "gauge", "Current thread count of the JVM.");
        out.append("jvm_threads_current ")
                .append(ManagementFactory.getThreadMXBean().getThreadCount())
                .append('\n');
        type(out, "jvm_memory_heap_used_bytes", "gauge", "Used bytes of the JVM's heap.");
        out.append("jvm_memory_heap_used_bytes ")
                .append(ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed())
                .append('\n');
        backend.metrics().write(out);
        return out.toString();
    }

    private static void type(StringBuilder out, String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    /** {@code /api} and {@code /api/v1}: what there is. */
    void discovery(Exchange exchange, List<String> path) throws ApiException {
        if (path.size() == 1) {
            exchange.json(200, Json.bytes(json -> {
                json.writeStartObject();
                json.writeStringField("kind", "APIVersions");
                json.writeArrayFieldStart("versions");
                json.writeString("v1");
                json.writeEndArray();
                json.writeArrayFieldStart("serverAddressByClientCIDRs");
                json.writeEndArray();
                json.writeEndObject();
            }));
            return;
        }
        if (!path.get(1).equals("v1")) {
            throw ApiException.noSuchPath();
        }
        exchange.json(200, Json.bytes(json -> {
            json.writeStartObject();
            json.writeStringField("kind", "APIResourceList");
            json.writeStringField("groupVersion", "v1");
            json.writeArrayFieldStart("resources");
            resource(json, "events", "event", "Event", true, List.of("ev"), List.of("get", "list", "watch"));
            resource(json, "namespaces", "namespace", "Namespace", false, List.of("ns"), List.of("get", "list"));
            resource(json, "nodes", "node", "Node", false, List.of("no"), List.of("get", "list"));
            resource(json, "nodes/status", "", "Node", false, List.of(), List.of("get"));
            resource(
                    json,
                    "pods",
                    "pod",
                    "Pod",
                    true,
                    List.of("po"),
                    List.of("create", "delete", "get", "list", "patch", "update", "watch"));
            resource(json, "pods/attach", "", "PodAttachOptions", true, List.of(), List.of("create", "get"));
            resource(json, "pods/ephemeralcontainers", "", "Pod", true, List.of(), List.of("get", "patch", "update"));
            resource(json, "pods/exec", "", "PodExecOptions", true, List.of(), List.of("create", "get"));
            resource(json, "pods/log", "", "Pod", true, List.of(), List.of("get"));
            resource(json, "pods/resize", "", "Pod", true, List.of(), List.of("get", "patch", "update"));
            resource(json, "pods/status", "", "Pod", true, List.of(), List.of("get", "patch", "update"));
            json.writeEndArray();
            json.writeEndObject();
        }));
    }

    private static void resource(
            JsonGenerator json,
            String name,
            String singular,
            String kind,
            boolean namespaced,
            List<String> shortNames,
            List<String> verbs)
            throws IOException {
        json.writeStartObject();
        json.writeStringField("name", name);
        json.writeStringField("singularName", singular);
        json.writeBooleanField("namespaced", namespaced);
        json.writeStringField("kind", kind);
        strings(json, "verbs", verbs);
        if (!shortNames.isEmpty()) {
            strings(json, "shortNames", shortNames);
        }
        json.writeEndObject();
    }

    private static void strings(JsonGenerator json, String name, List<String> values) throws IOException {
        json.writeArrayFieldStart(name);
        for (String value : values) {
            json.writeString(value);
        }
        json.writeEndArray();
    }

    /** This node: the only one there is. */
    void nodes(Exchange exchange, List<String> path) throws ApiException {
        if (exchange.request().flag("watch")) {
            throw ApiException.of(405, "MethodNotAllowed", "nodes cannot be watched; list them again instead");
        }
        Node node = backend.node().get();
        boolean isStatus = path.size() == 3 && path.get(2).equals("status");
        if (path.size() == 3 && !isStatus) {
            throw ApiException.noSuchPath();
        }
        if (path.size() == 1) {
            nodes.answer(exchange, "", node.getMetadata().getResourceVersion(), List.of(node));
        } else if (path.get(1).equals(node.getMetadata().getName())) {
            nodes.answer(exchange, 200, node);
        } else {
            throw ApiException.notFound("nodes", path.get(1));
        }
    }

    /** All namespaces, or one. A node has no namespace objects; those that its pods are in count as active. */
    void namespaces(Exchange exchange, Set<String> namespaces, String name) throws ApiException {
        if (!name.isEmpty() && !namespaces.contains(name)) {
            throw ApiException.notFound("namespaces", name);
        }
        if (!name.isEmpty()) {
            exchange.json(200, Json.bytes(json -> namespace(json, name)));
            return;
        }
        exchange.json(200, Json.bytes(json -> {
            json.writeStartObject();
            json.writeStringField("kind", "NamespaceList");
            json.writeStringField("apiVersion", "v1");
            json.writeObjectFieldStart("metadata");
            json.writeEndObject();
            json.writeArrayFieldStart("items");
            for (String known : namespaces) {
                namespace(json, known);
            }
            json.writeEndArray();
            json.writeEndObject();
        }));
    }

    private static void namespace(JsonGenerator json, String name) throws IOException {
        json.writeStartObject();
        json.writeStringField("kind", "Namespace");
        json.writeStringField("apiVersion", "v1");
        json.writeObjectFieldStart("metadata");
        json.writeStringField("name", name);
        json.writeEndObject();
        json.writeObjectFieldStart("status");
        json.writeStringField("phase", "Active");
        json.writeEndObject();
        json.writeEndObject();
    }

    void explain(Exchange exchange) throws ApiException, IOException {
        Request request = exchange.request();
        String source = request.parameter("source");
        Backend.Content manifest;
        try {
            manifest = backend.manifests()
                    .decode(
                            source.isEmpty() ? "request" : source,
                            request.body().bytes());
        } catch (ManifestException e) {
            throw ApiException.badRequest(String.valueOf(e.getMessage()));
        }
        try {
            exchange.text(200, backend.explainer().explain(manifest));
        } catch (IOException e) {
            throw ApiException.of(422, "Invalid", String.valueOf(e.getMessage()));
        }
    }

    void check(Exchange exchange) {
        exchange.json(200, backend.check().json().getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
}
