package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.ContainerResizePolicy;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.math.BigDecimal;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Requests and limits. */
final class ResourceValidation {
    private static final Set<String> STANDARD = Set.of("cpu", "memory", "ephemeral-storage");
    private static final String HUGE_PAGES = "hugepages-";

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
        Set<String> all = new HashSet<>(limits.keySet());
        all.addAll(requests.keySet());
        if (all.stream().anyMatch(ResourceValidation::isHugePages) && !all.contains("cpu") && !all.contains("memory")) {
            errors.add(FieldError.forbidden(path, "HugePages require cpu or memory"));
        }
    }

    private @Nullable BigDecimal one(String field, String name, Quantity quantity) {
        if (!STANDARD.contains(name) && !isHugePages(name) && name.indexOf('/') < 0) {
            errors.invalid(field, name, "must be a standard resource for containers");
        }
        return amount(field, name, quantity);
    }

    /** The value of a quantity that may be a resource's. */
    @Nullable BigDecimal amount(String field, String name, Quantity quantity) {
        BigDecimal value = Quantities.value(quantity);
        if (value == null) {
            errors.invalid(field, text(quantity), "must be a quantity such as 500m, 2, 128Mi");
        } else if (value.signum() < 0) {
            errors.invalid(field, text(quantity), FieldErrors.NOT_NEGATIVE);
        } else if (name.equals("memory") || name.equals("ephemeral-storage")) {
            wholeBytes(field, quantity);
        } else if (!STANDARD.contains(name) && value.stripTrailingZeros().scale() > 0) {
            errors.invalid(field, text(quantity), "must be an integer");
        } else if (isHugePages(name)) {
            pages(field, name.substring(HUGE_PAGES.length()), value, quantity);
        }
        return value;
    }

    /** {@code 128m} is an eighth of a byte: whoever writes it means another unit. */
    void wholeBytes(String field, Quantity quantity) {
        String text = text(quantity);
        BigDecimal value = Quantities.value(quantity);
        if (text.endsWith("m") && value != null && value.stripTrailingZeros().scale() > 0) {
            String number = text.substring(0, text.length() - 1);
            errors.invalid(
                    field,
                    text,
                    "is a fraction of a byte, as m means thousandths; write " + number + "M or " + number + "Mi");
        }
    }

    private void pages(String field, String size, BigDecimal value, Quantity quantity) {
        BigDecimal page = Quantities.parse(size);
        if (page == null || page.signum() <= 0) {
            errors.invalid(field, size, "must name a size of pages, such as hugepages-2Mi");
        } else if (value.remainder(page).signum() != 0) {
            errors.invalid(field, text(quantity), "is not positive integer multiple of " + size);
        }
    }

    /** What happens to a container whose resources change while it runs. */
    void resizePolicy(String path, List<ContainerResizePolicy> policies, boolean podNeverRestarts) {
        Set<String> names = new HashSet<>();
        for (int i = 0; i < policies.size(); i++) {
            String field = path + "[" + i + "]";
            String name = policies.get(i).getResourceName();
            String restart = policies.get(i).getRestartPolicy();
            if (errors.required(field + ".resourceName", name)) {
                errors.oneOf(field + ".resourceName", name, List.of("cpu", "memory"));
                if (!names.add(name)) {
                    errors.add(FieldError.duplicate(field + ".resourceName", name));
                }
            }
            if (!errors.required(field + ".restartPolicy", restart)) {
                continue;
            }
            errors.oneOf(field + ".restartPolicy", restart, List.of("NotRequired", "RestartContainer"));
            if (podNeverRestarts && restart.equals("RestartContainer")) {
                errors.invalid(
                        field + ".restartPolicy", restart, "must be 'NotRequired' when `restartPolicy` is 'Never'");
            }
        }
    }

    static boolean isHugePages(String name) {
        return name.startsWith(HUGE_PAGES);
    }

    static String text(Quantity quantity) {
        return quantity.getAmount() + (quantity.getFormat() == null ? "" : quantity.getFormat());
    }
}
