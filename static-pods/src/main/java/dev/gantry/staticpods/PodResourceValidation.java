package dev.gantry.staticpods;

import static dev.gantry.staticpods.PodValidation.orEmpty;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/** Resources of a pod as a whole: what all its containers share, and what comes on top. */
final class PodResourceValidation {
    private static final List<String> SHARED = List.of("cpu", "memory");

    private final FieldErrors errors;
    private final PodSpec spec;

    PodResourceValidation(FieldErrors errors, PodSpec spec) {
        this.errors = errors;
        this.spec = spec;
    }

    void validate() {
        ResourceValidation resources = new ResourceValidation(errors);
        orEmpty(spec.getOverhead())
                .forEach((name, quantity) -> resources.amount("spec.overhead[" + name + "]", name, quantity));
        ResourceRequirements own = spec.getResources();
        if (own == null) {
            return;
        }
        resources.validate("spec.resources", own);
        shared("spec.resources.limits", orEmpty(own.getLimits()));
        shared("spec.resources.requests", orEmpty(own.getRequests()));
        orEmpty(own.getRequests()).forEach(this::requests);
        orEmpty(own.getLimits()).forEach(this::limits);
    }

    private void shared(String path, Map<String, Quantity> amounts) {
        for (String name : amounts.keySet()) {
            if (!SHARED.contains(name) && !ResourceValidation.isHugePages(name)) {
                errors.add(FieldError.notSupported(
                        path + "[" + name + "]", name, List.of("cpu", "hugepages-<size>", "memory")));
            }
        }
    }

    /** The containers must be able to have what they request. */
    private void requests(String name, Quantity quantity) {
        BigDecimal pods = Quantities.value(quantity);
        BigDecimal together = BigDecimal.ZERO;
        BigDecimal atStart = BigDecimal.ZERO;
        for (Container container : orEmpty(spec.getInitContainers())) {
            BigDecimal request = request(container, name);
            if ("Always".equals(container.getRestartPolicy())) {
                together = together.add(request);
                atStart = atStart.max(together);
            } else {
                atStart = atStart.max(together.add(request));
            }
        }
        for (Container container : orEmpty(spec.getContainers())) {
            together = together.add(request(container, name));
        }
        BigDecimal needed = together.max(atStart);
        if (pods != null && pods.signum() >= 0 && pods.compareTo(needed) < 0) {
            errors.invalid(
                    "spec.resources.requests[" + name + "]",
                    ResourceValidation.text(quantity),
                    "must be greater than or equal to aggregate container requests of "
                            + needed.stripTrailingZeros().toPlainString());
        }
    }

    private static BigDecimal request(Container container, String name) {
        Quantity request = container.getResources() == null
                ? null
                : orEmpty(container.getResources().getRequests()).get(name);
        BigDecimal value = request == null ? null : Quantities.value(request);
        return value == null ? BigDecimal.ZERO : value;
    }

    /** No container can have more than the pod. */
    private void limits(String name, Quantity quantity) {
        limits("spec.containers", orEmpty(spec.getContainers()), name, quantity);
        limits("spec.initContainers", orEmpty(spec.getInitContainers()), name, quantity);
    }

    private void limits(String path, List<Container> containers, String name, Quantity pods) {
        BigDecimal most = Quantities.value(pods);
        for (int i = 0; i < containers.size(); i++) {
            ResourceRequirements own = containers.get(i).getResources();
            Quantity limit = own == null ? null : orEmpty(own.getLimits()).get(name);
            BigDecimal value = limit == null ? null : Quantities.value(limit);
            if (limit != null && value != null && most != null && value.compareTo(most) > 0) {
                errors.invalid(
                        path + "[" + i + "].resources.limits[" + name + "]",
                        ResourceValidation.text(limit),
                        "must be less than or equal to pod limits of " + ResourceValidation.text(pods));
            }
        }
    }
}
