package dev.gantry.agent.pod;

import dev.gantry.agent.pod.PodRejectedException.Reason;
import dev.gantry.agent.pod.PodSlot.Occupant;
import dev.gantry.agent.pod.PodSlot.Wanted;
import dev.gantry.agent.resource.ResizeRules;
import dev.gantry.agent.volume.ManifestObjects;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;

/**
 * What clients ask of pods, one at a time: the part of {@link PodEngine} that an API server has elsewhere, with its answers and
 * refusals. Called under the lock of the {@link PodTable}.
 */
final class PodRequests {
    private final PodTable table;
    private final PodSources sources;
    private final PodWorkers workers;
    private final PodRecords records;
    private final ManifestObjects objects;
    private final String nodeName;
    private final InstantSource clock;
    private final Executor disk;

    PodRequests(
            PodEngineSettings settings,
            PodTable table,
            PodSources sources,
            PodWorkers workers,
            PodRecords records,
            ManifestObjects objects,
            Executor disk) {
        this.table = table;
        this.sources = sources;
        this.workers = workers;
        this.records = records;
        this.objects = objects;
        this.nodeName = settings.node().name();
        this.clock = settings.clock();
        this.disk = disk;
    }

    Pod create(Pod pod, Collection<HasMetadata> own) throws PodRejectedException {
        ApiPods.admit(pod, nodeName);
        PodKey key = PodKey.of(pod);
        PodSlot slot = table.slot(key);
        if (slot.waiting() != null || (slot.current != null && !slot.current.orphan)) {
            throw new PodRejectedException(Reason.AlreadyExists, "pods \"" + key.name() + "\" already exists");
        }
        ApiPods.identify(pod, nodeName, clock.instant());
        String uid = pod.getMetadata().getUid();
        objects.give(uid, own);
        if (!own.isEmpty() && !PodSlot.isTransient(pod)) {
            disk.execute(() -> records.saveObjects(uid, own));
        }
        sources.want(slot, new Wanted(pod, PodSource.API));
        // The name was free, so that whoever has it and has ended was turned away just now.
        Occupant occupant = slot.current;
        workers.save(pod, null, occupant != null && occupant.isFinal() ? occupant.status : null);
        return Objects.requireNonNull(slot.shown);
    }

    Optional<Pod> delete(String namespace, String name, OptionalLong gracePeriodSeconds) throws PodRejectedException {
        PodSlot slot = table.find(new PodKey(namespace, name)).orElse(null);
        if (slot == null || slot.shown == null) {
            return Optional.empty();
        }
        PodSource source = slot.visible()
                .map(occupant -> occupant.source)
                .or(() -> Optional.ofNullable(slot.waiting()).map(Wanted::source))
                .orElse(PodSource.API);
        if (source == PodSource.FILE) {
            throw forbidden(name, "it comes from a manifest file; remove the file to delete it");
        }
        if (gracePeriodSeconds.isPresent() && gracePeriodSeconds.getAsLong() < 0) {
            throw new PodRejectedException(Reason.Invalid, "gracePeriodSeconds must be 0 or more");
        }
        slot.next = null;
        Pod last = slot.shown;
        Optional<Occupant> occupant = slot.visible();
        if (occupant.isPresent()) {
            workers.end(
                    slot,
                    occupant.get(),
                    gracePeriodSeconds.orElseGet(() -> Plan.gracePeriodSeconds(occupant.get().pod)));
        } else {
            workers.showOrDrop(slot);
        }
        return Optional.of(slot.shown == null ? last : slot.shown);
    }

    Optional<Pod> resize(Pod pod) throws PodRejectedException {
        PodSlot slot = visible(PodKey.of(pod)).orElse(null);
        if (slot == null) {
            return Optional.empty();
        }
        Occupant occupant = occupant(slot);
        String name = pod.getMetadata().getName();
        if (occupant.source == PodSource.FILE) {
            throw forbidden(name, "it comes from a manifest file; edit the file to resize it");
        }
        if (occupant.worker == null || occupant.deletion != null || occupant.isFinal()) {
            throw forbidden(name, "it does not run, and cannot be resized");
        }
        List<ResizeRules.Problem> problems = ResizeRules.problems(occupant.pod.getSpec(), pod.getSpec());
        if (!problems.isEmpty()) {
            throw new PodRejectedException(
                    Reason.Invalid,
                    "Pod \"" + name + "\" is invalid: "
                            + problems.stream()
                                    .map(problem -> problem.field() + ": " + problem.message())
                                    .collect(Collectors.joining("; ")),
                    problems.stream()
                            .map(problem -> new PodRejectedException.Cause(
                                    "FieldValueForbidden", problem.field(), problem.message()))
                            .toList());
        }
        Pod resized = new Pod("v1", "Pod", PodSlot.copy(occupant.pod.getMetadata()), pod.getSpec(), null);
        if (!resized.getSpec().equals(occupant.pod.getSpec())) {
            workers.become(slot, occupant, resized);
            workers.save(resized, null, null);
        }
        return Optional.ofNullable(slot.shown);
    }

