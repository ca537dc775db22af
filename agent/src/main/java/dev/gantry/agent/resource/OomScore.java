package dev.gantry.agent.resource;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.util.stream.Stream;

/**
 * {@code oom_score_adj}: whom the kernel kills first where memory runs out on the whole machine. The less of the machine a
 * container has requested, the sooner.
 *
 * @see <a href="https://man7.org/linux/man-pages/man5/proc_pid_oom_score_adj.5.html">proc_pid_oom_score_adj(5)</a>
 */
public final class OomScore {
    private static final int GUARANTEED = -997;
    private static final int BEST_EFFORT = 1000;
    private static final int LEAST_OF_BURSTABLE = 1000 + GUARANTEED;
    private static final int MOST_OF_BURSTABLE = BEST_EFFORT - 1;

    private OomScore() {}

    /**
     * A container's.
     *
     * @param nodeMemoryBytes of the machine, above 0
     * @return −997 to 1000
     */
    public static int adj(Pod pod, Container container, long nodeMemoryBytes) {
        if (Priorities.isNodeCritical(pod)) {
            return GUARANTEED;
        }
        return switch (Qos.of(pod.getSpec())) {
            case GUARANTEED -> GUARANTEED;
            case BEST_EFFORT -> BEST_EFFORT;
            case BURSTABLE -> burstable(pod.getSpec(), container, nodeMemoryBytes);
        };
    }

    private static int burstable(PodSpec spec, Container container, long nodeMemoryBytes) {
        long spare = sparePerContainer(spec);
        long request = memory(container);
        if (isSidecarOf(spec, container)) {
            // Without its sidecar no container of the pod is of use: it goes no earlier than the first of them.
            request = Math.max(
                    request,
                    PodAmounts.containers(spec).stream()
                            .mapToLong(OomScore::memory)
                            .min()
                            .orElse(0));
        }
        long adj = 1000 - Math.round(Math.floor(1000.0 * (request + spare) / nodeMemoryBytes));
        return (int) Math.max(LEAST_OF_BURSTABLE, Math.min(MOST_OF_BURSTABLE, adj));
    }

    /** What the pod requests beyond its containers, in equal parts. */
    private static long sparePerContainer(PodSpec spec) {
        if (spec.getResources() == null) {
            return 0;
        }
        long pod = Amounts.of(spec.getResources().getRequests()).get(Amounts.MEMORY);
        long containers = PodAmounts.requestsOfContainers(spec).get(Amounts.MEMORY);
        long count = Stream.concat(
                        PodAmounts.containers(spec).stream(),
                        PodAmounts.initContainers(spec).stream().filter(PodAmounts::isSidecar))
                .count();
        return pod > containers && count > 0 ? (pod - containers) / count : 0;
    }

    private static boolean isSidecarOf(PodSpec spec, Container container) {
        return PodAmounts.isSidecar(container)
                && PodAmounts.initContainers(spec).stream()
                        .anyMatch(init -> init.getName().equals(container.getName()));
    }

    private static long memory(Container container) {
        return PodAmounts.requests(container).get(Amounts.MEMORY);
    }
}
