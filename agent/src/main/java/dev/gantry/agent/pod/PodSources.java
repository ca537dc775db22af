package dev.gantry.agent.pod;

import dev.gantry.agent.event.EventSink;
import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.pod.PodSlot.Occupant;
import dev.gantry.agent.pod.PodSlot.Wanted;
import dev.gantry.agent.volume.ManifestObjects;
import dev.gantry.agent.volume.ObjectKey;
import dev.gantry.agent.volume.ObjectReferences;
import dev.gantry.staticpods.ManifestSnapshot;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What sources want, compared with what there is: a pod that is new starts, one that is missing ends, one with another uid
 * replaces its predecessor, and one with another content goes on as that. Called under the lock of the {@link PodTable}.
 */
final class PodSources {
    private static final String HASH_ANNOTATION = "kubernetes.io/config.hash";

    private final PodTable table;
    private final PodWorkers workers;
    private final PodAdoption adoption;
    private final StaticEdits edits;
    private final ManifestObjects objects;
    private final EventSink events;

    PodSources(
            PodTable table,
            PodWorkers workers,
            PodAdoption adoption,
            StaticEdits edits,
            ManifestObjects objects,
            EventSink events) {
        this.table = table;
        this.workers = workers;
        this.adoption = adoption;
        this.edits = edits;
        this.objects = objects;
        this.events = events;
    }

    /** Takes the pods and the objects of a manifest directory; pods that refer to an object that changed hear of it. */
    void apply(ManifestSnapshot snapshot) {
        Set<ObjectKey> changed = objects.replace(snapshot.objects());
        apply(PodSource.FILE, snapshot.pods());
        if (!changed.isEmpty()) {
            table.occupants()
                    .filter(occupant -> occupant.worker != null && ObjectReferences.concern(occupant.pod, changed))
                    .forEach(occupant -> occupant.worker.objectsChanged());
        }
    }

    /** Takes a source's whole set. */
    void apply(PodSource source, Collection<Pod> desired) {
        Map<PodKey, Pod> wanted = new LinkedHashMap<>();
        for (Pod pod : desired) {
            if (source == PodSource.FILE) {
                edits.resolve(pod);
            }
            if (wanted.putIfAbsent(PodKey.of(pod), pod) != null) {
                refuseDuplicate(pod, source);
            }
        }
        for (PodSlot slot : List.copyOf(table.slots())) {
            if (!wanted.containsKey(slot.key)) {
                if (slot.next != null && slot.next.source() == source) {
                    slot.next = null;
                }
                if (slot.current != null && !slot.current.orphan && slot.current.source == source) {
                    workers.end(slot, slot.current);
                }
                workers.showOrDrop(slot);
            }
        }
        // What runs already has its room before anything new is looked at.
        wanted.entrySet().stream()
                .sorted(Comparator.comparing(
                        entry -> !table.isBegun(entry.getValue().getMetadata().getUid())))
                .forEach(entry -> want(table.slot(entry.getKey()), new Wanted(entry.getValue(), source)));
        adoption.reported(source);
    }

    private void refuseDuplicate(Pod pod, PodSource source) {
        events.record(
                PodReference.of(pod),
                Optional.empty(),
                true,
                "FailedValidation",
                "Error validating pod " + PodKey.of(pod) + " from " + source.text() + " due to duplicate pod name \""
                        + pod.getMetadata().getName() + "\", ignoring");
    }

    /** Takes one pod. */
    void want(PodSlot slot, Wanted wanted) {
        Occupant current = slot.current;
        if (current != null && !current.orphan && current.source != wanted.source() && current.deletion == null) {
            refuseDuplicate(wanted.pod(), wanted.source());
            return;
        }
        String uid = wanted.pod().getMetadata().getUid();
        if (slot.next != null && slot.next.pod().getMetadata().getUid().equals(uid)) {
            // It goes on waiting.
            wanted.pod()
                    .getMetadata()
                    .setCreationTimestamp(slot.next.pod().getMetadata().getCreationTimestamp());
        }
        if (current == null || (current.orphan && current.uid().equals(uid) && current.worker == null)) {
            if (current != null) {
                table.vacate(slot, current);
            }
            slot.next = wanted;
            workers.advance(slot);
        } else if (current.uid().equals(uid) && current.deletion == null && !current.orphan) {
            slot.next = null;
            update(slot, current, wanted.pod());
        } else if (isEdit(current, wanted)) {
            slot.next = null;
            edits.add(wanted.pod(), current.uid());
            update(slot, current, wanted.pod());
        } else {
            slot.next = wanted;
            if (current.orphan) {
                adoption.remove(current);
            } else {
                workers.end(slot, current);
            }
            workers.showOrDrop(slot);
        }
    }

    /** Whether a manifest was edited in nothing that would need another pod: then the pod goes on. */
    private static boolean isEdit(Occupant current, Wanted wanted) {
        return wanted.source() == PodSource.FILE
                && current.source == PodSource.FILE
                && !current.orphan
                && current.deletion == null
                && current.worker != null
                && !current.isFinal()
                && PodEdits.keepsPod(current.pod, wanted.pod());
    }

    /** The same uid with another content: an edit in place. */
    private void update(PodSlot slot, Occupant current, Pod pod) {
        if (!PodSlot.annotation(pod, HASH_ANNOTATION).equals(PodSlot.annotation(current.pod, HASH_ANNOTATION))) {
            workers.become(slot, current, pod);
            workers.keep(current);
        }
    }
}
