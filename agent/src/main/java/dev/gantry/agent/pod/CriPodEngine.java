package dev.gantry.agent.pod;

import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.cri.PodEvents;
import dev.gantry.agent.event.EventStore;
import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.oom.OomEvents;
import dev.gantry.agent.pod.PodSlot.Occupant;
import dev.gantry.agent.pod.PodSlot.Wanted;
import dev.gantry.agent.resource.Admission.Preempts;
import dev.gantry.agent.resource.Admission.Rejected;
import dev.gantry.agent.resource.Admission.Verdict;
import dev.gantry.agent.resource.Qos;
import dev.gantry.agent.resource.ResizeRules;
import dev.gantry.agent.time.Timestamps;
import dev.gantry.agent.volume.ManifestObjects;
import dev.gantry.agent.volume.ObjectKey;
import dev.gantry.agent.volume.ObjectReferences;
import dev.gantry.agent.volume.VolumeManager;
import dev.gantry.cri.v1.PodSandbox;
import dev.gantry.cri.v1.VersionResponse;
import dev.gantry.linux.Linux;
import dev.gantry.staticpods.FieldError;
import dev.gantry.staticpods.ManifestError;
import dev.gantry.staticpods.ManifestSnapshot;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.grpc.Channel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Collection;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine over a runtime that speaks CRI: keeps one worker per pod, hands them what sources want and what the runtime
 * reports, and shows their pods.
 *
 * <ul>
 *   <li>One lock for the table of pods, held for look-ups and swaps only; workers do their work outside it.
 *   <li>A name has one worker at a time: its successor waits until nothing of it is left.
 *   <li>What the runtime has of pods that nobody wants is removed once every source has reported.
 * </ul>
 */
public final class CriPodEngine implements PodEngine {
    private static final Logger log = LoggerFactory.getLogger(CriPodEngine.class);

    /** The safety net for lost events; every worker then looks once. */
    private static final Duration RELIST = Duration.ofSeconds(60);

    private static final Duration RECONNECT = Duration.ofSeconds(1);

    private final PodEngineSettings settings;
    private final CriRuntime runtime;
    private final WorkerSettings workers;
    private final PodRecords records;
    private final Room room;
    private final StaticEdits edits;
    private final SerialExecutor disk;
    private final ShownPods shown;
    private final ManifestObjects objects = new ManifestObjects();
    private final Set<PodSource> reported = EnumSet.noneOf(PodSource.class);
    private final Map<PodKey, PodSlot> slots = new TreeMap<>();
    private final Map<String, PodSlot> byUid = new HashMap<>();
    /** When the pods that an earlier agent left began, by uid. */
    private final Map<String, Instant> begun = new HashMap<>();

    private final Worker listener = new Worker();
    private List<ManifestSnapshot.Problem> problems = List.of();
    private String runtimeName = "gantry";
    private String runtimeVersion = "";
    private boolean listed;
    private boolean swept;
    private boolean closed;
    private @Nullable PodEvents events;
    private @Nullable ScheduledFuture<?> timer;

    private CriPodEngine(PodEngineSettings settings, Channel channel, UserNamespaces users) {
        this.settings = settings;
        this.runtime = new CriRuntime(channel);
        this.records = new PodRecords(settings.paths().pods());
        this.room = new Room(settings.node());
        this.edits = new StaticEdits(settings.paths().pods());
        this.disk = new SerialExecutor(settings.pool());
        // The version grows across restarts of the agent, so that watchers of the old one notice.
        this.shown = new ShownPods(
                new SerialExecutor(settings.pool()), settings.clock().instant().toEpochMilli());
        VolumeManager volumes = VolumeManager.ofHost(
                settings.paths().pods(),
                settings.paths().claims(),
                Linux.system(),
                objects,
                selector -> NodeAffinity.matches(
                        selector, settings.node().name(), settings.policy().labels()),
                settings.node().resources().allocatable().quantities(),
                settings.events(),
                settings.clock(),
                settings.blocking(),
                settings.timers());
        this.workers = new WorkerSettings(
                runtime,
                new CriConfigs(
                        settings.node(),
                        settings.paths(),
                        settings.dns(),
                        new SecurityContexts(settings.policy(), settings.paths().seccomp(), users::of)),
                new PodFiles(
                        settings.paths(),
                        settings.hostResolvConf(),
                        users,
                        settings.dns().clusterDomain(),
                        volumes),
                volumes,
                objects,
                settings.node().resources().allocatable().quantities(),
                settings.events(),
                settings.probes(),
                settings.hooks(),
                settings.crashLoop(),
                settings.runtimeHandler(),
                settings.clock(),
                settings.pool(),
                settings.timers());
    }

