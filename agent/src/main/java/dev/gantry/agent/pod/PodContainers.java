package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The containers of a pod, of whatever kind. */
public final class PodContainers {
    private PodContainers() {}

    /** Init containers, sidecars among them, then the others, each in the order of the spec. */
    public static List<Container> all(Pod pod) {
        List<Container> all = new ArrayList<>(init(pod));
        all.addAll(regular(pod));
        return all;
    }

    /** Init containers, sidecars among them. */
    static List<Container> init(Pod pod) {
        return pod.getSpec() == null ? List.of() : orEmpty(pod.getSpec().getInitContainers());
    }

    /** The containers that run once the init containers are done. */
    static List<Container> regular(Pod pod) {
        return pod.getSpec() == null ? List.of() : orEmpty(pod.getSpec().getContainers());
    }

    static boolean isInit(Pod pod, Container container) {
        return init(pod).stream().anyMatch(one -> one.getName().equals(container.getName()));
    }

    /** An init container that goes on running beside the others (KEP-753). */
    static boolean isSidecar(Pod pod, Container container) {
        return "Always".equals(container.getRestartPolicy()) && isInit(pod, container);
    }

    private static List<Container> orEmpty(@Nullable List<Container> list) {
        return list == null ? List.of() : list;
    }
}
