package dev.gantry.agent.pod;

import dev.gantry.agent.cri.CriImages;
import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.agent.cri.ObservedContainer;
import dev.gantry.agent.cri.ObservedPod;
import dev.gantry.agent.cri.PodCgroups;
import dev.gantry.agent.event.EventStore;
import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.oom.OomEvents;
import dev.gantry.agent.pod.PodSlot.Occupant;
import dev.gantry.agent.resource.StorageLimits;
import dev.gantry.agent.storage.LimitedPod;
import dev.gantry.agent.volume.ManifestObjects;
import dev.gantry.agent.volume.VolumeManager;
import dev.gantry.linux.Linux;
import dev.gantry.staticpods.ManifestSnapshot;
import io.fabric8.kubernetes.api.model.EphemeralContainer;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.grpc.Channel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The engine over a runtime that speaks CRI: puts its parts together, takes the lock for whoever comes from outside, and tells
 * what there is.
 *
 * <ul>
 *   <li>{@link PodSources} and {@link PodRequests} take what is wanted, {@link PodAdoption} what an earlier agent left, and
 *       {@link RuntimeFeed} what the runtime reports. {@link PodWorkers} starts and ends a {@link PodWorker} for each pod that
 *       {@link PodAdmission} lets in; {@link ShownPods} tells watchers.
 *   <li>One lock, the monitor of the {@link PodTable}, held for look-ups and swaps only; workers do their work outside it.
 * </ul>
 */
public final class CriPodEngine implements PodEngine {
    private final PodEngineSettings settings;
    private final CriRuntime runtime;
    private final PodTable table = new PodTable();
    private final ShownPods shown;
    private final PodWorkers workers;
    private final PodAdoption adoption;
    private final PodSources sources;
    private final ManifestProblems problems;
    private final PodRequests requests;
    private final RuntimeFeed feed;
    private boolean closed;

    private CriPodEngine(PodEngineSettings settings, Channel channel, PodCgroups cgroups, UserNamespaces users) {
        this.settings = settings;
        this.runtime = new CriRuntime(channel, cgroups);
        // The version grows across restarts of the agent, so that watchers of the old one notice.
        this.shown = new ShownPods(
                new SerialExecutor(settings.pool()), settings.clock().instant().toEpochMilli());
        ManifestObjects objects = new ManifestObjects();
        WorkerSettings shared = shared(settings, channel, runtime, users, objects);
        SerialExecutor disk = new SerialExecutor(settings.pool());
        PodRecords records = new PodRecords(settings.paths().pods());
        StaticEdits edits = new StaticEdits(settings.paths().pods());
        this.workers = new PodWorkers(settings, shared, table, shown, records, edits, objects, disk);
        this.adoption = new PodAdoption(settings, shared, table, shown, workers, records, objects, disk);
        this.sources = new PodSources(table, workers, adoption, edits, objects, settings.events());
        this.problems = new ManifestProblems(table, shown, edits, settings.events(), settings.clock());
        this.requests = new PodRequests(settings, table, sources, workers, records, objects, disk);
        this.feed = new RuntimeFeed(settings, runtime, table, workers, adoption);
    }

