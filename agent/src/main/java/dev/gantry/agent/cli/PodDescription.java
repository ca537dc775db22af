package dev.gantry.agent.cli;

import dev.gantry.agent.api.Ages;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A pod in the form of {@code kubectl describe pod}. */
final class PodDescription {
    private static final int WIDTH = 18;

    private final Console console;
    private final Clock clock;
    private final StringBuilder out = new StringBuilder();

    PodDescription(Console console, Clock clock) {
        this.console = console;
        this.clock = clock;
    }

    String of(Json someones, Json theirEvents) {
        Json pod = PlainText.of(someones);
        Json events = PlainText.of(theirEvents);
        line(0, "Name", pod.text("metadata", "name"));
        line(0, "Namespace", pod.text("metadata", "namespace"));
        int priority = (int) pod.at("spec").number("priority");
        line(0, "Priority", String.valueOf(priority));
        line(0, "Node", node(pod));
        line(0, "Start Time", time(pod.text("status", "startTime")));
        pairs("Labels", pod.members("metadata", "labels"), "=");
        pairs("Annotations", pod.members("metadata", "annotations"), ": ");
        deletion(pod);
        line(0, "Status", status(pod));
        optional(0, "Reason", pod.text("status", "reason"));
        optional(0, "Message", pod.text("status", "message"));
        line(0, "IP", pod.text("status", "podIP"));
        List<Json> ips = pod.items("status", "podIPs");
        out.append("IPs:").append(ips.isEmpty() ? "                <none>\n" : "\n");
        for (Json ip : ips) {
            out.append("  IP:  ").append(ip.text("ip")).append('\n');
        }
        containers("Init Containers", pod, "initContainers", "initContainerStatuses");
        containers("Containers", pod, "containers", "containerStatuses");
        containers("Ephemeral Containers", pod, "ephemeralContainers", "ephemeralContainerStatuses");
        conditions(pod);
        volumes(pod);
        line(0, "QoS Class", pod.text("status", "qosClass"));
        pairs("Node-Selectors", pod.members("spec", "nodeSelector"), "=");
        tolerations(pod);
        events(events);
        return out.toString();
    }

    private static String node(Json pod) {
        String node = pod.text("spec", "nodeName");
        String address = pod.text("status", "hostIP");
        return node.isEmpty() ? "<none>" : address.isEmpty() ? node : node + "/" + address;
    }

    private void deletion(Json pod) {
        String deleted = pod.text("metadata", "deletionTimestamp");
        if (!deleted.isEmpty()) {
            line(0, "Status", "Terminating (since " + ago(deleted) + ")");
            line(0, "Termination Grace Period", pod.text("metadata", "deletionGracePeriodSeconds") + "s");
        }
    }

    private String status(Json pod) {
        String phase = pod.text("status", "phase");
        return switch (phase) {
            case "Running", "Succeeded" -> console.green(phase);
            case "Failed" -> console.red(phase);
            default -> console.yellow(phase);
        };
    }

    private void containers(String title, Json pod, String specs, String statuses) {
        List<Json> containers = pod.items("spec", specs);
        if (containers.isEmpty()) {
            return;
        }
        out.append(title).append(":\n");
        for (Json container : containers) {
            Json status = pod.at("status")
                    .first(statuses, "name", container.text("name"))
                    .orElse(Json.EMPTY);
            container(container, status);
        }
    }

    private void container(Json container, Json status) {
        out.append("  ").append(console.bold(container.text("name"))).append(":\n");
        line(4, "Container ID", status.text("containerID"));
        line(4, "Image", container.text("image"));
        line(4, "Image ID", status.text("imageID"));
        ports(container);
        words("Command", container.items("command"));
        words("Args", container.items("args"));
        state("State", status.at("state"), true);
        if (!status.members("lastState").isEmpty()) {
            state("Last State", status.at("lastState"), false);
        }
        line(4, "Ready", capitalised(status.isTrue("ready")));
        line(4, "Restart Count", String.valueOf(status.number("restartCount")));
        resources("Limits", container.members("resources", "limits"));
        resources("Requests", container.members("resources", "requests"));
        optional(4, "Liveness", ProbeText.of(container.at("livenessProbe")));
        optional(4, "Readiness", ProbeText.of(container.at("readinessProbe")));
        optional(4, "Startup", ProbeText.of(container.at("startupProbe")));
        environment(container);
        mounts(container);
    }

