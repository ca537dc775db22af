package dev.gantry.agent.resource;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What a pod as a whole requests and may have.
 *
 * <p>Init containers run one at a time and before the others, so that the pod needs the larger of the two; a sidecar (an init container that is always
 * restarted) runs beside all that start after it. Amounts of the pod itself replace those of its containers for cpu, memory and huge pages; the overhead of
 * its runtime class comes on top (KEP-753, KEP-2837, KEP-688).
 */
public final class PodAmounts {
    private PodAmounts() {}

    /** What is set aside for the pod on its node. */
    public static Amounts requests(PodSpec spec) {
        Amounts containers = ofContainers(spec, ResourceRequirements::getRequests);
        return override(containers, requestsOfPod(spec, containers)).plus(Amounts.of(spec.getOverhead()));
    }

    /** The sum of the limits there are; a resource that no container limits is not in it, nor any overhead of it. */
    public static Amounts limits(PodSpec spec) {
        Amounts limits = ofContainers(spec, ResourceRequirements::getLimits);
        if (spec.getResources() != null) {
            limits = override(limits, Amounts.of(spec.getResources().getLimits()));
        }
        Amounts overhead = Amounts.of(spec.getOverhead());
        for (String name : overhead.values().keySet()) {
            if (limits.get(name) > 0) {
                limits = limits.with(name, limits.get(name) + overhead.get(name));
            }
        }
        return limits;
    }

    /** What the containers request together, without what is said of the pod. */
    static Amounts requestsOfContainers(PodSpec spec) {
        return ofContainers(spec, ResourceRequirements::getRequests);
    }

    /** Whether the pod itself, or else every one of its containers, limits a resource. */
    public static boolean isLimited(PodSpec spec, String name) {
        if (spec.getResources() != null
                && Amounts.of(spec.getResources().getLimits()).get(name) > 0) {
            return true;
        }
        List<Container> all = containers(spec);
        return !all.isEmpty()
                && all.stream().allMatch(container -> limits(container).get(name) > 0)
                && initContainers(spec).stream()
                        .allMatch(container -> limits(container).get(name) > 0);
    }

    /** A limit that is said of the pod and no request stands for the request, unless containers request the resource. */
    private static Amounts requestsOfPod(PodSpec spec, Amounts containers) {
        if (spec.getResources() == null) {
            return Amounts.NONE;
        }
        Amounts requests = Amounts.of(spec.getResources().getRequests());
        Amounts limits = Amounts.of(spec.getResources().getLimits());
        for (String name : limits.values().keySet()) {
            if (!requests.has(name) && !containers.has(name)) {
                requests = requests.with(name, limits.get(name));
            }
        }
        return requests;
    }

    private static Amounts override(Amounts containers, Amounts pod) {
        Amounts result = containers;
        for (String name : pod.values().keySet()) {
            if (name.equals(Amounts.CPU) || name.equals(Amounts.MEMORY) || name.startsWith(Amounts.HUGE_PAGES)) {
                result = result.with(name, pod.get(name));
            }
        }
        return result;
    }

    private static Amounts ofContainers(
            PodSpec spec, Function<ResourceRequirements, @Nullable Map<String, Quantity>> part) {
        Amounts regular = Amounts.NONE;
        for (Container container : containers(spec)) {
            regular = regular.plus(Amounts.of(part.apply(resources(container))));
        }
        Amounts sidecars = Amounts.NONE;
        Amounts initial = Amounts.NONE;
        for (Container container : initContainers(spec)) {
            Amounts own = Amounts.of(part.apply(resources(container)));
            if (isSidecar(container)) {
                sidecars = sidecars.plus(own);
                initial = initial.max(sidecars);
            } else {
                initial = initial.max(own.plus(sidecars));
            }
        }
        return regular.plus(sidecars).max(initial);
    }

    /** Whether an init container goes on beside those that come after it. */
    public static boolean isSidecar(Container container) {
        return "Always".equals(container.getRestartPolicy());
    }

    static Amounts requests(Container container) {
        return Amounts.of(resources(container).getRequests());
    }

    static Amounts limits(Container container) {
        return Amounts.of(resources(container).getLimits());
    }

    private static ResourceRequirements resources(Container container) {
        return container.getResources() == null ? new ResourceRequirements() : container.getResources();
    }

    static List<Container> containers(PodSpec spec) {
        return spec.getContainers() == null ? List.of() : spec.getContainers();
    }

    /** Never null. */
    public static List<Container> initContainers(PodSpec spec) {
        return spec.getInitContainers() == null ? List.of() : spec.getInitContainers();
    }
}
