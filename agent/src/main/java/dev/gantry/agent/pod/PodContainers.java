package dev.gantry.agent.pod;

import dev.gantry.staticpods.EphemeralContainers;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The containers of a pod, of whatever kind. */
public final class PodContainers {
    private PodContainers() {}

    /** Init containers, sidecars among them, then the others, then ephemeral ones, each in the order of the spec. */
    public static List<Container> all(Pod pod) {
        List<Container> all = lasting(pod);
        all.addAll(ephemeral(pod));
        return all;
    }

    /** All but the ephemeral ones. */
    static List<Container> lasting(Pod pod) {
        List<Container> lasting = new ArrayList<>(init(pod));
        lasting.addAll(regular(pod));
        return lasting;
    }

    /** Init containers, sidecars among them. */
    static List<Container> init(Pod pod) {
        return pod.getSpec() == null ? List.of() : orEmpty(pod.getSpec().getInitContainers());
    }

    /** The containers that run once the init containers are done. */
    static List<Container> regular(Pod pod) {
        return pod.getSpec() == null ? List.of() : orEmpty(pod.getSpec().getContainers());
    }

    /** Containers that were added to the pod while it ran, to look at it (KEP-277). */
    static List<Container> ephemeral(Pod pod) {
        return pod.getSpec() == null
                ? List.of()
                : orEmpty(pod.getSpec().getEphemeralContainers()).stream()
                        .map(EphemeralContainers::container)
                        .toList();
    }

    static boolean isInit(Pod pod, Container container) {
        return init(pod).stream().anyMatch(one -> one.getName().equals(container.getName()));
    }

    /** An init container that goes on running beside the others (KEP-753). */
    static boolean isSidecar(Pod pod, Container container) {
        return "Always".equals(container.getRestartPolicy()) && isInit(pod, container);
    }

    static boolean isEphemeral(Pod pod, String name) {
        return pod.getSpec() != null
                && orEmpty(pod.getSpec().getEphemeralContainers()).stream()
                        .anyMatch(one -> one.getName().equals(name));
    }

    /** The container in whose PID namespace an ephemeral one runs; empty for one of its own. */
    static Optional<String> target(Pod pod, String name) {
        return pod.getSpec() == null
                ? Optional.empty()
                : orEmpty(pod.getSpec().getEphemeralContainers()).stream()
                        .filter(one -> one.getName().equals(name))
                        .flatMap(one -> Optional.ofNullable(one.getTargetContainerName()).stream())
                        .filter(target -> !target.isEmpty())
                        .findFirst();
    }

    /** Whether a container of this name has a hook that runs before its end. */
    static boolean hasPreStop(Pod pod, String name) {
        return lasting(pod).stream()
                .anyMatch(container -> container.getName().equals(name)
                        && container.getLifecycle() != null
                        && container.getLifecycle().getPreStop() != null);
    }

    /** Where in the spec a container is, as events have it: {@code spec.initContainers{setup}}. */
    static String path(Pod pod, String name) {
        boolean init = init(pod).stream().anyMatch(one -> one.getName().equals(name));
        String list = init ? "initContainers" : isEphemeral(pod, name) ? "ephemeralContainers" : "containers";
        return "spec." + list + "{" + name + "}";
    }

    /** Why a container of this name cannot be started anew; empty if it can. */
    static Optional<String> objectionToRestart(Pod pod, String name) {
        if (isEphemeral(pod, name)) {
            return Optional.of("container " + name + " is ephemeral, and such containers run once; add another one");
        }
        Optional<Container> found = lasting(pod).stream()
                .filter(container -> container.getName().equals(name))
                .findFirst();
        if (found.isEmpty()) {
            return Optional.of("container " + name + " is not valid for pod "
                    + pod.getMetadata().getName());
        }
        return isInit(pod, found.get()) && !isSidecar(pod, found.get())
                ? Optional.of("container " + name + " is an init container, which runs at the start of its pod; restart"
                        + " the pod instead")
                : Optional.empty();
    }

    private static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }
}
