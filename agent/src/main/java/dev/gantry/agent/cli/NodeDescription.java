package dev.gantry.agent.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gantry.agent.api.Ages;
import dev.gantry.agent.resource.Amounts;
import dev.gantry.agent.resource.PodAmounts;
import dev.gantry.staticpods.Quantities;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A node in the form of {@code kubectl describe node}. */
final class NodeDescription {
    private static final int WIDTH = 20;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Console console;
    private final Clock clock;
    private final StringBuilder out = new StringBuilder();

    NodeDescription(Console console, Clock clock) {
        this.console = console;
        this.clock = clock;
    }

    String of(Json node, Json podList, Json eventList) {
        line("Name", node.text("metadata", "name"));
        line("Roles", "<none>");
        String labels = "";
        for (Map.Entry<String, Json> label : node.members("metadata", "labels").entrySet()) {
            labels += (labels.isEmpty() ? "" : "\n" + " ".repeat(WIDTH)) + label.getKey() + "="
                    + label.getValue().text();
        }
        line("Labels", labels);
        line("CreationTimestamp", node.text("metadata", "creationTimestamp"));
        conditions(node.items("status", "conditions"));
        out.append("Addresses:\n");
        for (Json address : node.items("status", "addresses")) {
            out.append(String.format("  %-12s %s%n", address.text("type") + ":", address.text("address")));
        }
        amounts("Capacity", node.members("status", "capacity"));
        amounts("Allocatable", node.members("status", "allocatable"));
        out.append("System Info:\n");
        for (Map.Entry<String, Json> info : node.members("status", "nodeInfo").entrySet()) {
            out.append(String.format(
                    "  %-26s %s%n", info.getKey() + ":", info.getValue().text()));
        }
        pods(node, podList);
        List<Json> events = PlainText.of(eventList).items("items");
        if (events.isEmpty()) {
            line("Events", "");
        } else {
            EventRows.print(out, events, console, this::age);
        }
        return out.toString();
    }

    private void conditions(List<Json> conditions) {
        out.append("Conditions:\n");
        InnerTable table = new InnerTable(true, "Type", "Status", "Since", "Reason", "Message");
        for (Json condition : conditions) {
            table.add(
                    condition.text("type"),
                    condition.text("status"),
                    age(condition.text("lastTransitionTime")),
                    condition.text("reason"),
                    condition.text("message"));
        }
        table.print(out);
    }

    private void amounts(String title, Map<String, Json> amounts) {
        out.append(title).append(":\n");
        amounts.forEach((name, value) -> out.append(String.format("  %-20s %s%n", name + ":", value.text())));
    }

    private void pods(Json node, Json podList) {
        List<Pod> pods = new ArrayList<>();
        for (Json item : podList.items("items")) {
            String phase = item.text("status", "phase");
            if (!phase.equals("Succeeded") && !phase.equals("Failed")) {
                pods.add(MAPPER.convertValue(item.value(), Pod.class));
            }
        }
        Amounts allocatable = Amounts.of(quantities(node.members("status", "allocatable")));
        out.append("Non-terminated Pods:  (").append(pods.size()).append(" in total)\n");
        InnerTable table = new InnerTable(
                true, "Namespace", "Name", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits");
        Amounts requests = Amounts.NONE;
        Amounts limits = Amounts.NONE;
        for (Pod pod : pods) {
            Amounts requested = PodAmounts.requests(pod.getSpec());
            Amounts limited = PodAmounts.limits(pod.getSpec());
            requests = requests.plus(requested);
            limits = limits.plus(limited);
            table.add(
                    pod.getMetadata().getNamespace(),
                    pod.getMetadata().getName(),
                    part(Amounts.CPU, requested, allocatable),
                    part(Amounts.CPU, limited, allocatable),
                    part(Amounts.MEMORY, requested, allocatable),
                    part(Amounts.MEMORY, limited, allocatable));
        }
        table.print(out);
        out.append("Allocated resources:\n");
        InnerTable totals = new InnerTable(true, "Resource", "Requests", "Limits");
        for (String name : List.of(Amounts.CPU, Amounts.MEMORY, Amounts.EPHEMERAL_STORAGE)) {
            totals.add(name, part(name, requests, allocatable), part(name, limits, allocatable));
        }
        totals.print(out);
    }

    private static Map<String, Quantity> quantities(Map<String, Json> members) {
        Map<String, Quantity> result = new java.util.TreeMap<>();
        members.forEach((name, value) -> result.put(name, Quantities.quantity(value.text())));
        return result;
    }

    /** {@code 250m (12%)}. */
    private static String part(String name, Amounts amounts, Amounts of) {
        long value = amounts.get(name);
        String quantity = name.equals(Amounts.CPU)
                ? String.valueOf(new Amounts(Map.of(name, value)).quantities().get(name))
                : bytes(value);
        long percent = of.get(name) == 0 ? 0 : Math.round(Math.floor(100.0 * value / of.get(name)));
        return quantity + " (" + percent + "%)";
    }

    /** As Kubernetes writes amounts of bytes: in the largest unit of which it is a whole number. */
    private static String bytes(long value) {
        String[] units = {"", "Ki", "Mi", "Gi", "Ti", "Pi"};
        long left = value;
        int unit = 0;
        while (left > 0 && left % 1024 == 0 && unit < units.length - 1) {
            left /= 1024;
            unit++;
        }
        return left + units[unit];
    }

    private String age(String timestamp) {
        return timestamp.isEmpty()
                ? "<unknown>"
                : Ages.human(Duration.between(Instant.parse(timestamp), clock.instant()));
    }

    private void line(String title, String value) {
        out.append(title)
                .append(':')
                .append(" ".repeat(Math.max(1, WIDTH - title.length() - 1)))
                .append(value.isEmpty() ? "<none>" : value)
                .append('\n');
    }
}
