package dev.gantry.agent.pod;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The containers of a pod, of whatever kind. */
final class PodContainers {
    private PodContainers() {}

    /** Init containers, sidecars among them, then the others, each in the order of the spec. */
    static List<Container> all(Pod pod) {
        if (pod.getSpec() == null) {
            return List.of();
        }
        List<Container> all = new ArrayList<>(orEmpty(pod.getSpec().getInitContainers()));
        all.addAll(orEmpty(pod.getSpec().getContainers()));
        return all;
    }

    private static List<Container> orEmpty(@Nullable List<Container> list) {
        return list == null ? List.of() : list;
    }
}
