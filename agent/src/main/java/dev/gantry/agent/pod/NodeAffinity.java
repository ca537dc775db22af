package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.NodeSelector;
import io.fabric8.kubernetes.api.model.NodeSelectorRequirement;
import io.fabric8.kubernetes.api.model.NodeSelectorTerm;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Whether a pod wants to be on a node with these labels: nodeSelector and what affinity requires. */
final class NodeAffinity {
    private NodeAffinity() {}

    static boolean matches(PodSpec spec, String nodeName, Map<String, String> labels) {
        Map<String, String> selector = spec.getNodeSelector() == null ? Map.of() : spec.getNodeSelector();
        boolean selected =
                selector.entrySet().stream().allMatch(entry -> entry.getValue().equals(labels.get(entry.getKey())));
        if (!selected || spec.getAffinity() == null || spec.getAffinity().getNodeAffinity() == null) {
            return selected;
        }
        NodeSelector required =
                spec.getAffinity().getNodeAffinity().getRequiredDuringSchedulingIgnoredDuringExecution();
        return required == null || matches(required, nodeName, labels);
    }

    /** No terms match nothing; an empty term matches nothing either. */
    static boolean matches(NodeSelector selector, String nodeName, Map<String, String> labels) {
        return orEmpty(selector.getNodeSelectorTerms()).stream().anyMatch(term -> matches(term, nodeName, labels));
    }

    private static boolean matches(NodeSelectorTerm term, String nodeName, Map<String, String> labels) {
        List<NodeSelectorRequirement> expressions = orEmpty(term.getMatchExpressions());
        List<NodeSelectorRequirement> fields = orEmpty(term.getMatchFields());
        return !(expressions.isEmpty() && fields.isEmpty())
                && expressions.stream().allMatch(one -> matches(one, labels.get(one.getKey())))
                && fields.stream()
                        .allMatch(one -> matches(one, one.getKey().equals("metadata.name") ? nodeName : null));
    }

    private static boolean matches(NodeSelectorRequirement requirement, @Nullable String value) {
        List<String> values = orEmpty(requirement.getValues());
        return switch (requirement.getOperator()) {
            case "In" -> value != null && values.contains(value);
            case "NotIn" -> value == null || !values.contains(value);
            case "Exists" -> value != null;
            case "DoesNotExist" -> value == null;
            case "Gt" -> compare(value, values) > 0;
            case "Lt" -> compare(value, values) < 0;
            default -> false;
        };
    }

    /** 0 also if one of them is no number: then neither is greater. */
    private static int compare(@Nullable String value, List<String> values) {
        OptionalLong left = value == null ? OptionalLong.empty() : PodWorker.parse(value);
        OptionalLong right = values.size() == 1 ? PodWorker.parse(values.get(0)) : OptionalLong.empty();
        return left.isPresent() && right.isPresent() ? Long.compare(left.getAsLong(), right.getAsLong()) : 0;
    }

    private static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }
}