    private static WorkerSettings shared(
            PodEngineSettings settings,
            Channel channel,
            CriRuntime runtime,
            UserNamespaces users,
            ManifestObjects objects) {
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
        return new WorkerSettings(
                runtime,
                new CriImages(channel),
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
     * @param cgroups makes those of pods, if the runtime does not
     */
    public static CriPodEngine open(PodEngineSettings settings, Channel channel, PodCgroups cgroups) {
        UserNamespaces users;
        try {
            users = UserNamespaces.open(
                    settings.paths().pods(), settings.policy().userIds());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        CriPodEngine engine = new CriPodEngine(settings, channel, cgroups, users);
        settings.events().locate(engine::pathOf);
        synchronized (engine.table) {
            engine.adoption.restore();
        }
        engine.feed.start();
        return engine;
    }

    /** To be told when the runtime was away or could not connect pods, and now can again. */
    public void runtimeReady() {
        feed.ready();
    }

    /**
     * Completes at the first moment from now at which pods may start and every pod that an earlier agent left and that a source
     * wants was looked at, so that it is shown as it stands. Not before the runtime answers.
     */
    public CompletableFuture<Void> adopted() {
        synchronized (table) {
            return workers.adopted();
        }
    }

    // ---- what is wanted

    @Override
    public void apply(PodSource source, Collection<Pod> desired) {
        synchronized (table) {
            if (!closed) {
                sources.apply(source, desired);
            }
        }
    }

    @Override
    public void applyManifests(ManifestSnapshot snapshot) {
        synchronized (table) {
            if (!closed) {
                sources.apply(snapshot);
                problems.replace(snapshot.problems());
            }
        }
    }

    @Override
    public List<ManifestSnapshot.Problem> manifestProblems() {
        synchronized (table) {
            return problems.present();
        }
    }

    @Override
    public Pod create(Pod pod, Collection<HasMetadata> own) throws PodRejectedException {
        synchronized (table) {
            if (closed) {
                throw new PodRejectedException(PodRejectedException.Reason.InternalError, "the agent is shutting down");
            }
            return requests.create(pod, own);
        }
    }

    @Override
    public Optional<Pod> delete(String namespace, String name, OptionalLong gracePeriodSeconds)
            throws PodRejectedException {
        synchronized (table) {
            return requests.delete(namespace, name, gracePeriodSeconds);
        }
    }

    @Override
    public Optional<Pod> resize(Pod pod) throws PodRejectedException {
        synchronized (table) {
            return requests.resize(pod);
        }
    }

    @Override
    public Optional<Pod> update(Pod pod) throws PodRejectedException {
        synchronized (table) {
            return requests.update(pod);
        }
    }

    @Override
    public Optional<Pod> debug(String namespace, String name, List<EphemeralContainer> containers)
            throws PodRejectedException {
        synchronized (table) {
            return requests.debug(namespace, name, containers);
        }
    }

    @Override
    public Optional<Pod> restart(String namespace, String name, Optional<String> container, Instant asOf)
            throws PodRejectedException {
        synchronized (table) {
            return requests.restart(namespace, name, container, asOf);
        }
    }

    @Override
    public Optional<Pod> report(String namespace, String name, List<PodCondition> conditions)
            throws PodRejectedException {
        synchronized (table) {
            return requests.report(namespace, name, conditions);
        }
    }

    // ---- what there is

    @Override
    public List<Pod> pods() {
        synchronized (table) {
            return table.slots().stream()
                    .flatMap(slot -> Optional.ofNullable(slot.shown).stream())
                    .toList();
        }
    }

    @Override
    public Optional<Pod> pod(String namespace, String name) {
        synchronized (table) {
            return table.find(new PodKey(namespace, name)).map(slot -> slot.shown);
        }
    }

    @Override
    public String resourceVersion() {
        synchronized (table) {
            return shown.version();
        }
    }

    @Override
    public Watch watch(Consumer<PodChange> changes) {
        synchronized (table) {
            return shown.watch(table, changes);
        }
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

    @Override
    public ContainerRef container(String namespace, String pod, @Nullable String container, boolean previous)
            throws ContainerUnavailableException {
        Pod found;
        PodStatus status;
        PodWorker worker;
        synchronized (table) {
            Optional<PodSlot> slot = table.find(new PodKey(namespace, pod)).filter(one -> one.shown != null);
            if (slot.isEmpty()) {
                throw new ContainerUnavailableException(false, "pods \"" + pod + "\" not found");
            }
            Occupant occupant = slot.get().visible().orElse(null);
            if (occupant == null || occupant.worker == null) {
                throw new ContainerUnavailableException(true, "pod \"" + pod + "\" has not been started");
            }
            found = occupant.pod;
            status = occupant.status;
            worker = occupant.worker;
        }
        ObservedPod observed = worker.state().observed().orElse(ObservedPod.NOTHING);
        return new ContainerRuns(found, status, observed).find(container, previous, settings.paths());
    }

    /** Where in its pod's spec a container is. */
    private String pathOf(PodReference reference, String container) {
        Optional<Pod> pod;
        synchronized (table) {
            pod = table.occupant(reference.uid()).map(occupant -> occupant.pod);
        }
        return pod.map(one -> PodContainers.path(one, container))
                .orElseGet(() -> EventStore.ContainerPaths.REGULAR.of(reference, container));
    }

    /** Whose a container is; empty for one of a pod that is not known. */
    public Optional<OomEvents.Owner> owner(String podUid, String containerId) {
        Optional<PodReference> pod;
        Optional<PodWorker> worker;
        synchronized (table) {
            Optional<Occupant> occupant = table.occupant(podUid);
            pod = occupant.map(Occupant::reference);
            worker = occupant.map(one -> one.worker);
        }
        Optional<String> container = worker.flatMap(one -> one.state().observed())
                .flatMap(observed -> observed.containers().stream()
                        .filter(run -> run.id().equals(containerId))
                        .map(ObservedContainer::name)
                        .findFirst());
        return pod.map(reference -> new OomEvents.Owner(reference, container));
    }

    /** The runtime's name and version, as nodes show it: {@code containerd://1.6.20}. */
    public String runtime() {
        return feed.runtime();
    }

    /** What the pods of this node are told of it. */
    public NodeFacts node() {
        return settings.node();
    }

    /** The specs of the pods that have room on this node. */
    public List<PodSpec> runningSpecs() {
        synchronized (table) {
            return workers.room().specs(table.slots());
        }
    }

    /** The containers that run now. */
    public List<RunningContainer> runningContainers() {
        List<PodWorker> all;
        synchronized (table) {
            all = table.workers();
        }
        return all.stream()
                .map(PodWorker::state)
                .flatMap(state -> state.observed().stream()
                        .flatMap(observed -> observed.containers().stream())
                        .filter(ObservedContainer::isRunning)
                        .map(run -> new RunningContainer(state.pod(), run.name(), run.id(), run.logPath())))
                .toList();
    }

    /** The pods that run, limit what they take of the disk, and may be ended for it. */
    public List<LimitedPod> limitedPods() {
        List<PodWorker> all;
        synchronized (table) {
            all = table.occupants()
                    .filter(PodWorkers::isEvictable)
                    .flatMap(occupant -> Optional.ofNullable(occupant.worker).stream())
                    .toList();
        }
        return all.stream()
                .map(PodWorker::state)
                .filter(state -> StorageLimits.any(state.pod().getSpec()))
                .map(this::limitedPod)
                .toList();
    }

    private LimitedPod limitedPod(PodState state) {
        Pod pod = state.pod();
        return new LimitedPod(
                pod.getMetadata().getUid(),
                pod.getSpec(),
                state.observed().orElse(ObservedPod.NOTHING).containers().stream()
                        .filter(ObservedContainer::isRunning)
                        .map(run -> new LimitedPod.Running(run.name(), run.id(), run.logPath()))
                        .toList(),
                VolumeManager.emptyDirsOnDisk(settings.paths().pods(), pod));
    }

    /** Bytes in what a container has written into its root file system; empty if the runtime does not tell. */
    public CompletableFuture<OptionalLong> writableBytes(String containerId) {
        return runtime.writableBytes(containerId);
    }

    /**
     * Ends a pod of the API as failed, with reason Evicted and one second of grace; one that may not be evicted or is ending
     * already is left alone.
     */
    public void evict(String podUid, String message) {
        synchronized (table) {
            if (!closed) {
                workers.evict(podUid, message);
            }
        }
    }

    /** Has the runtime begin a container's log anew at its path. */
    public CompletableFuture<?> reopenLog(String containerId) {
        return runtime.reopenLog(containerId);
    }

    // ---- end

    @Override
    public void close() {
        List<PodWorker> all;
        feed.close();
        synchronized (table) {
            if (closed) {
                return;
            }
            closed = true;
            workers.close();
            all = table.workers();
        }
        all.forEach(PodWorker::stop);
        settings.events().close();
    }
}
