package dev.gantry.agent.resource;

import dev.gantry.staticpods.ModelJson;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.ContainerResizePolicy;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodSpecBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which changes of a running pod are a resize: those of CPU and memory, requests and limits, that leave its class of service
 * (KEP-1287). Pure.
 */
public final class ResizeRules {
    private static final Set<String> RESIZABLE = Set.of(Amounts.CPU, Amounts.MEMORY);
    private static final String RESTART = "RestartContainer";

    private ResizeRules() {}

    /**
     * A reason why a change is no resize.
     *
     * @param field path such as {@code spec.containers[0].resources}
     */
    public record Problem(String field, String message) {}

    /** What speaks against resizing a pod so; empty if nothing does, also if nothing changes. */
    public static List<Problem> problems(PodSpec before, PodSpec after) {
        List<Problem> problems = new ArrayList<>();
        if (!ModelJson.write(stripped(before)).equals(ModelJson.write(stripped(after)))) {
            problems.add(new Problem("spec", "only cpu and memory resources are mutable"));
            return problems;
        }
        removed("spec.resources", before.getResources(), after.getResources(), problems);
        removed("spec.containers", PodAmounts.containers(before), PodAmounts.containers(after), problems);
        removed("spec.initContainers", PodAmounts.initContainers(before), PodAmounts.initContainers(after), problems);
        if (Qos.of(before) != Qos.of(after)) {
            problems.add(new Problem("spec", "Pod QOS Class may not change as a result of resizing"));
        }
        return problems;
    }

    private static void removed(String path, List<Container> before, List<Container> after, List<Problem> problems) {
        for (int i = 0; i < before.size(); i++) {
            removed(
                    path + "[" + i + "].resources",
                    before.get(i).getResources(),
                    after.get(i).getResources(),
                    problems);
        }
    }

    private static void removed(
            String path,
            @Nullable ResourceRequirements before,
            @Nullable ResourceRequirements after,
            List<Problem> problems) {
        for (String name : List.of(Amounts.CPU, Amounts.MEMORY)) {
            if (limits(before).has(name) && !limits(after).has(name)) {
                problems.add(new Problem(path + ".limits", "resource limits cannot be removed: " + name));
            }
            if (requests(before).has(name) && !requests(after).has(name)) {
                problems.add(new Problem(path + ".requests", "resource requests cannot be removed: " + name));
            }
        }
    }

    private static Amounts limits(@Nullable ResourceRequirements resources) {
        return resources == null ? Amounts.NONE : Amounts.of(resources.getLimits());
    }

    private static Amounts requests(@Nullable ResourceRequirements resources) {
        return resources == null ? Amounts.NONE : Amounts.of(resources.getRequests());
    }

    /** Whether containers, or the pod as a whole, are to have other amounts of CPU or memory than before. */
    public static boolean changesAmounts(PodSpec before, PodSpec after) {
        Map<String, String> known = new LinkedHashMap<>();
        resizable(before).forEach(container -> known.put(container.getName(), text(container)));
        return !text(limits(before.getResources()), requests(before.getResources()))
                        .equals(text(limits(after.getResources()), requests(after.getResources())))
                || resizable(after)
                        .anyMatch(container -> known.containsKey(container.getName())
                                && !text(container).equals(known.get(container.getName())));
    }

    /** The spec with the amounts of CPU and memory that another has for the pod and for containers of the same names. */
    public static PodSpec withAmounts(PodSpec spec, PodSpec from) {
        Map<String, Container> known = new LinkedHashMap<>();
        resizable(from).forEach(container -> known.put(container.getName(), container));
        PodSpec result = new PodSpecBuilder(spec).build();
        result.setResources(withAmounts(spec.getResources(), from.getResources()));
        resizable(result).forEach(container -> {
            Container other = known.get(container.getName());
            if (other != null) {
                container.setResources(withAmounts(container.getResources(), other.getResources()));
            }
        });
        return result;
    }

    private static @Nullable ResourceRequirements withAmounts(
            @Nullable ResourceRequirements resources, @Nullable ResourceRequirements from) {
        if (resources == null && from == null) {
            return null;
        }
        ResourceRequirements result = stripped(resources);
        result.getLimits().putAll(amounts(from == null ? null : from.getLimits()));
        result.getRequests().putAll(amounts(from == null ? null : from.getRequests()));
        return result;
    }

    private static Map<String, Quantity> amounts(@Nullable Map<String, Quantity> quantities) {
        Map<String, Quantity> result = new LinkedHashMap<>(quantities == null ? Map.of() : quantities);
        result.keySet().retainAll(RESIZABLE);
        return result;
    }

    /** The spec without what a resize may change. */
    private static PodSpec stripped(PodSpec spec) {
        PodSpec result = new PodSpecBuilder(spec).build();
        result.setResources(stripped(spec.getResources()));
        result.setContainers(
                PodAmounts.containers(spec).stream().map(ResizeRules::stripped).toList());
        result.setInitContainers(PodAmounts.initContainers(spec).stream()
                .map(ResizeRules::stripped)
                .toList());
        return result;
    }

    private static Container stripped(Container container) {
        Container result = new ContainerBuilder(container).build();
        result.setResources(stripped(container.getResources()));
        result.setResizePolicy(List.of());
        return result;
    }

    private static ResourceRequirements stripped(@Nullable ResourceRequirements resources) {
        ResourceRequirements result = new ResourceRequirements();
        if (resources != null) {
            result.setClaims(resources.getClaims());
            result.setLimits(stripped(resources.getLimits()));
            result.setRequests(stripped(resources.getRequests()));
        }
        return result;
    }

    private static Map<String, Quantity> stripped(@Nullable Map<String, Quantity> quantities) {
        Map<String, Quantity> result = new LinkedHashMap<>(quantities == null ? Map.of() : quantities);
        result.keySet().removeAll(RESIZABLE);
        return result;
    }

    /**
     * The amounts that a container starts with, as text to be kept with it: what a later resize that wants a restart is compared with.
     */
    public static String text(Container container) {
        return text(PodAmounts.limits(container), PodAmounts.requests(container));
    }

    private static String text(Amounts limits, Amounts requests) {
        return text(Amounts.CPU, limits, requests) + "," + text(Amounts.MEMORY, limits, requests);
    }

    private static String text(String name, Amounts limits, Amounts requests) {
        return name + "=" + (requests.has(name) ? requests.get(name) : "") + "/"
                + (limits.has(name) ? limits.get(name) : "");
    }

    /**
     * Whether a container has to be started anew to have its resources.
     *
     * @param startedWith its {@link #text} then; empty if that is not known
     */
    public static boolean needsRestart(Container container, String startedWith) {
        if (startedWith.isEmpty() || container.getResizePolicy() == null) {
            return false;
        }
        List<String> then = List.of(startedWith.split(",", -1));
        Amounts limits = PodAmounts.limits(container);
        Amounts requests = PodAmounts.requests(container);
        return container.getResizePolicy().stream()
                .filter(policy -> RESTART.equals(policy.getRestartPolicy()))
                .map(ContainerResizePolicy::getResourceName)
                .filter(RESIZABLE::contains)
                .anyMatch(name -> !then.contains(text(name, limits, requests)));
    }

    /** All containers of a pod that live beside each other and can be resized. */
    public static Stream<Container> resizable(PodSpec spec) {
        return Stream.concat(PodAmounts.containers(spec).stream(), PodAmounts.initContainers(spec).stream());
    }
}