    Optional<Pod> update(Pod pod) throws PodRejectedException {
        PodSlot slot = visible(PodKey.of(pod)).orElse(null);
        if (slot == null) {
            return Optional.empty();
        }
        Occupant occupant = occupant(slot);
        if (occupant.source == PodSource.FILE) {
            throw forbidden(pod.getMetadata().getName(), "it comes from a manifest file; edit the file to change it");
        }
        Pod updated = PodEdits.update(occupant.pod, pod);
        if (!updated.getMetadata().equals(occupant.pod.getMetadata())
                || !updated.getSpec().equals(occupant.pod.getSpec())) {
            workers.become(slot, occupant, updated);
            workers.save(updated, occupant.deletion, occupant.isFinal() ? occupant.status : null);
        }
        return Optional.ofNullable(slot.shown);
    }

    Optional<Pod> debug(String namespace, String name, List<EphemeralContainer> containers)
            throws PodRejectedException {
        PodSlot slot = active(namespace, name, "cannot be debugged").orElse(null);
        if (slot == null) {
            return Optional.empty();
        }
        Occupant occupant = occupant(slot);
        Pod changed = PodEdits.withEphemeralContainers(occupant.pod, containers);
        if (!changed.getSpec().equals(occupant.pod.getSpec())) {
            workers.become(slot, occupant, changed);
            workers.keep(occupant);
        }
        return Optional.ofNullable(slot.shown);
    }

    Optional<Pod> restart(String namespace, String name, Optional<String> container, Instant asOf)
            throws PodRejectedException {
        PodSlot slot = active(namespace, name, "cannot be restarted").orElse(null);
        if (slot == null) {
            return Optional.empty();
        }
        Occupant occupant = occupant(slot);
        Optional<String> objection = container.flatMap(one -> PodContainers.objectionToRestart(occupant.pod, one));
        if (objection.isPresent()) {
            throw new PodRejectedException(Reason.Invalid, objection.get());
        }
        Objects.requireNonNull(occupant.worker).restart(container, asOf);
        return Optional.ofNullable(slot.shown);
    }

    Optional<Pod> report(String namespace, String name, List<PodCondition> conditions) throws PodRejectedException {
        PodSlot slot = visible(new PodKey(namespace, name)).orElse(null);
        if (slot == null) {
            return Optional.empty();
        }
        Occupant occupant = occupant(slot);
        List<PodCondition> reported = PodEdits.reported(occupant.pod, occupant.status, occupant.reported, conditions);
        if (occupant.worker != null && !reported.isEmpty()) {
            List<PodCondition> all = PodConditions.merge(occupant.reported, reported, clock.instant());
            occupant.reported = all;
            occupant.worker.report(all);
            Pod pod = occupant.pod;
            String uid = occupant.uid();
            disk.execute(() -> records.saveReported(pod, all, () -> table.isKnown(uid)));
        }
        return Optional.ofNullable(slot.shown);
    }

    /** The slot of a pod that others see. */
    private Optional<PodSlot> visible(PodKey key) {
        return table.find(key).filter(slot -> slot.visible().isPresent());
    }

    /** The slot of a pod that runs or will. */
    private Optional<PodSlot> active(String namespace, String name, String otherwise) throws PodRejectedException {
        Optional<PodSlot> slot = visible(new PodKey(namespace, name));
        if (slot.isPresent()) {
            Occupant occupant = occupant(slot.get());
            if (occupant.worker == null || occupant.isFinal()) {
                throw forbidden(name, "it has ended, and " + otherwise);
            }
            if (occupant.deletion != null) {
                throw forbidden(name, "it is being deleted, and " + otherwise);
            }
        }
        return slot;
    }

    private static Occupant occupant(PodSlot slot) {
        return slot.visible().orElseThrow();
    }

    private static PodRejectedException forbidden(String pod, String why) {
        return new PodRejectedException(Reason.Forbidden, "pods \"" + pod + "\" is forbidden: " + why);
    }
}
