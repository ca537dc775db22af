package dev.gantry.agent.pod;

import dev.gantry.agent.pod.PodSlot.Occupant;
import dev.gantry.agent.pod.PodSlot.Wanted;
import dev.gantry.agent.resource.Admission;
import dev.gantry.agent.resource.Admission.Contender;
import dev.gantry.agent.resource.Admission.Verdict;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The room for pods on this node: who has some, and whether there is enough for one more. Asked under the lock of the {@link PodTable}. */
final class Room {
    private final NodeFacts node;

    Room(NodeFacts node) {
        this.node = node;
    }

    /** Whether a pod fits beside those that have their names. */
    Verdict decide(Wanted wanted, Collection<PodSlot> slots) {
        List<Contender> others = taken(slots).map(Room::contender).toList();
        Contender pod = new Contender(wanted.pod(), wanted.source() == PodSource.FILE);
        return Admission.decide(pod, others, node.resources(), node.policy());
    }

    /** Whether a pod that runs may become as it is wanted. */
    Verdict resize(Pod wanted, Collection<PodSlot> slots) {
        String uid = wanted.getMetadata().getUid();
        List<Contender> others = taken(slots)
                .filter(occupant -> !occupant.uid().equals(uid))
                .map(Room::contender)
                .toList();
        return Admission.resize(new Contender(wanted, true), others, node.resources(), node.policy());
    }

    /** What a pod has, which is less than what it wants while a resize waits. */
    private static Contender contender(Occupant occupant) {
        Pod pod =
                occupant.worker == null ? occupant.pod : occupant.worker.state().pod();
        return new Contender(pod, occupant.source == PodSource.FILE);
    }

    /** The specs of the pods that have some. */
    List<PodSpec> specs(Collection<PodSlot> slots) {
        return taken(slots).map(Room::contender).map(one -> one.pod().getSpec()).toList();
    }

    /** The pods that have some. */
    private static Stream<Occupant> taken(Collection<PodSlot> slots) {
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
