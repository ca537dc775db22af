package dev.gantry.agent.pod;

import dev.gantry.agent.event.EventSink;
import dev.gantry.agent.pod.PodSlot.Occupant;
import dev.gantry.agent.pod.PodSlot.Wanted;
import dev.gantry.agent.resource.Admission.Preempts;
import dev.gantry.agent.resource.Admission.Rejected;
import dev.gantry.agent.resource.Admission.Verdict;
import dev.gantry.agent.resource.Qos;
import dev.gantry.agent.time.Timestamps;
import dev.gantry.staticpods.FieldError;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The door of the node: which pods may start, which have to leave, and what those show that were turned away. One
 * that runs already, that ends or has ended is never turned away. Asked under the lock of the {@link PodTable}.
 */
final class PodAdmission {
    private final NodeFacts node;
    private final NodePolicy policy;
    private final Room room;
    private final PodTable table;
    private final ShownPods shown;
    private final EventSink events;
    private final InstantSource clock;

    PodAdmission(PodEngineSettings settings, PodTable table, ShownPods shown) {
        this.node = settings.node();
        this.policy = settings.policy();
        this.room = new Room(node);
        this.table = table;
        this.shown = shown;
        this.events = settings.events();
        this.clock = settings.clock();
    }

    Room room() {
        return room;
    }

    /**
     * Whether a pod may take its name now. One for which there will never be room takes it as a rejected pod; one that may make
     * room for itself waits until others have ended.
     */
    boolean admits(PodSlot slot, Wanted wanted) {
        Pod pod = wanted.pod();
        if (wanted.deletion() != null
                || PodSlot.isFinal(PodSlot.statusOf(pod))
                || table.isBegun(pod.getMetadata().getUid())) {
            return true;
        }
        Verdict verdict = room.decide(wanted, table.slots());
        if (verdict instanceof Rejected rejected) {
            slot.next = null;
            Occupant occupant = new Occupant(pod, wanted.source(), false, PodSlot.statusOf(pod));
            occupant.turnedAway = wanted.source() == PodSource.FILE;
            table.occupy(slot, occupant);
            reject(slot, occupant, new Rejection(rejected.reason(), rejected.message()));
            return false;
        }
        if (verdict instanceof Preempts preempts) {
            preempts.uids().stream()
                    .flatMap(uid -> table.occupant(uid).stream())
                    .forEach(occupant -> expel(occupant, PodFailure.PREEMPTED));
            return false;
        }
        return true;
    }

    /** Has a pod end as failed, unless it is ending already. */
    void expel(Occupant occupant, PodFailure why) {
        if (occupant.worker != null && !occupant.expelled && occupant.deletion == null) {
            occupant.expelled = true;
            events.record(occupant.reference(), Optional.empty(), true, why.reason(), why.message());
            occupant.worker.fail(why);
        }
    }

    /** Whether there is room by now for a pod that was turned away for want of it. */
    boolean hasRoomFor(Wanted again) {
        return !(room.decide(again, table.slots()) instanceof Rejected);
    }

    /**
     * Why this node does not run a pod, whatever room there is.
     *
     * @param runs what was accepted before stays, even if the node's configuration would not let it in any more
     */
    Optional<Rejection> objection(Pod pod, boolean runs) {
        List<FieldError> unsupported = PodSupport.unsupported(pod);
        if (!unsupported.isEmpty()) {
            return Optional.of(new Rejection(
                    "PodFeatureUnsupported",
                    unsupported.stream().map(FieldError::toString).collect(Collectors.joining("; "))));
        }
        return runs ? Optional.empty() : NodeAdmission.check(pod, node.name(), policy);
    }

    /** Has a pod end where it stands: failed, with the reason, and without a worker. */
    void reject(PodSlot slot, Occupant occupant, Rejection rejection) {
        PodStatus status = new PodStatus();
        status.setPhase(Decision.Phase.FAILED.text());
        status.setReason(rejection.reason());
        status.setMessage("Pod was rejected: " + rejection.message());
        status.setStartTime(Timestamps.format(clock.instant()));
        status.setQosClass(Qos.of(occupant.pod.getSpec()).text());
        occupant.status = status;
        events.record(occupant.reference(), Optional.empty(), true, rejection.reason(), rejection.message());
        shown.show(slot);
    }
}