    /**
     * Opens the engine: reads its records, asks the runtime what there is, and adopts it as sources claim it.
     *
     * @param channel to the runtime; not closed by the engine
     */
    public static CriPodEngine open(PodEngineSettings settings, Channel channel) {
        UserNamespaces users;
        try {
            users = UserNamespaces.open(
                    settings.paths().pods(), settings.policy().userIds());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        CriPodEngine engine = new CriPodEngine(settings, channel, users);
        settings.events().locate(engine::pathOf);
        engine.restore();
        engine.subscribe();
        engine.list();
        return engine;
    }

    // ---- beginning

    /** Takes up the pods of the API, and those that were on their way out. */
    private synchronized void restore() {
        for (Pod pod : records.load()) {
            boolean api = PodSource.API.text().equals(annotation(pod, PodSource.ANNOTATION));
            boolean ends = annotation(pod, TRANSIENT_ANNOTATION).equals("true");
            boolean deleting = pod.getMetadata().getDeletionTimestamp() != null;
            if (deleting || (api && !ends)) {
                objects.give(
                        pod.getMetadata().getUid(),
                        records.objects(pod.getMetadata().getUid()));
                PodSlot slot = slot(PodKey.of(pod));
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
            return Deletion.requested(settings.clock().instant(), 0);
        }
    }

    private void subscribe() {
        PodEvents subscription = PodEvents.start(runtime, this::runtimeEvent, this::lookEverywhere, settings.timers());
        synchronized (this) {
            events = subscription;
        }
    }

    private void runtimeEvent(String uid) {
        PodWorker worker;
        synchronized (this) {
            PodSlot slot = byUid.get(uid);
            worker = slot == null || slot.current == null ? null : slot.current.worker;
        }
        if (worker != null) {
            worker.changed();
        }
    }

    private synchronized void later(Duration delay, Runnable task) {
        if (!closed) {
            timer = settings.timers()
                    .schedule(() -> settings.pool().execute(task), delay.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void lookEverywhere() {
        everyWorker(PodWorker::changed);
    }

    /** To be told when the runtime was away or could not connect pods, and now can again. */
    public void runtimeReady() {
        everyWorker(PodWorker::runtimeReady);
    }

    private void everyWorker(Consumer<PodWorker> action) {
        List<PodWorker> all;
        synchronized (this) {
            if (closed) {
                return;
            }
            all = slots.values().stream()
                    .flatMap(slot -> Optional.ofNullable(slot.current).stream())
                    .flatMap(occupant -> Optional.ofNullable(occupant.worker).stream())
                    .toList();
        }
        all.forEach(action);
    }

    /** The first list of the runtime, repeated until it answers; then, rarely, the safety net. */
    private void list() {
        runtime.version()
                .thenCombine(runtime.sandboxes(), (answer, sandboxes) -> {
                    firstList(answer, sandboxes);
                    return sandboxes;
                })
                .whenComplete((done, failure) -> {
                    if (failure != null) {
                        log.atWarn()
                                .addKeyValue("err", String.valueOf(failure.getMessage()))
                                .addKeyValue("retryIn", RECONNECT)
                                .log("Could not list the runtime's pods, retrying");
                        later(RECONNECT, this::list);
                    } else {
                        later(RELIST, this::relist);
                    }
                });
    }

    private void relist() {
        lookEverywhere();
        later(RELIST, this::relist);
    }

    private synchronized void firstList(VersionResponse answer, List<PodSandbox> sandboxes) {
        if (closed || listed) {
            return;
        }
        runtimeName = answer.getRuntimeName().isEmpty() ? runtimeName : answer.getRuntimeName();
        runtimeVersion = answer.getRuntimeVersion();
        listed = true;
        for (PodSandbox sandbox : sandboxes) {
            if (!sandbox.getLabelsOrDefault(Labels.MANAGED_BY, "").equals(Labels.GANTRY)) {
                continue;
            }
            String uid = sandbox.getLabelsOrDefault(Labels.POD_UID, "");
            Instant created = CriRuntime.podStartedAt(sandbox);
            begun.merge(uid, created, (one, other) -> one.isBefore(other) ? one : other);
            PodKey key = new PodKey(
                    sandbox.getLabelsOrDefault(Labels.POD_NAMESPACE, ""),
                    sandbox.getLabelsOrDefault(Labels.POD_NAME, ""));
            PodSlot slot = slot(key);
            boolean wanted = isWaiting(slot, uid);
            if (!byUid.containsKey(uid) && slot.current == null && !wanted) {
                boolean api = sandbox.getAnnotationsOrDefault(PodSource.ANNOTATION, "")
                        .equals(PodSource.API.text());
                slot.current =
                        new Occupant(orphan(key, uid), api ? PodSource.API : PodSource.FILE, true, new PodStatus());
                byUid.put(uid, slot);
            }
        }
        // What runs already has its room before anything new is looked at.
        List.copyOf(slots.values()).stream()
                .sorted(Comparator.comparing(slot -> !isBegun(slot)))
                .forEach(this::advance);
        removeOrphans();
    }

    private boolean isBegun(PodSlot slot) {
        Wanted wanted = slot.waiting();
        return wanted != null && begun.containsKey(wanted.pod().getMetadata().getUid());
    }

    private static boolean isWaiting(PodSlot slot, String uid) {
        return Stream.of(Optional.ofNullable(slot.restored), Optional.ofNullable(slot.next))
                .flatMap(Optional::stream)
                .anyMatch(wanted -> wanted.pod().getMetadata().getUid().equals(uid));
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

    /** A pod of the API is nobody's if no record has it; one of a file, once the files were read. */
    private void removeOrphans() {
        if (!listed) {
            return;
        }
        boolean all = reported.containsAll(settings.sources());
        for (PodSlot slot : List.copyOf(slots.values())) {
            if (slot.current != null && slot.current.orphan && (all || slot.current.source == PodSource.API)) {
                removeOrphan(slot.current);
            }
        }
        if (all && !swept) {
            swept = true;
            disk.execute(() -> workers.files().removeUnknown(this::isKnown));
        }
    }

    /** With the grace that its containers recorded, for want of a manifest. */
    private void removeOrphan(Occupant orphan) {
        if (orphan.worker != null) {
            return;
        }
        Deletion placeholder = Deletion.requested(settings.clock().instant(), 1);
        PodWorker worker = worker(PodState.of(orphan.pod).withDeletion(placeholder), null);
        orphan.worker = worker;
        runtime.observe(orphan.uid(), ObservedPod.NOTHING).whenComplete((seen, failure) -> {
            long grace = failure == null ? recordedGrace(seen) : placeholder.gracePeriodSeconds();
            worker.replaceDeletion(Deletion.requested(settings.clock().instant(), grace));
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

    // ---- sources

    @Override
    public synchronized void apply(PodSource source, Collection<Pod> desired) {
        if (closed) {
            return;
        }
        Map<PodKey, Pod> wanted = new LinkedHashMap<>();
        for (Pod pod : desired) {
            if (source == PodSource.FILE) {
                edits.resolve(pod);
            }
            if (wanted.putIfAbsent(PodKey.of(pod), pod) != null) {
                refuseDuplicate(pod, source);
            }
        }
        for (PodSlot slot : List.copyOf(slots.values())) {
            if (!wanted.containsKey(slot.key)) {
                if (slot.next != null && slot.next.source() == source) {
                    slot.next = null;
                }
                if (slot.current != null && !slot.current.orphan && slot.current.source == source) {
                    end(slot, slot.current, grace(slot.current.pod));
                }
                showOrDrop(slot);
            }
        }
        // What runs already has its room before anything new is looked at.
        wanted.entrySet().stream()
                .sorted(Comparator.comparing(entry ->
                        !begun.containsKey(entry.getValue().getMetadata().getUid())))
                .forEach(entry -> want(slot(entry.getKey()), new Wanted(entry.getValue(), source)));
        reported.add(source);
        removeOrphans();
    }

    private void refuseDuplicate(Pod pod, PodSource source) {
        settings.events()
                .record(
                        reference(pod),
                        Optional.empty(),
                        true,
                        "FailedValidation",
                        "Error validating pod " + PodKey.of(pod) + " from " + source.text()
                                + " due to duplicate pod name \""
                                + pod.getMetadata().getName() + "\", ignoring");
    }

    private void want(PodSlot slot, Wanted wanted) {
        Occupant current = slot.current;
        if (current != null && !current.orphan && current.source != wanted.source() && current.deletion == null) {
            refuseDuplicate(wanted.pod(), wanted.source());
            return;
        }
        String uid = wanted.pod().getMetadata().getUid();
        if (current == null || (current.orphan && current.uid().equals(uid) && current.worker == null)) {
            if (current != null) {
                slot.current = null;
            }
            slot.next = wanted;
            advance(slot);
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
                removeOrphan(current);
            } else {
                end(slot, current, grace(current.pod));
            }
            showOrDrop(slot);
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
        String hash = "kubernetes.io/config.hash";
        if (annotation(pod, hash).equals(annotation(current.pod, hash))) {
            return;
        }
        become(slot, current, pod);
    }

    private void become(PodSlot slot, Occupant current, Pod pod) {
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
            current.worker.update(pod);
        }
        shown.show(slot);
    }

    /** Starts what waits, if the name is free and the runtime is known. */
    private void advance(PodSlot slot) {
        Wanted wanted = slot.waiting();
        if (slot.current == null && wanted != null && listed && !closed && isAdmitted(slot, wanted)) {
            if (slot.restored != null) {
                slot.restored = null;
            } else {
                slot.next = null;
            }
            adopt(slot, wanted.pod(), wanted.source(), wanted.deletion());
        } else {
            showOrDrop(slot);
        }
    }

    /** Whether a pod may start now. One that runs already, that ends or has ended is never turned away. */
    private boolean isAdmitted(PodSlot slot, Wanted wanted) {
        Pod pod = wanted.pod();
        boolean ended = pod.getStatus() != null
                && ("Succeeded".equals(pod.getStatus().getPhase())
                        || "Failed".equals(pod.getStatus().getPhase()));
        if (wanted.deletion() != null
                || ended
                || begun.containsKey(pod.getMetadata().getUid())) {
            return true;
        }
        Verdict verdict = room.decide(wanted, slots.values());
        if (verdict instanceof Rejected rejected) {
            turnAway(slot, wanted, rejected);
            return false;
        }
        if (verdict instanceof Preempts preempts) {
            preempts.uids().stream()
                    .flatMap(uid -> Optional.ofNullable(byUid.get(uid)).stream())
                    .forEach(this::preempt);
            return false;
        }
        return true;
    }

    private void turnAway(PodSlot slot, Wanted wanted, Rejected rejected) {
        slot.next = null;
        Occupant occupant = new Occupant(wanted.pod(), wanted.source(), false, PodSlot.statusOf(wanted.pod()));
        occupant.turnedAway = wanted.source() == PodSource.FILE;
        slot.current = occupant;
        byUid.put(occupant.uid(), slot);
        refuse(slot, occupant, new Rejection(rejected.reason(), rejected.message()));
    }

    private void preempt(PodSlot slot) {
        Occupant occupant = slot.current;
        if (occupant != null && occupant.worker != null && !occupant.preempted && occupant.deletion == null) {
            occupant.preempted = true;
            PodFailure why = PodFailure.PREEMPTED;
            settings.events().record(reference(occupant.pod), Optional.empty(), true, why.reason(), why.message());
            occupant.worker.fail(why);
        }
    }

    /** There may be more room than before: for those that wait, and for pods of files, which nobody else starts again. */
    private void offerRoom() {
        for (PodSlot slot : List.copyOf(slots.values())) {
            Occupant occupant = slot.current;
            if (occupant == null && slot.waiting() != null) {
                advance(slot);
            } else if (occupant != null && occupant.worker != null) {
                occupant.worker.roomOffered();
            } else if (occupant != null && occupant.turnedAway) {
                Wanted again = new Wanted(occupant.pod, occupant.source);
                if (!(room.decide(again, slots.values()) instanceof Rejected)) {
                    occupant.pod.setStatus(null);
                    byUid.remove(occupant.uid());
                    slot.current = null;
                    slot.next = again;
                    advance(slot);
                }
            }
        }
    }

    private void adopt(PodSlot slot, Pod pod, PodSource source, @Nullable Deletion deletion) {
        Instant created = begun.remove(pod.getMetadata().getUid());
        boolean runs = created != null;
        if (pod.getMetadata().getCreationTimestamp() == null) {
            // A pod of a file has no record of its own; where an earlier agent started it, its sandbox tells its age.
            pod.getMetadata()
                    .setCreationTimestamp(
                            Timestamps.format(created == null ? settings.clock().instant() : created));
        }
        if (runs && source == PodSource.FILE) {
            pod.getSpec()
                    .setEphemeralContainers(
                            records.ephemeralContainers(pod.getMetadata().getUid()));
        }
        PodStatus before = pod.getStatus();
        Occupant occupant = new Occupant(pod, source, false, PodSlot.statusOf(pod));
        occupant.deletion = deletion;
        slot.current = occupant;
        byUid.put(occupant.uid(), slot);
        Optional<Rejection> rejection = deletion != null ? Optional.empty() : rejection(pod, runs);
        if (rejection.isPresent()) {
            refuse(slot, occupant, rejection.get());
            return;
        }
        PodState state = PodState.of(pod);
        boolean ended = before != null && ("Succeeded".equals(before.getPhase()) || "Failed".equals(before.getPhase()));
        state = ended ? state.withFinalPhase(before.getPhase()) : state;
        state = ended ? state.withFailure(PodStatuses.failureOf(before)) : state;
        state = deletion != null ? state.withDeletion(deletion) : state;
        occupant.reported = records.reported(occupant.uid());
        state = state.withReported(occupant.reported);
        PodWorker worker = worker(state, ended ? before : null);
        occupant.worker = worker;
        shown.show(slot);
        worker.start();
    }

    private PodWorker worker(PodState state, @Nullable PodStatus before) {
        PodStatuses.Context context = new PodStatuses.Context(
                settings.node(),
                runtimeName,
                settings.crashLoop(),
                settings.clock().instant());
        return new PodWorker(state, before, context, workers, listener);
    }

    /** What was accepted before stays, even if the node's configuration would not let it in any more. */
    private Optional<Rejection> rejection(Pod pod, boolean runs) {
        List<FieldError> unsupported = PodSupport.unsupported(pod);
        if (!unsupported.isEmpty()) {
            return Optional.of(new Rejection(
                    "PodFeatureUnsupported",
                    unsupported.stream().map(FieldError::toString).collect(Collectors.joining("; "))));
        }
        return runs
                ? Optional.empty()
                : NodeAdmission.check(pod, settings.node().name(), settings.policy());
    }

    private void refuse(PodSlot slot, Occupant occupant, Rejection rejection) {
        String message = "Pod was rejected: " + rejection.message();
        PodStatus status = new PodStatus();
        status.setPhase("Failed");
        status.setReason(rejection.reason());
        status.setMessage(message);
        status.setStartTime(Timestamps.format(settings.clock().instant()));
        status.setQosClass(Qos.of(occupant.pod.getSpec()).text());
        occupant.status = status;
        settings.events()
                .record(reference(occupant.pod), Optional.empty(), true, rejection.reason(), rejection.message());
        shown.show(slot);
    }

    @Override
    public synchronized void applyManifests(ManifestSnapshot snapshot) {
        if (closed) {
            return;
        }
        Set<ObjectKey> changed = objects.replace(snapshot.objects());
        apply(PodSource.FILE, snapshot.pods());
        if (!changed.isEmpty()) {
            slots.values().stream()
                    .flatMap(slot -> Optional.ofNullable(slot.current).stream())
                    .filter(occupant -> occupant.worker != null && ObjectReferences.concern(occupant.pod, changed))
                    .forEach(occupant -> occupant.worker.objectsChanged());
        }
        Map<String, PodCondition> conditions = new HashMap<>();
        for (ManifestSnapshot.Problem problem : snapshot.problems()) {
            boolean known = problems.contains(problem);
            String message =
                    problem.errors().stream().map(ManifestError::toString).collect(Collectors.joining("; "));
            problem.keptUids().forEach(uid -> conditions.put(edits.running(uid), manifestProblem(message)));
            if (!known) {
                announce(problem, message);
            }
        }
        problems = snapshot.problems();
        for (PodSlot slot : slots.values()) {
            Occupant occupant = slot.current;
            if (occupant != null && !occupant.orphan && occupant.source == PodSource.FILE) {
                PodCondition now = conditions.get(occupant.uid());
                PodCondition before = occupant.manifestProblem;
                if (now == null
                        ? before != null
                        : before == null || !now.getMessage().equals(before.getMessage())) {
                    occupant.manifestProblem = now;
                    shown.show(slot);
                }
            }
        }
    }

    private void announce(ManifestSnapshot.Problem problem, String message) {
        log.atWarn()
                .addKeyValue("path", problem.file())
                .addKeyValue("err", message)
                .log(
                        problem.kept()
                                ? "Could not use edited manifest, keeping its last good revision"
                                : "Could not use manifest, ignoring");
        List<PodReference> subjects = problem.keptUids().stream()
                .map(edits::running)
                .map(byUid::get)
                .flatMap(slot -> Optional.ofNullable(slot).stream())
                .flatMap(slot -> Optional.ofNullable(slot.current).stream())
                .map(occupant -> reference(occupant.pod))
                .toList();
        if (subjects.isEmpty()) {
            String name = String.valueOf(Path.of(problem.file()).getFileName());
            subjects = List.of(new PodReference("default", name, ""));
        }
        subjects.forEach(
                subject -> settings.events().record(subject, Optional.empty(), true, "FailedValidation", message));
    }

    private PodCondition manifestProblem(String message) {
        PodCondition condition = new PodCondition();
        condition.setType(MANIFEST_CONDITION);
        condition.setStatus("False");
        condition.setReason("FailedValidation");
        condition.setMessage(message);
        condition.setLastTransitionTime(Timestamps.format(settings.clock().instant()));
        return condition;
    }

    @Override
    public synchronized List<ManifestSnapshot.Problem> manifestProblems() {
        return problems;
    }

    // ---- the API

    @Override
    public synchronized Pod create(Pod pod, Collection<HasMetadata> own) throws PodRejectedException {
        if (closed) {
            throw new PodRejectedException(PodRejectedException.Reason.InternalError, "the agent is shutting down");
        }
        ApiPods.admit(pod, settings.node().name());
        PodKey key = PodKey.of(pod);
        PodSlot slot = slot(key);
        if (slot.waiting() != null || (slot.current != null && !slot.current.orphan)) {
            throw new PodRejectedException(
                    PodRejectedException.Reason.AlreadyExists, "pods \"" + key.name() + "\" already exists");
        }
        ApiPods.identify(pod, settings.node().name(), settings.clock().instant());
        String uid = pod.getMetadata().getUid();
        objects.give(uid, own);
        if (!own.isEmpty() && !annotation(pod, TRANSIENT_ANNOTATION).equals("true")) {
            disk.execute(() -> records.saveObjects(uid, own));
        }
        want(slot, new Wanted(pod, PodSource.API));
        // The name was free, so that whoever has it and has ended was turned away just now.
        Occupant occupant = slot.current;
        save(pod, null, occupant != null && occupant.isFinal() ? occupant.status : null);
        return java.util.Objects.requireNonNull(slot.shown);
    }

    @Override
    public synchronized Optional<Pod> delete(String namespace, String name, OptionalLong gracePeriodSeconds)
            throws PodRejectedException {
        PodSlot slot = slots.get(new PodKey(namespace, name));
        if (slot == null || slot.shown == null) {
            return Optional.empty();
        }
        PodSource source = slot.current != null && !slot.current.orphan
                ? slot.current.source
                : Optional.ofNullable(slot.waiting()).map(Wanted::source).orElse(PodSource.API);
        if (source == PodSource.FILE) {
            throw new PodRejectedException(
                    PodRejectedException.Reason.Forbidden,
                    "pods \"" + name + "\" is forbidden: it comes from a manifest file; remove the file to delete it");
        }
        if (gracePeriodSeconds.isPresent() && gracePeriodSeconds.getAsLong() < 0) {
            throw new PodRejectedException(PodRejectedException.Reason.Invalid, "gracePeriodSeconds must be 0 or more");
        }
        slot.next = null;
        Pod last = slot.shown;
        Occupant occupant = slot.current;
        if (occupant != null && !occupant.orphan) {
            end(slot, occupant, gracePeriodSeconds.orElseGet(() -> grace(occupant.pod)));
        } else {
            showOrDrop(slot);
        }
        return Optional.of(slot.shown == null ? last : slot.shown);
    }

    @Override
    public synchronized Optional<Pod> resize(Pod pod) throws PodRejectedException {
        PodSlot slot = slots.get(PodKey.of(pod));
        if (slot == null || slot.shown == null || slot.current == null || slot.current.orphan) {
            return Optional.empty();
        }
        Occupant occupant = slot.current;
        String name = pod.getMetadata().getName();
        if (occupant.source == PodSource.FILE) {
            throw new PodRejectedException(
                    PodRejectedException.Reason.Forbidden,
                    "pods \"" + name + "\" is forbidden: it comes from a manifest file; edit the file to resize it");
        }
        if (occupant.worker == null || occupant.deletion != null || occupant.isFinal()) {
            throw new PodRejectedException(
                    PodRejectedException.Reason.Forbidden,
                    "pods \"" + name + "\" is forbidden: it does not run, and cannot be resized");
        }
        List<ResizeRules.Problem> problems = ResizeRules.problems(occupant.pod.getSpec(), pod.getSpec());
        if (!problems.isEmpty()) {
            throw new PodRejectedException(
                    PodRejectedException.Reason.Invalid,
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
            become(slot, occupant, resized);
            save(resized, null, null);
        }
        return Optional.of(java.util.Objects.requireNonNull(slot.shown));
    }

    @Override
    public synchronized Optional<Pod> update(Pod pod) throws PodRejectedException {
        PodSlot slot = slots.get(PodKey.of(pod));
        if (slot == null || slot.shown == null || slot.current == null || slot.current.orphan) {
            return Optional.empty();
        }
        Occupant occupant = slot.current;
        if (occupant.source == PodSource.FILE) {
            throw forbidden(occupant, "it comes from a manifest file; edit the file to change it");
        }
        Pod updated = PodEdits.update(occupant.pod, pod);
        if (!updated.getMetadata().equals(occupant.pod.getMetadata())
                || !updated.getSpec().equals(occupant.pod.getSpec())) {
            become(slot, occupant, updated);
            save(updated, occupant.deletion, occupant.isFinal() ? occupant.status : null);
        }
        return Optional.of(java.util.Objects.requireNonNull(slot.shown));
    }

    @Override
    public synchronized Optional<Pod> debug(String namespace, String name, List<EphemeralContainer> containers)
            throws PodRejectedException {
        Optional<PodSlot> slot = active(namespace, name, "cannot be debugged");
        if (slot.isEmpty()) {
            return Optional.empty();
        }
        Occupant occupant = java.util.Objects.requireNonNull(slot.get().current);
        Pod changed = PodEdits.withEphemeralContainers(occupant.pod, containers);
        if (!changed.getSpec().equals(occupant.pod.getSpec())) {
            become(slot.get(), occupant, changed);
            save(changed, null, null);
        }
        return Optional.ofNullable(slot.get().shown);
    }

    @Override
    public synchronized Optional<Pod> restart(String namespace, String name, Optional<String> container, Instant asOf)
            throws PodRejectedException {
        Optional<PodSlot> slot = active(namespace, name, "cannot be restarted");
        if (slot.isEmpty()) {
            return Optional.empty();
        }
        Occupant occupant = java.util.Objects.requireNonNull(slot.get().current);
        if (container.isPresent()) {
            Optional<String> objection = PodContainers.objectionToRestart(occupant.pod, container.get());
            if (objection.isPresent()) {
                throw new PodRejectedException(PodRejectedException.Reason.Invalid, objection.get());
            }
        }
        java.util.Objects.requireNonNull(occupant.worker).restart(container, asOf);
        return Optional.ofNullable(slot.get().shown);
    }

    @Override
    public synchronized Optional<Pod> report(String namespace, String name, List<PodCondition> conditions)
            throws PodRejectedException {
        PodSlot slot = slots.get(new PodKey(namespace, name));
        if (slot == null || slot.shown == null || slot.current == null || slot.current.orphan) {
            return Optional.empty();
        }
        Occupant occupant = slot.current;
        List<PodCondition> reported = PodEdits.reported(occupant.pod, occupant.status, occupant.reported, conditions);
        if (occupant.worker != null && !reported.isEmpty()) {
            occupant.reported = PodConditions.merge(
                    occupant.reported, reported, settings.clock().instant());
            occupant.worker.report(occupant.reported);
            Pod pod = occupant.pod;
            List<PodCondition> all = occupant.reported;
            String uid = occupant.uid();
            disk.execute(() -> records.saveReported(pod, all, () -> isKnown(uid)));
        }
        return Optional.ofNullable(slot.shown);
    }

    /** The slot of a pod that runs or will. */
    private Optional<PodSlot> active(String namespace, String name, String otherwise) throws PodRejectedException {
        PodSlot slot = slots.get(new PodKey(namespace, name));
        if (slot == null || slot.shown == null || slot.current == null || slot.current.orphan) {
            return Optional.empty();
        }
        if (slot.current.worker == null || slot.current.isFinal()) {
            throw forbidden(slot.current, "it has ended, and " + otherwise);
        }
        if (slot.current.deletion != null) {
            throw forbidden(slot.current, "it is being deleted, and " + otherwise);
        }
        return Optional.of(slot);
    }

    private static PodRejectedException forbidden(Occupant occupant, String why) {
        return new PodRejectedException(
                PodRejectedException.Reason.Forbidden,
                "pods \"" + occupant.pod.getMetadata().getName() + "\" is forbidden: " + why);
    }

    /** Asks the worker to end the pod; a pod without one ends here. */
    private void end(PodSlot slot, Occupant occupant, long graceSeconds) {
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

    private static long grace(Pod pod) {
        Long seconds = pod.getSpec().getTerminationGracePeriodSeconds();
        return seconds == null ? 30 : seconds;
    }

    private void save(Pod pod, @Nullable Deletion deletion, @Nullable PodStatus status) {
        if (annotation(pod, TRANSIENT_ANNOTATION).equals("true") && deletion == null) {
            return;
        }
        Pod record = PodSlot.snapshot(pod, status == null ? new PodStatus() : status, deletion, "");
        record.getMetadata().setResourceVersion(null);
        String uid = record.getMetadata().getUid();
        disk.execute(() -> records.save(record, () -> isKnown(uid)));
    }

    private synchronized boolean isKnown(String uid) {
        return byUid.containsKey(uid) || slots.values().stream().anyMatch(slot -> isWaiting(slot, uid));
    }

    // ---- workers

    /** What workers report. */
    private final class Worker implements PodWorker.Listener {
        @Override
        public void statusChanged(PodWorker worker, PodStatus status, Decision.Phase phase) {
            synchronized (CriPodEngine.this) {
                PodSlot slot = byUid.get(worker.reference().uid());
                if (slot == null || slot.current == null || slot.current.worker != worker || slot.current.orphan) {
                    return;
                }
                Occupant occupant = slot.current;
                boolean ended = phase.isFinal() && !occupant.isFinal();
                occupant.status = status;
                if (ended && occupant.source == PodSource.API) {
                    save(occupant.pod, occupant.deletion, status);
                }
                shown.show(slot);
                if (phase.isFinal()) {
                    offerRoom();
                }
            }
        }

        @Override
        public Verdict mayResize(Pod pod) {
            synchronized (CriPodEngine.this) {
                return room.resize(pod, slots.values());
            }
        }

        @Override
        public void finished(PodWorker worker) {
            synchronized (CriPodEngine.this) {
                PodSlot slot = byUid.get(worker.reference().uid());
                if (slot != null && slot.current != null && slot.current.worker == worker) {
                    remove(slot, slot.current);
                }
            }
        }
    }

    private void remove(PodSlot slot, Occupant occupant) {
        byUid.remove(occupant.uid());
        edits.forget(occupant.uid());
        objects.forget(occupant.uid());
        slot.current = null;
        if (slot.shown != null && slot.shown.getMetadata().getUid().equals(occupant.uid())) {
            shown.hide(slot);
        }
        // Once more behind a record that was just being written.
        disk.execute(() -> workers.files().remove(reference(occupant.pod)));
        advance(slot);
        offerRoom();
    }

    // ---- showing

    private PodSlot slot(PodKey key) {
        return slots.computeIfAbsent(key, PodSlot::new);
    }

    private void showOrDrop(PodSlot slot) {
        if (slot.current == null && slot.waiting() == null) {
            shown.hide(slot);
            slots.remove(slot.key);
        } else {
            shown.show(slot);
        }
    }

    @Override
    public synchronized List<Pod> pods() {
        return slots.values().stream()
                .flatMap(slot -> Optional.ofNullable(slot.shown).stream())
                .toList();
    }

    @Override
    public synchronized Optional<Pod> pod(String namespace, String name) {
        return Optional.ofNullable(slots.get(new PodKey(namespace, name))).map(slot -> slot.shown);
    }

    @Override
    public synchronized String resourceVersion() {
        return shown.version();
    }

    @Override
    public synchronized Watch watch(Consumer<PodChange> changes) {
        return shown.watch(this, slots.values(), changes);
    }

    @Override
    public List<Event> events() {
        return settings.events().events();
    }

    @Override
    public Watch watchEvents(Consumer<Event> changes) {
        SerialExecutor queue = new SerialExecutor(settings.pool());
        AutoCloseable watch = settings.events().watch(event -> queue.execute(() -> changes.accept(event)));
        return () -> {
            try {
                watch.close();
            } catch (Exception e) {
                throw new IllegalStateException("closing a list entry cannot fail", e);
            }
        };
    }

    // ---- containers

    @Override
    public ContainerRef container(String namespace, String pod, @Nullable String container, boolean previous)
            throws ContainerUnavailableException {
        Occupant occupant;
        synchronized (this) {
            PodSlot slot = slots.get(new PodKey(namespace, pod));
            occupant = slot == null || slot.shown == null ? null : slot.current;
            if (slot == null || slot.shown == null) {
                throw new ContainerUnavailableException(false, "pods \"" + pod + "\" not found");
            }
        }
        if (occupant == null || occupant.orphan || occupant.worker == null) {
            throw new ContainerUnavailableException(true, "pod \"" + pod + "\" has not been started");
        }
        ObservedPod observed = occupant.worker.state().observed().orElse(ObservedPod.NOTHING);
        return new ContainerRuns(occupant.pod, occupant.status, observed).find(container, previous, settings.paths());
    }

    /** Where in its pod's spec a container is. */
    private String pathOf(PodReference reference, String container) {
        Pod pod;
        synchronized (this) {
            PodSlot slot = byUid.get(reference.uid());
            pod = slot == null || slot.current == null ? null : slot.current.pod;
        }
        return pod == null
                ? EventStore.ContainerPaths.REGULAR.of(reference, container)
                : PodContainers.path(pod, container);
    }

    /** Whose a container is; empty for one of a pod that is not known. */
    public Optional<OomEvents.Owner> owner(String podUid, String containerId) {
        Occupant occupant;
        synchronized (this) {
            PodSlot slot = byUid.get(podUid);
            occupant = slot == null ? null : slot.current;
        }
        if (occupant == null) {
            return Optional.empty();
        }
        Optional<String> container = occupant.worker == null
                ? Optional.empty()
                : occupant.worker.state().observed().stream()
                        .flatMap(observed -> observed.containers().stream())
                        .filter(run -> run.id().equals(containerId))
                        .map(ObservedContainer::name)
                        .findFirst();
        return Optional.of(new OomEvents.Owner(reference(occupant.pod), container));
    }

    /** The runtime's name and version, as nodes show it: {@code containerd://1.6.20}. */
    public synchronized String runtime() {
        return runtimeName + "://" + runtimeVersion;
    }

    /** What the pods of this node are told of it. */
    public NodeFacts node() {
        return settings.node();
    }

    /** The specs of the pods that have room on this node. */
    public synchronized List<PodSpec> runningSpecs() {
        return room.specs(slots.values());
    }

    /** The containers that run now. */
    public List<RunningContainer> runningContainers() {
        List<PodWorker> all;
        synchronized (this) {
            all = slots.values().stream()
                    .flatMap(slot -> Optional.ofNullable(slot.current).stream())
                    .flatMap(occupant -> Optional.ofNullable(occupant.worker).stream())
                    .toList();
        }
        return all.stream()
                .map(PodWorker::state)
                .flatMap(state -> state.observed().stream()
                        .flatMap(observed -> observed.containers().stream())
                        .filter(ObservedContainer::isRunning)
                        .map(run -> new RunningContainer(state.pod(), run.name(), run.id(), run.logPath())))
                .toList();
    }

    /** Has the runtime begin a container's log anew at its path. */
    public CompletableFuture<?> reopenLog(String containerId) {
        return runtime.reopenLog(containerId);
    }

    // ---- end

    @Override
    public void close() {
        Set<PodWorker> all = new HashSet<>();
        PodEvents subscription;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            subscription = events;
            if (timer != null) {
                timer.cancel(false);
            }
            slots.values().forEach(slot -> {
                if (slot.current != null && slot.current.worker != null) {
                    all.add(slot.current.worker);
                }
            });
        }
        all.forEach(PodWorker::stop);
        if (subscription != null) {
            subscription.close();
        }
        settings.events().close();
    }

    private static PodReference reference(Pod pod) {
        return new PodReference(
                pod.getMetadata().getNamespace(),
                pod.getMetadata().getName(),
                pod.getMetadata().getUid());
    }

    private static String annotation(Pod pod, String name) {
        Map<String, String> annotations = pod.getMetadata().getAnnotations();
        return annotations == null ? "" : annotations.getOrDefault(name, "");
    }
}
