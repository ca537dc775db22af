package dev.gantry.agent.pod;

import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.cri.ObservedSandbox;
import dev.gantry.agent.pod.PodSlot.Occupant;
import dev.gantry.agent.pod.PodSlot.Wanted;
import dev.gantry.agent.volume.ManifestObjects;
import dev.gantry.cri.v1.PodSandbox;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an earlier agent left, in its records and in the runtime: pods that are wanted go on where they stand, those that nobody
 * wants are removed once every source has reported. Called under the lock of the {@link PodTable}.
 */
final class PodAdoption {
    private static final Logger log = LoggerFactory.getLogger(PodAdoption.class);

    private final Set<PodSource> sources;
    private final CriRuntime runtime;
    private final PodTable table;
    private final ShownPods shown;
    private final PodWorkers workers;
    private final PodRecords records;
    private final PodFiles files;
    private final ManifestObjects objects;
    private final InstantSource clock;
    private final Executor disk;
    private final Set<PodSource> reported = EnumSet.noneOf(PodSource.class);
    private boolean listed;
    private boolean swept;

    /**
     * Has found nothing yet.
     *
     * @param disk runs one task at a time, behind the records that are being written
     */
    PodAdoption(
            PodEngineSettings settings,
            WorkerSettings shared,
            PodTable table,
            ShownPods shown,
            PodWorkers workers,
            PodRecords records,
            ManifestObjects objects,
            Executor disk) {
        this.sources = settings.sources();
        this.runtime = shared.runtime();
        this.table = table;
        this.shown = shown;
        this.workers = workers;
        this.records = records;
        this.files = shared.files();
        this.objects = objects;
        this.clock = settings.clock();
        this.disk = disk;
    }

    // ---- records

    /** Takes up the pods of the API, and those that were on their way out. */
    void restore() {
        for (Pod pod : records.load()) {
            boolean api = PodSource.API.text().equals(PodSlot.annotation(pod, PodSource.ANNOTATION));
            boolean deleting = pod.getMetadata().getDeletionTimestamp() != null;
            if (deleting || (api && !PodSlot.isTransient(pod))) {
                String uid = pod.getMetadata().getUid();
                objects.give(uid, records.objects(uid));
                PodSlot slot = table.slot(PodKey.of(pod));
                Wanted wanted = new Wanted(pod, api ? PodSource.API : PodSource.FILE, restoredDeletion(pod));
                if (deleting && slot.restored == null) {
                    slot.restored = wanted;
                } else if (!deleting && slot.next == null) {
                    slot.next = wanted;
                }
                shown.show(slot);
            }
        }
        reported.add(PodSource.API);
    }

    private @Nullable Deletion restoredDeletion(Pod pod) {
        String deadline = pod.getMetadata().getDeletionTimestamp();
        Long grace = pod.getMetadata().getDeletionGracePeriodSeconds();
        if (deadline == null) {
            return null;
        }
        try {
            Instant at = Instant.parse(deadline);
            long seconds = grace == null ? 0 : grace;
            return new Deletion(at.minusSeconds(seconds), seconds, at);
        } catch (DateTimeParseException e) {
            return Deletion.requested(clock.instant(), 0);
        }
    }

    // ---- the runtime

    /** Takes up what the runtime has, and lets pods start. */
    void listed(List<PodSandbox> sandboxes) {
        listed = true;
        sandboxes.stream()
                .filter(sandbox ->
                        sandbox.getLabelsOrDefault(Labels.MANAGED_BY, "").equals(Labels.GANTRY))
                .forEach(this::found);
        // What runs already has its room before anything new is looked at.
        List.copyOf(table.slots()).stream()
                .sorted(Comparator.comparing(slot -> !isBegun(slot)))
                .forEach(workers::advance);
        removeOrphans();
    }

    private void found(PodSandbox sandbox) {
        String uid = sandbox.getLabelsOrDefault(Labels.POD_UID, "");
        table.hasBegun(uid, ObservedSandbox.podStartedAt(sandbox));
        PodKey key = new PodKey(
                sandbox.getLabelsOrDefault(Labels.POD_NAMESPACE, ""), sandbox.getLabelsOrDefault(Labels.POD_NAME, ""));
        PodSlot slot = table.slot(key);
        if (slot.current == null && !slot.awaits(uid) && table.ofUid(uid).isEmpty()) {
            boolean api =
                    sandbox.getAnnotationsOrDefault(PodSource.ANNOTATION, "").equals(PodSource.API.text());
            PodSource source = api ? PodSource.API : PodSource.FILE;
            table.occupy(slot, new Occupant(orphan(key, uid), source, true, new PodStatus()));
        }
    }

    private boolean isBegun(PodSlot slot) {
        Wanted wanted = slot.waiting();
        return wanted != null && table.isBegun(wanted.pod().getMetadata().getUid());
    }

    private static Pod orphan(PodKey key, String uid) {
        ObjectMeta metadata = new ObjectMeta();
        metadata.setNamespace(key.namespace());
        metadata.setName(key.name());
        metadata.setUid(uid);
        Pod pod = new Pod();
        pod.setMetadata(metadata);
        pod.setSpec(new PodSpec());
        return pod;
    }

    // ---- what nobody wants

    /** A source has told all that it wants. */
    void reported(PodSource source) {
        reported.add(source);
        removeOrphans();
    }

    /** A pod of the API is nobody's if no record has it; one of a file, once the files were read. */
    private void removeOrphans() {
        if (!listed) {
            return;
        }
        boolean all = reported.containsAll(sources);
        for (Occupant occupant : table.occupants().toList()) {
            if (occupant.orphan && (all || occupant.source == PodSource.API)) {
                remove(occupant);
            }
        }
        if (all && !swept) {
            swept = true;
            disk.execute(() -> files.removeUnknown(table::isKnown));
        }
    }

    /** Ends a pod that nobody wants: as its last record has it, with the grace that its containers recorded. */
    void remove(Occupant orphan) {
        if (orphan.worker != null) {
            return;
        }
        orphan.pod = records.ofFile(orphan.uid()).orElse(orphan.pod);
        Deletion placeholder = Deletion.requested(clock.instant(), 1);
        PodWorker worker = workers.worker(PodState.of(orphan.pod).withDeletion(placeholder), null);
        orphan.worker = worker;
        runtime.observe(orphan.uid(), ObservedPod.NOTHING).whenComplete((seen, failure) -> {
            long grace = failure == null ? recordedGrace(seen) : placeholder.gracePeriodSeconds();
            worker.replaceDeletion(Deletion.requested(clock.instant(), grace));
            worker.start();
        });
        log.atInfo()
                .addKeyValue("pod", PodKey.of(orphan.pod))
                .addKeyValue("podUid", orphan.uid())
                .log("Removing pod that no source wants");
    }

    private static long recordedGrace(ObservedPod seen) {
        return seen.containers().stream()
                .map(container -> container.annotations().getOrDefault(Labels.TERMINATION_GRACE_PERIOD, "1"))
                .map(PodWorker::parse)
                .mapToLong(seconds -> seconds.orElse(1))
                .max()
                .orElse(1);
    }
}
