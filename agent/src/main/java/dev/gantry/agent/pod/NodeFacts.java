package dev.gantry.agent.pod;

import java.util.List;
import java.util.OptionalLong;

/**
 * What pods are told of the machine they run on.
 *
 * @param name of the node, lower case
 * @param hostIps its addresses, the primary one first; may be empty
 * @param memoryBytes of RAM
 * @param cpus logical CPUs
 * @param podPidsLimit processes and threads that one pod may have; empty for no limit of its own
 */
public record NodeFacts(String name, List<String> hostIps, long memoryBytes, int cpus, OptionalLong podPidsLimit) {
    public NodeFacts {
        hostIps = List.copyOf(hostIps);
    }

    /** A node that does not limit the processes of its pods. */
    public NodeFacts(String name, List<String> hostIps, long memoryBytes, int cpus) {
        this(name, hostIps, memoryBytes, cpus, OptionalLong.empty());
    }
}
