package dev.gantry.agent.pod;

import dev.gantry.agent.resource.NodeResources;
import dev.gantry.agent.resource.ResourcePolicy;
import java.util.List;

/**
 * What pods are told of the machine they run on.
 *
 * @param name of the node, lower case
 * @param hostIps its addresses, the primary one first; may be empty
 * @param resources what it has, and what pods may request of it
 * @param policy how requests and limits become limits of the kernel
 */
public record NodeFacts(String name, List<String> hostIps, NodeResources resources, ResourcePolicy policy) {
    public NodeFacts {
        hostIps = List.copyOf(hostIps);
    }

    /** A node that reserves nothing and has the kubelet's defaults. */
    public NodeFacts(String name, List<String> hostIps, long memoryBytes, int cpus) {
        this(name, hostIps, NodeResources.of(memoryBytes, cpus), ResourcePolicy.DEFAULT);
    }
}
