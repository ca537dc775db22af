package dev.gantry.agent.pod;

import dev.gantry.agent.pod.PodSlot.Occupant;
import dev.gantry.agent.pod.PodSlot.Wanted;
import dev.gantry.agent.resource.Admission.Verdict;
import dev.gantry.agent.resource.Priorities;
import dev.gantry.agent.resource.ResizeRules;
import dev.gantry.agent.time.Timestamps;
import dev.gantry.agent.volume.ManifestObjects;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The workers of this node's pods: starts one when a name is free and the node admits the pod, has it follow what is wanted, and
 * lets the next one begin when nothing of it is left.
 *
 * <ul>
 *   <li>A name has one worker at a time.
 *   <li>Nothing starts before the runtime was listed, so that what runs has its room before anything new is looked at.
 *   <li>Called under the lock of the {@link PodTable}; workers report on their own queues and take it.
 * </ul>
 */
final class PodWorkers implements PodWorker.Listener {
    private final PodEngineSettings settings;
    private final WorkerSettings shared;
    private final PodTable table;
    private final ShownPods shown;
    private final PodAdmission admission;
    private final PodRecords records;
    private final StaticEdits edits;
    private final ManifestObjects objects;
    private final Executor disk;
    /** The pods that an earlier agent left running and whose workers have not looked at them yet, by uid. */
    private final Set<String> unseen = new HashSet<>();

    private final List<CompletableFuture<Void>> waiters = new ArrayList<>();
    private String runtimeName = "";
    private boolean open;

    PodWorkers(
            PodEngineSettings settings,
            WorkerSettings shared,
            PodTable table,
            ShownPods shown,
            PodRecords records,
            StaticEdits edits,
            ManifestObjects objects,
            Executor disk) {
        this.settings = settings;
        this.shared = shared;
        this.table = table;
        this.shown = shown;
        this.admission = new PodAdmission(settings, table, shown);
        this.records = records;
        this.edits = edits;
        this.objects = objects;
        this.disk = disk;
    }

    Room room() {
        return admission.room();
    }

    /**
     * From now on pods start.
     *
     * @param runtime how the runtime calls itself, which container ids begin with
     */
    void open(String runtime) {
        runtimeName = runtime;
        open = true;
    }

    /** From now on no pod starts. */
    void close() {
        open = false;
    }

    /** Completes at the first moment when pods may start and each that an earlier agent left and a source wants was looked at. */
    CompletableFuture<Void> adopted() {
        CompletableFuture<Void> waiter = new CompletableFuture<>();
        waiters.add(waiter);
        tellIfAdopted();
        return waiter;
    }

    /** To be called once what the runtime had was taken up; later it finds out itself. */
    void tellIfAdopted() {
        if (open && unseen.isEmpty()) {
            waiters.forEach(waiter -> settings.pool().execute(() -> waiter.complete(null)));
            waiters.clear();
        }
    }

    private void seen(String uid) {
        if (unseen.remove(uid)) {
            tellIfAdopted();
        }
    }

    // ---- beginning

    /** Starts what waits, if the name is free and the node admits it. */
    void advance(PodSlot slot) {
        Wanted wanted = slot.waiting();
        if (open && wanted != null) {
            date(wanted.pod().getMetadata());
        }
        if (slot.current == null
                && wanted != null
                && open
                && !wanted.pod().getMetadata().getUid().equals(slot.clearing)
                && admission.admits(slot, wanted)) {
            if (slot.restored != null) {
                slot.restored = null;
            } else {
                slot.next = null;
            }
            adopt(slot, wanted);
        } else {
            showOrDrop(slot);
        }
    }

    /** A pod of a file has no record of its own: where an earlier agent started it, its sandbox tells its age. */
    private void date(ObjectMeta metadata) {
        if (metadata.getCreationTimestamp() == null) {
            Instant begun = table.begunAt(metadata.getUid());
            metadata.setCreationTimestamp(
                    Timestamps.format(begun == null ? settings.clock().instant() : begun));
        }
    }