    private void ports(Json container) {
        List<Json> ports = container.items("ports");
        StringBuilder own = new StringBuilder();
        StringBuilder host = new StringBuilder();
        for (Json port : ports) {
            String protocol = port.text("protocol").isEmpty() ? "TCP" : port.text("protocol");
            String separator = own.length() == 0 ? "" : ", ";
            String name = port.text("name").isEmpty() ? "" : " (" + port.text("name") + ")";
            own.append(separator)
                    .append(port.text("containerPort"))
                    .append('/')
                    .append(protocol)
                    .append(name);
            host.append(separator)
                    .append(port.number("hostPort"))
                    .append('/')
                    .append(protocol)
                    .append(name);
        }
        line(4, ports.size() > 1 ? "Ports" : "Port", own.toString());
        line(4, ports.size() > 1 ? "Host Ports" : "Host Port", host.toString());
    }

    private void words(String title, List<Json> words) {
        if (words.isEmpty()) {
            return;
        }
        out.append("    ").append(title).append(":\n");
        for (Json word : words) {
            String text = String.valueOf(word.value()).stripTrailing();
            for (String line : text.split("\n", -1)) {
                out.append("      ").append(line).append('\n');
            }
        }
    }

    private void state(String title, Json state, boolean current) {
        Json running = state.at("running");
        Json waiting = state.at("waiting");
        Json terminated = state.at("terminated");
        if (running.isPresent()) {
            line(4, title, current ? console.green("Running") : "Running");
            line(6, "Started", time(running.text("startedAt")));
        } else if (terminated.isPresent()) {
            line(4, title, "Terminated");
            optional(6, "Reason", terminated.text("reason"));
            optional(6, "Message", terminated.text("message"));
            line(6, "Exit Code", terminated.text("exitCode"));
            optional(6, "Signal", terminated.number("signal") == 0 ? "" : terminated.text("signal"));
            line(6, "Started", time(terminated.text("startedAt")));
            line(6, "Finished", time(terminated.text("finishedAt")));
        } else {
            line(4, title, "Waiting");
            optional(6, "Reason", current ? console.yellow(waiting.text("reason")) : waiting.text("reason"));
            optional(6, "Message", waiting.text("message"));
        }
    }

    private void resources(String title, Map<String, Json> resources) {
        if (resources.isEmpty()) {
            return;
        }
        out.append("    ").append(title).append(":\n");
        for (Map.Entry<String, Json> resource : resources.entrySet()) {
            line(6, resource.getKey(), resource.getValue().text());
        }
    }

    private void environment(Json container) {
        List<Json> sources = container.items("envFrom");
        if (!sources.isEmpty()) {
            out.append("    Environment Variables from:\n");
        }
        for (Json source : sources) {
            boolean secret = source.at("secretRef").isPresent();
            Json object = source.at(secret ? "secretRef" : "configMapRef");
            String prefix = source.text("prefix");
            out.append("      %s  %s%s  Optional: %s%n"
                    .formatted(
                            object.text("name"),
                            secret ? "Secret" : "ConfigMap",
                            prefix.isEmpty() ? "" : " with prefix '" + prefix + "'",
                            object.isTrue("optional")));
        }
        List<Json> variables = container.items("env");
        title("Environment", variables);
        for (Json variable : variables) {
            line(6, variable.text("name"), FieldDescriptions.variable(variable));
        }
    }

    private void title(String title, List<Json> entries) {
        if (entries.isEmpty()) {
            line(4, title, "");
        } else {
            out.append("    ").append(title).append(":\n");
        }
    }

