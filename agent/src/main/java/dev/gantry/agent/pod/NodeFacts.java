package dev.gantry.agent.pod;

import dev.gantry.agent.resource.NodeResources;
import dev.gantry.agent.resource.Qos;
import dev.gantry.agent.resource.ResourcePolicy;
import dev.gantry.cgroups.CgroupNaming;
import dev.gantry.cgroups.QosClass;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.List;

/**
 * What pods are told of the machine they run on.
 *
 * @param name of the node, lower case
 * @param hostIps its addresses, the primary one first; may be empty
 * @param resources what it has, and what pods may request of it
 * @param policy how requests and limits become limits of the kernel
 * @param cgroups how the cgroups of pods are called towards the runtime
 */
public record NodeFacts(
        String name, List<String> hostIps, NodeResources resources, ResourcePolicy policy, CgroupNaming cgroups) {
    public NodeFacts {
        hostIps = List.copyOf(hostIps);
    }

    /** A node whose cgroups are plain directories. */
    public NodeFacts(String name, List<String> hostIps, NodeResources resources, ResourcePolicy policy) {
        this(name, hostIps, resources, policy, CgroupNaming.CGROUPFS);
    }

    /** The same with cgroups of other names. */
    public NodeFacts withCgroups(CgroupNaming naming) {
        return new NodeFacts(name, hostIps, resources, policy, naming);
    }

    /** What CRI calls the cgroup of a pod: {@code /kubepods/burstable/pod<uid>}, or a path of systemd's slices. */
    public String cgroupParent(Pod pod) {
        QosClass qos = switch (Qos.of(pod.getSpec())) {
            case GUARANTEED -> QosClass.GUARANTEED;
            case BURSTABLE -> QosClass.BURSTABLE;
            case BEST_EFFORT -> QosClass.BEST_EFFORT;
        };
        return "/" + cgroups.pod(qos, pod.getMetadata().getUid());
    }

    /** A node that reserves nothing and has the kubelet's defaults. */
    public NodeFacts(String name, List<String> hostIps, long memoryBytes, int cpus) {
        this(name, hostIps, NodeResources.of(memoryBytes, cpus), ResourcePolicy.DEFAULT);
    }
}