    private void adopt(PodSlot slot, Wanted wanted) {
        Pod pod = wanted.pod();
        String uid = pod.getMetadata().getUid();
        Instant begun = table.claimBegun(uid);
        if (begun != null && wanted.source() == PodSource.FILE) {
            records.ofFile(uid).ifPresent(record -> {
                pod.getMetadata().setGeneration(record.getMetadata().getGeneration());
                pod.getSpec().setEphemeralContainers(record.getSpec().getEphemeralContainers());
            });
        }
        PodStatus before = pod.getStatus();
        Occupant occupant = new Occupant(pod, wanted.source(), false, PodSlot.statusOf(pod));
        occupant.deletion = wanted.deletion();
        table.occupy(slot, occupant);
        Optional<Rejection> objection =
                wanted.deletion() != null ? Optional.empty() : admission.objection(pod, begun != null);
        if (objection.isPresent()) {
            admission.reject(slot, occupant, objection.get());
            return;
        }
        Optional<Pod> less = begun == null || wanted.deletion() != null ? Optional.empty() : records.allocated(uid);
        PodState state =
                PodState.of(less.map(allocated -> withAmounts(pod, allocated)).orElse(pod));
        boolean ended = before != null && PodSlot.isFinal(before);
        state = ended ? state.withFinalPhase(before.getPhase()) : state;
        state = ended ? state.withFailure(PodStatuses.failureOf(before)) : state;
        state = wanted.deletion() != null ? state.withDeletion(wanted.deletion()) : state;
        occupant.reported = records.reported(uid);
        state = state.withReported(occupant.reported);
        PodWorker worker = worker(state, ended ? before : null);
        occupant.worker = worker;
        if (wanted.source() == PodSource.FILE) {
            keep(occupant);
        }
        shown.show(slot);
        if (begun != null && !ended) {
            unseen.add(uid);
        }
        worker.start();
        if (less.isPresent()) {
            worker.update(pod);
        }
    }

    /** The pod with the CPU and memory that it had. */
    private static Pod withAmounts(Pod pod, Pod had) {
        PodSpec spec = ResizeRules.withAmounts(pod.getSpec(), had.getSpec());
        return new Pod(pod.getApiVersion(), pod.getKind(), pod.getMetadata(), spec, pod.getStatus());
    }

    /**
     * A worker that has not begun yet.
     *
     * @param before the status that the pod ended with under an earlier agent; null if it did not
     */
    PodWorker worker(PodState state, @Nullable PodStatus before) {
        PodStatuses.Context context = new PodStatuses.Context(
                settings.node(),
                runtimeName,
                settings.crashLoop(),
                settings.clock().instant());
        return new PodWorker(state, before, context, shared, this);
    }

    // ---- changes

    /** Has a pod go on as another one with the same uid. */
    void become(PodSlot slot, Occupant current, Pod pod) {
        pod.getMetadata().setCreationTimestamp(current.pod.getMetadata().getCreationTimestamp());
        Long generation = current.pod.getMetadata().getGeneration();
        long present = generation == null ? 1 : generation;
        pod.getMetadata().setGeneration(pod.getSpec().equals(current.pod.getSpec()) ? present : present + 1);
        List<EphemeralContainer> added = current.pod.getSpec().getEphemeralContainers();
        if (added != null
                && (pod.getSpec().getEphemeralContainers() == null
                        || pod.getSpec().getEphemeralContainers().isEmpty())) {
            // No manifest and no resize names them, and they run.
            pod.getSpec().setEphemeralContainers(added);
        }
        current.pod = pod;
        if (current.worker != null) {
            Pod allocated = current.worker.state().pod();
            if (ResizeRules.changesAmounts(allocated.getSpec(), pod.getSpec())) {
                // Before what is wanted is kept: until there was room for it, the next agent must not give it either.
                allocated(current.worker, Optional.of(allocated));
            }
            current.worker.update(pod);
        }
        shown.show(slot);
    }

    @Override
    public void statusChanged(PodWorker worker, PodStatus status, Decision.Phase phase) {
        synchronized (table) {
            PodSlot slot = slotOf(worker);
            if (slot == null || slot.current == null || slot.current.orphan) {
                return;
            }
            Occupant occupant = slot.current;
            boolean ended = phase.isFinal() && !occupant.isFinal();
            occupant.status = status;
            if (ended && occupant.source == PodSource.API) {
                save(occupant.pod, occupant.deletion, status);
            }
            shown.show(slot);
            seen(occupant.uid());
            if (phase.isFinal()) {
                offerRoom();
            }
        }
    }

    @Override
    public Verdict mayResize(Pod pod) {
        synchronized (table) {
            return room().resize(pod, table.slots());
        }
    }

    @Override
    public void allocated(PodWorker worker, Optional<Pod> instead) {
        String uid = worker.reference().uid();
        disk.execute(() -> instead.ifPresentOrElse(
                pod -> records.saveAllocated(pod, () -> table.isKnown(uid)), () -> records.removeAllocated(uid)));
    }

    @Override
    public void finished(PodWorker worker) {
        synchronized (table) {
            PodSlot slot = slotOf(worker);
            if (slot != null && slot.current != null) {
                remove(slot, slot.current);
            }
        }
    }