    private void mounts(Json container) {
        List<Json> mounts = container.items("volumeMounts");
        title("Mounts", mounts);
        for (Json mount : mounts) {
            out.append("      ")
                    .append(mount.text("mountPath"))
                    .append(" from ")
                    .append(mount.text("name"));
            out.append(mount.isTrue("readOnly") ? " (ro" : " (rw");
            String subPath = mount.text("subPath") + mount.text("subPathExpr");
            out.append(subPath.isEmpty() ? ")\n" : ",path=\"" + subPath + "\")\n");
        }
    }

    private void conditions(Json pod) {
        List<Json> conditions = pod.items("status", "conditions");
        if (conditions.isEmpty()) {
            return;
        }
        out.append("Conditions:\n");
        InnerTable table = new InnerTable(false, "Type", "Status");
        for (Json condition : conditions) {
            String status = condition.text("status");
            String message = condition.text("message");
            String shown = status.equals("True") ? status : console.yellow(status);
            table.add(condition.text("type"), message.isEmpty() ? shown : shown + "   " + message);
        }
        table.print(out);
    }

    private void volumes(Json pod) {
        List<Json> volumes = pod.items("spec", "volumes");
        if (volumes.isEmpty()) {
            line(0, "Volumes", "");
            return;
        }
        out.append("Volumes:\n");
        for (Json volume : volumes) {
            out.append("  ").append(volume.text("name")).append(":\n");
            FieldDescriptions.volume(volume).forEach((title, value) -> line(4, title, value));
        }
    }

    private void tolerations(Json pod) {
        StringBuilder text = new StringBuilder();
        for (Json toleration : pod.items("spec", "tolerations")) {
            text.append(text.length() == 0 ? "" : "\n" + " ".repeat(WIDTH));
            String key = toleration.text("key");
            String value = toleration.text("value");
            text.append(key).append(value.isEmpty() ? "" : "=" + value);
            text.append(toleration.text("effect").isEmpty() ? "" : ":" + toleration.text("effect"));
            text.append(toleration.text("operator").equals("Exists") ? " op=Exists" : "");
        }
        line(0, "Tolerations", text.toString().trim());
    }

    private void events(Json events) {
        List<Json> items = events.items("items");
        if (items.isEmpty()) {
            line(0, "Events", "");
            return;
        }
        EventRows.print(out, items, console, this::age);
    }

    private void pairs(String title, Map<String, Json> pairs, String separator) {
        StringBuilder text = new StringBuilder();
        for (Map.Entry<String, Json> pair : pairs.entrySet()) {
            text.append(text.length() == 0 ? "" : "\n" + " ".repeat(WIDTH));
            text.append(pair.getKey()).append(separator).append(pair.getValue().text());
        }
        line(0, title, text.toString());
    }

    private void line(int indent, String title, String value) {
        int pad = Math.max(1, (indent == 0 ? WIDTH : 19) - indent - title.length() - 1);
        out.append(" ".repeat(indent)).append(title).append(':').append(" ".repeat(pad));
        out.append(value.isEmpty() ? "<none>" : value).append('\n');
    }

    private void optional(int indent, String title, String value) {
        if (!value.isEmpty()) {
            line(indent, title, value);
        }
    }

    private static String capitalised(boolean value) {
        return value ? "True" : "False";
    }

    private String time(String timestamp) {
        Instant instant = instant(timestamp);
        return instant.equals(Instant.EPOCH)
                ? ""
                : DateTimeFormatter.RFC_1123_DATE_TIME.withLocale(Locale.ROOT).format(instant.atZone(clock.getZone()));
    }

    private static Instant instant(String timestamp) {
        try {
            return timestamp.isEmpty() ? Instant.EPOCH : Instant.parse(timestamp);
        } catch (DateTimeParseException e) {
            return Instant.EPOCH;
        }
    }

    private String age(String timestamp) {
        Instant instant = instant(timestamp);
        return instant.equals(Instant.EPOCH) ? "<unknown>" : Ages.human(Duration.between(instant, clock.instant()));
    }

    private String ago(String timestamp) {
        return age(timestamp) + " ago";
    }
}
