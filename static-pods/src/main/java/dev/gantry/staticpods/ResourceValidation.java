package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.math.BigDecimal;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Requests and limits. */
final class ResourceValidation {
    private static final Set<String> STANDARD = Set.of("cpu", "memory", "ephemeral-storage");
    private final FieldErrors errors;

    ResourceValidation(FieldErrors errors) {
        this.errors = errors;
    }

    void validate(String path, ResourceRequirements resources) {
        Map<String, Quantity> limits = PodValidation.orEmpty(resources.getLimits());
        Map<String, Quantity> requests = PodValidation.orEmpty(resources.getRequests());
        limits.forEach((name, quantity) -> one(path + ".limits[" + name + "]", name, quantity));
        requests.forEach((name, quantity) -> {
            BigDecimal request = one(path + ".requests[" + name + "]", name, quantity);
            Quantity limit = limits.get(name);
            if (request == null || limit == null) {
                return;
            }
            BigDecimal most = Quantities.value(limit);
            if (most == null) {
                return;
            }
            if (request.compareTo(most) > 0) {
                errors.invalid(
                        path + ".requests",
                        text(quantity),
                        "must be less than or equal to " + name + " limit of " + text(limit));
            } else if (isHugePages(name) && request.compareTo(most) != 0) {
                errors.invalid(
                        path + ".requests", text(quantity), "must be equal to " + name + " limit of " + text(limit));
            }
        });
        for (String name : requests.keySet()) {
            if (isHugePages(name) && !limits.containsKey(name)) {
                errors.add(FieldError.required(path + ".limits", "Limit must be set for non overcommitable resources"));
            }
        }
    }

    private @Nullable BigDecimal one(String field, String name, Quantity quantity) {
        if (!STANDARD.contains(name) && !isHugePages(name) && name.indexOf('/') < 0) {
            errors.invalid(field, name, "must be a standard resource for containers");
        }
        BigDecimal value = Quantities.value(quantity);
        if (value == null) {
            errors.invalid(field, text(quantity), "must be a quantity such as 500m, 2, 128Mi");
        } else if (value.signum() < 0) {
            errors.invalid(field, text(quantity), FieldErrors.NOT_NEGATIVE);
        } else if (!STANDARD.contains(name) && value.stripTrailingZeros().scale() > 0) {
            errors.invalid(field, text(quantity), "must be an integer");
        }
        return value;
    }

    private static boolean isHugePages(String name) {
        return name.startsWith("hugepages-");
    }

    static String text(Quantity quantity) {
        return quantity.getAmount() + (quantity.getFormat() == null ? "" : quantity.getFormat());
    }
}