    private @Nullable PodSlot slotOf(PodWorker worker) {
        return table.ofUid(worker.reference().uid())
                .filter(slot -> slot.current != null && slot.current.worker == worker)
                .orElse(null);
    }

    // ---- ending

    /** Asks the worker to end the pod within the grace that the pod itself asks for. */
    void end(PodSlot slot, Occupant occupant) {
        end(slot, occupant, Plan.gracePeriodSeconds(occupant.pod));
    }

    /** Asks the worker to end the pod; a pod without one ends here. */
    void end(PodSlot slot, Occupant occupant, long graceSeconds) {
        if (occupant.worker == null) {
            remove(slot, occupant);
            return;
        }
        Instant now = settings.clock().instant();
        // What has ended already needs no grace.
        long seconds = occupant.isFinal() ? 0 : graceSeconds;
        Deletion before = occupant.deletion;
        Deletion deletion = before == null ? Deletion.requested(now, seconds) : before.requestedAgain(now, seconds);
        if (deletion.equals(before)) {
            return;
        }
        occupant.deletion = deletion;
        save(occupant.pod, deletion, occupant.status);
        occupant.worker.delete(deletion);
        shown.show(slot);
    }

    /** Whether a pod may be ended for what it takes of the disk: as in the kubelet no static one and no critical one. */
    static boolean isEvictable(Occupant occupant) {
        return occupant.source == PodSource.API
                && !occupant.orphan
                && occupant.worker != null
                && occupant.deletion == null
                && !occupant.expelled
                && !occupant.isFinal()
                && !Priorities.isCritical(occupant.pod);
    }

    /** Ends a pod as failed with reason Evicted; one that may not be or is ending already is left alone. */
    void evict(String uid, String message) {
        table.occupant(uid)
                .filter(PodWorkers::isEvictable)
                .ifPresent(occupant -> admission.expel(occupant, PodFailure.evicted(message)));
    }

    private void remove(PodSlot slot, Occupant occupant) {
        String uid = occupant.uid();
        table.vacate(slot, occupant);
        edits.forget(uid);
        objects.forget(uid);
        if (slot.shown != null && slot.shown.getMetadata().getUid().equals(uid)) {
            shown.hide(slot);
        }
        seen(uid);
        slot.clearing = uid;
        // Once more behind a record that was just being written, and before a pod of the same uid makes its files
        // there.
        disk.execute(() -> {
            shared.files().remove(occupant.reference());
            cleared(slot, uid);
        });
        advance(slot);
        offerRoom();
    }

    private void cleared(PodSlot slot, String uid) {
        synchronized (table) {
            if (uid.equals(slot.clearing)) {
                slot.clearing = null;
                advance(slot);
            }
        }
    }

    /** There may be more room than before: for those that wait, and for pods of files, which nobody else starts again. */
    private void offerRoom() {
        for (PodSlot slot : List.copyOf(table.slots())) {
            Occupant occupant = slot.current;
            if (occupant == null && slot.waiting() != null) {
                advance(slot);
            } else if (occupant != null && occupant.worker != null) {
                occupant.worker.roomOffered();
            } else if (occupant != null && occupant.turnedAway) {
                Wanted again = new Wanted(occupant.pod, occupant.source);
                if (admission.hasRoomFor(again)) {
                    occupant.pod.setStatus(null);
                    table.vacate(slot, occupant);
                    slot.next = again;
                    advance(slot);
                }
            }
        }
    }

    // ---- for others

    /** Shows whoever has or wants the name, or forgets it if nobody does. */
    void showOrDrop(PodSlot slot) {
        if (slot.current == null && slot.waiting() == null) {
            shown.hide(slot);
            if (slot.clearing == null) {
                table.drop(slot);
            }
        } else {
            shown.show(slot);
        }
    }

    /** Keeps a pod that runs for the next agent. */
    void keep(Occupant occupant) {
        if (occupant.source == PodSource.API) {
            save(occupant.pod, null, null);
            return;
        }
        Pod record = PodSlot.snapshot(occupant.pod, new PodStatus(), null, "");
        record.getMetadata().setResourceVersion(null);
        String uid = occupant.uid();
        disk.execute(() -> records.saveOfFile(record, () -> table.isKnown(uid)));
    }

    /** Keeps a pod for the next agent, unless it ends with this one. */
    void save(Pod pod, @Nullable Deletion deletion, @Nullable PodStatus status) {
        if (PodSlot.isTransient(pod) && deletion == null) {
            return;
        }
        Pod record = PodSlot.snapshot(pod, status == null ? new PodStatus() : status, deletion, "");
        record.getMetadata().setResourceVersion(null);
        String uid = record.getMetadata().getUid();
        disk.execute(() -> records.save(record, () -> table.isKnown(uid)));
    }
}
