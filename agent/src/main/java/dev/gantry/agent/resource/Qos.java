package dev.gantry.agent.resource;

import dev.gantry.staticpods.Quantities;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The three classes of service, by what a pod's containers request. */
public enum Qos {
    GUARANTEED("Guaranteed"),
    BURSTABLE("Burstable"),
    BEST_EFFORT("BestEffort");

    private static final List<String> RESOURCES = List.of("cpu", "memory");

    private final String text;

    Qos(String text) {
        this.text = text;
    }

    /** The API's word. */
    public String text() {
        return text;
    }

    /** The class of a pod. */
    public static Qos of(@Nullable PodSpec spec) {
        if (spec == null) {
            return BEST_EFFORT;
        }
        if (spec.getResources() != null && !isEmpty(spec.getResources())) {
            return classOf(Stream.of(spec.getResources()));
        }
        return classOf(Stream.concat(stream(spec.getContainers()), stream(spec.getInitContainers()))
                .map(container ->
                        container.getResources() == null ? new ResourceRequirements() : container.getResources()));
    }

    private static Qos classOf(Stream<ResourceRequirements> all) {
        boolean anything = false;
        boolean guaranteed = true;
        for (ResourceRequirements resources : all.toList()) {
            for (String name : RESOURCES) {
                BigDecimal limit = value(resources.getLimits(), name);
                BigDecimal request = value(resources.getRequests(), name);
                anything |= limit.signum() > 0 || request.signum() > 0;
                guaranteed &= limit.signum() > 0 && (request.signum() == 0 || request.compareTo(limit) == 0);
            }
        }
        if (!anything) {
            return BEST_EFFORT;
        }
        return guaranteed ? GUARANTEED : BURSTABLE;
    }

    private static boolean isEmpty(ResourceRequirements resources) {
        return RESOURCES.stream()
                .allMatch(name -> value(resources.getLimits(), name).signum() == 0
                        && value(resources.getRequests(), name).signum() == 0);
    }

    private static Stream<Container> stream(@Nullable List<Container> containers) {
        return containers == null ? Stream.empty() : containers.stream();
    }

    private static BigDecimal value(@Nullable Map<String, Quantity> resources, String name) {
        Quantity quantity = resources == null ? null : resources.get(name);
        BigDecimal value = quantity == null ? null : Quantities.value(quantity);
        return value == null ? BigDecimal.ZERO : value;
    }
}
