package dev.gantry.agent.node;

import dev.gantry.cgroups.Missing;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * How a node is at one moment.
 *
 * @param unready what keeps it from running pods; empty if nothing does
 * @param memoryAvailable bytes that can be had without swapping
 * @param storageAvailable bytes left for pods' files
 * @param pidsAvailable processes and threads that can still be made
 * @param missing what of limits the machine cannot enforce
 * @param network what of the pods' network does not work, each with its remedy
 */
public record NodeObservation(
        Optional<String> unready,
        long memoryAvailable,
        long storageAvailable,
        long pidsAvailable,
        Collection<Missing> missing,
        List<String> network) {
    public NodeObservation {
        missing = List.copyOf(missing);
        network = List.copyOf(network);
    }
}
