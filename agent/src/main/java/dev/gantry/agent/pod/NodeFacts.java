package dev.gantry.agent.pod;

import java.util.List;

/**
 * What pods are told of the machine they run on.
 *
 * @param name of the node, lower case
 * @param hostIps its addresses, the primary one first; may be empty
 * @param memoryBytes of RAM
 * @param cpus logical CPUs
 */
public record NodeFacts(String name, List<String> hostIps, long memoryBytes, int cpus) {
    public NodeFacts {
        hostIps = List.copyOf(hostIps);
    }
}
