package dev.gantry.agent.pod;

import dev.gantry.agent.pod.PodSlot.Occupant;
import dev.gantry.agent.pod.PodSlot.Wanted;
import dev.gantry.agent.resource.Admission;
import dev.gantry.agent.resource.Admission.Contender;
import dev.gantry.agent.resource.Admission.Verdict;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The room for pods on this node: who has some, and whether there is enough for one more. Asked under the engine's lock. */
final class Room {
    private final NodeFacts node;

    Room(NodeFacts node) {
        this.node = node;
    }

    /** Whether a pod fits beside those that have their names. */
    Verdict decide(Wanted wanted, Collection<PodSlot> slots) {
        List<Contender> others = taken(slots)
                .map(occupant -> new Contender(occupant.pod, occupant.source == PodSource.FILE))
                .toList();
        Contender pod = new Contender(wanted.pod(), wanted.source() == PodSource.FILE);
        return Admission.decide(pod, others, node.resources(), node.policy());
    }

    /** The pods that have some. */
    static Stream<Occupant> taken(Collection<PodSlot> slots) {
        return slots.stream()
                .flatMap(slot -> Optional.ofNullable(slot.current).stream())
                .filter(Room::takesRoom);
    }

    /** A pod that was turned away has none, and one that has ended gives it back with its last container. */
    private static boolean takesRoom(Occupant occupant) {
        if (occupant.orphan || occupant.worker == null) {
            return false;
        }
        return !occupant.isFinal()
                || occupant.worker.state().observed().stream()
                        .flatMap(observed -> observed.containers().stream())
                        .anyMatch(container -> container.isRunning());
    }
}
