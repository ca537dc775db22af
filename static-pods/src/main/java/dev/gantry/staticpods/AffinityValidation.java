package dev.gantry.staticpods;

import static dev.gantry.staticpods.PodValidation.orEmpty;

import io.fabric8.kubernetes.api.model.Affinity;
import io.fabric8.kubernetes.api.model.NodeAffinity;
import io.fabric8.kubernetes.api.model.NodeSelector;
import io.fabric8.kubernetes.api.model.NodeSelectorRequirement;
import io.fabric8.kubernetes.api.model.NodeSelectorTerm;
import io.fabric8.kubernetes.api.model.PreferredSchedulingTerm;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which nodes a pod can be on. What it wants of other pods concerns a scheduler alone and is not looked at. */
final class AffinityValidation {
    private static final List<String> OPERATORS = List.of("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt");

    private final FieldErrors errors;

    AffinityValidation(FieldErrors errors) {
        this.errors = errors;
    }

    void validate(String path, @Nullable Affinity affinity) {
        if (affinity == null || affinity.getNodeAffinity() == null) {
            return;
        }
        NodeAffinity node = affinity.getNodeAffinity();
        NodeSelector required = node.getRequiredDuringSchedulingIgnoredDuringExecution();
        if (required != null) {
            String field = path + ".nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
            List<NodeSelectorTerm> terms = orEmpty(required.getNodeSelectorTerms());
            if (terms.isEmpty()) {
                errors.add(FieldError.required(field, "must have at least one node selector term"));
            }
            for (int i = 0; i < terms.size(); i++) {
                term(field + "[" + i + "]", terms.get(i));
            }
        }
        List<PreferredSchedulingTerm> preferred = orEmpty(node.getPreferredDuringSchedulingIgnoredDuringExecution());
        for (int i = 0; i < preferred.size(); i++) {
            String field = path + ".nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[" + i + "]";
            int weight =
                    preferred.get(i).getWeight() == null ? 0 : preferred.get(i).getWeight();
            if (weight < 1 || weight > 100) {
                errors.invalid(field + ".weight", weight, "must be in the range 1-100");
            }
            if (preferred.get(i).getPreference() != null) {
                term(field + ".preference", preferred.get(i).getPreference());
            }
        }
    }

    private void term(String path, NodeSelectorTerm term) {
        List<NodeSelectorRequirement> expressions = orEmpty(term.getMatchExpressions());
        for (int i = 0; i < expressions.size(); i++) {
            expression(path + ".matchExpressions[" + i + "]", expressions.get(i));
        }
        List<NodeSelectorRequirement> fields = orEmpty(term.getMatchFields());
        for (int i = 0; i < fields.size(); i++) {
            field(path + ".matchFields[" + i + "]", fields.get(i));
        }
    }

    private void expression(String path, NodeSelectorRequirement requirement) {
        List<String> values = orEmpty(requirement.getValues());
        String operator = requirement.getOperator();
        errors.oneOf(path + ".operator", operator == null ? "" : operator, OPERATORS);
        if (operator != null) {
            switch (operator) {
                case "In", "NotIn" -> {
                    if (values.isEmpty()) {
                        errors.add(FieldError.required(
                                path + ".values", "must be specified when `operator` is 'In' or 'NotIn'"));
                    }
                }
                case "Exists", "DoesNotExist" -> {
                    if (!values.isEmpty()) {
                        errors.add(FieldError.forbidden(
                                path + ".values",
                                "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
                    }
                }
                case "Gt", "Lt" -> {
                    if (values.size() != 1) {
                        errors.add(FieldError.required(
                                path + ".values", "must be specified single value when `operator` is 'Lt' or 'Gt'"));
                    }
                }
                default -> {
                    // Noted above.
                }
            }
        }
        String key = requirement.getKey() == null ? "" : requirement.getKey();
        errors.rule(path + ".key", key, Names.qualifiedKey(key));
    }

    private void field(String path, NodeSelectorRequirement requirement) {
        if (!"metadata.name".equals(requirement.getKey())) {
            errors.invalid(path + ".key", String.valueOf(requirement.getKey()), "not a valid field selector key");
        }
        errors.oneOf(
                path + ".operator",
                requirement.getOperator() == null ? "" : requirement.getOperator(),
                List.of("In", "NotIn"));
        if (orEmpty(requirement.getValues()).size() != 1) {
            errors.add(FieldError.required(
                    path + ".values",
                    "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
        }
    }
}
