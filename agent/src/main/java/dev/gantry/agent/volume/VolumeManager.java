package dev.gantry.agent.volume;

import dev.gantry.agent.event.EventSink;
import dev.gantry.agent.event.PodReference;
import dev.gantry.cri.v1.Mount;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.Linux;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.NodeSelector;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The volumes of this node's pods.
 *
 * <ul>
 *   <li>A volume is set up when the first container that mounts it starts, and goes with its pod.
 *   <li>Work on one volume is done in order, on different ones side by side. A file system that does not answer holds one
 *       thread per volume on it, and nobody who does not need that volume.
 *   <li>What the kernel has counts: nothing is remembered that an agent started anew would miss.
 * </ul>
 */
public final class VolumeManager {
    /** As the kubelet waits for volumes: two minutes and the time of one more look. */
    static final Duration PATIENCE = Duration.ofSeconds(123);

    private final VolumeDirectories directories;
    private final HostMounts mounts;
    private final VolumeSetUp setUp;
    private final FileCalls files;
    private final EventSink events;
    private final Executor blocking;
    private final ScheduledExecutorService timers;
    private final Map<VolumeKey, CompletableFuture<?>> queues = new ConcurrentHashMap<>();
    /** By uid: how many tasks are queued or run. */
    private final Map<String, Integer> working = new ConcurrentHashMap<>();
    /** Pods that went while there was work for them. */
    private final Set<String> removed = ConcurrentHashMap.newKeySet();

    private record VolumeKey(String uid, String volume) {}

    VolumeManager(
            Path pods,
            HostMounts mounts,
            VolumeSetUp setUp,
            FileCalls files,
            EventSink events,
            Executor blocking,
            ScheduledExecutorService timers) {
        this.directories = new VolumeDirectories(pods);
        this.mounts = mounts;
        this.setUp = setUp;
        this.files = files;
        this.events = events;
        this.blocking = blocking;
        this.timers = timers;
    }

    /**
     * Manages volumes on the host itself.
     *
     * @param pods one directory per pod uid
     * @param claims where it is kept which volumes claims have
     * @param node whether this node is one that a PersistentVolume can be used on
     * @param allocatable what the node has for pods, by resource name
     * @param blocking runs tasks that may never end, each on a thread of its own
     * @param timers one thread is enough; its tasks are short
     */
    public static VolumeManager ofHost(
            Path pods,
            Path claims,
            Linux linux,
            PodObjects objects,
            Predicate<NodeSelector> node,
            Map<String, Quantity> allocatable,
            EventSink events,
            InstantSource clock,
            Executor blocking,
            ScheduledExecutorService timers) {
        HostMounts mounts = new SystemHostMounts(linux);
        VolumeSetUp setUp = new VolumeSetUp(
                new EmptyDirs(mounts, new DiskImages(mounts), allocatable),
                new ContentVolumes(mounts, objects, allocatable, clock),
                new ClaimedVolumes(objects, new ClaimBindings(claims), node),
                linux.files(),
                events,
                clock);
        return new VolumeManager(pods, mounts, setUp, linux.files(), events, blocking, timers);
    }

    /**
     * Sets up what a container mounts.
     *
     * @return the mounts in the container's order. Fails with {@link MountFailedException} if a volume cannot be had now,
     *     with {@link VolumeException} if the container asks for something impossible. Cancelling abandons the work
     */
    public CompletableFuture<List<Mount>> mounts(MountRequest request) {
        List<VolumeMount> wanted = volumeMounts(request.container());
        if (wanted.isEmpty()) {
            return CompletableFuture.completedFuture(List.of());
        }
        removed.remove(uid(request.pod()));
        Map<String, CompletableFuture<MountSource>> sources = new LinkedHashMap<>();
        for (VolumeMount mount : wanted) {
            sources.computeIfAbsent(mount.getName(), name -> source(request, name));
        }
        CompletableFuture<List<Mount>> result = new CompletableFuture<>();
        ScheduledFuture<?> deadline = timers.schedule(
                () -> expire(request.pod(), sources, result), PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        result.whenComplete((done, failure) -> {
            deadline.cancel(false);
            sources.values().forEach(source -> source.cancel(false));
        });
        CompletableFuture.allOf(sources.values().toArray(CompletableFuture[]::new))
                .whenComplete((done, failure) -> {
                    if (failure != null) {
                        result.completeExceptionally(failure(sources.values(), failure));
                    } else {
                        place(request, sources, result);
                    }
                });
        return result;
    }

    /** Where a pod's emptyDir volumes lie, without those whose medium is not the disk. */
    public static List<Path> emptyDirsOnDisk(Path pods, Pod pod) {
        List<Volume> volumes = pod.getSpec().getVolumes();
        return (volumes == null ? List.<Volume>of() : volumes)
                .stream()
                        .filter(volume -> volume.getEmptyDir() != null
                                && isEmpty(volume.getEmptyDir().getMedium()))
                        .map(volume -> new VolumeDirectories(pods).of(pod, volume))
                        .toList();
    }

    private static List<VolumeMount> volumeMounts(Container container) {
        return container.getVolumeMounts() == null ? List.of() : container.getVolumeMounts();
    }

    private static Throwable failure(Iterable<CompletableFuture<MountSource>> sources, Throwable otherwise) {
        for (CompletableFuture<MountSource> source : sources) {
            if (source.isCompletedExceptionally() && !source.isCancelled()) {
                return source.handle((done, failure) -> failure == null ? otherwise : failure)
                        .getNow(otherwise);
            }
        }
        return otherwise;
    }

    private void expire(
            Pod pod, Map<String, CompletableFuture<MountSource>> sources, CompletableFuture<List<Mount>> result) {
        Set<String> late = new TreeSet<>();
        sources.forEach((name, source) -> {
            if (!source.isDone()) {
                late.add(name);
            }
        });
        if (late.isEmpty()) {
            // All are there, and a path into one of them is not found.
            late.addAll(sources.keySet());
        }
        String message = ("Unable to attach or mount volumes: unmounted volumes=[%s], unattached volumes=[],"
                        + " failed to process volumes=[]: timed out waiting for the condition")
                .formatted(String.join(" ", late));
        if (result.completeExceptionally(new MountFailedException(message, new IOException("no answer")))) {
            failedMount(pod, message);
        }
    }

    private CompletableFuture<MountSource> source(MountRequest request, String name) {
        Pod pod = request.pod();
        Optional<Volume> volume = pod.getSpec().getVolumes().stream()
                .filter(one -> one.getName().equals(name))
                .findFirst();
        if (volume.isEmpty()) {
            return CompletableFuture.failedFuture(
                    new VolumeException("volume \"%s\" is not among the pod's volumes".formatted(name)));
        }
        if (volume.get().getImage() != null) {
            return CompletableFuture.completedFuture(MountSource.image(
                    Objects.requireNonNull(request.images().get(name)),
                    volume.get().getImage().getReference()));
        }
        CompletableFuture<MountSource> result = new CompletableFuture<>();
        enqueue(pod, name, result, () -> {
            try {
                return setUp.setUp(directories.of(pod, volume.get()), pod, volume.get(), result::isDone);
            } catch (VolumeException | IOException e) {
                throw failed(pod, volume.get(), e);
            }
        });
        return result;
    }

    private MountFailedException failed(Pod pod, Volume volume, Exception cause) {
        String message = "MountVolume.SetUp failed for volume \"%s\" : %s".formatted(volume.getName(), reason(cause));
        failedMount(pod, message);
        return new MountFailedException(message, cause);
    }

    private static String reason(Exception cause) {
        // The file system's exceptions say their kind by their class, and only the path by their message.
        return cause instanceof java.nio.file.FileSystemException file && file.getReason() == null
                ? file.getClass().getSimpleName().replace("Exception", "") + " " + file.getMessage()
                : String.valueOf(cause.getMessage());
    }

    private void failedMount(Pod pod, String message) {
        events.record(PodReference.of(pod), Optional.empty(), true, "FailedMount", message);
    }

    /** The files of environment variables that a pod's containers wrote. */
    public EnvFiles envFiles(Pod pod) {
        return new PodEnvFiles(files, directories.emptyDirs(pod));
    }

    // ---- mounts of a container

    private void place(
            MountRequest request,
            Map<String, CompletableFuture<MountSource>> sources,
            CompletableFuture<List<Mount>> result) {
        List<VolumeMount> wanted = volumeMounts(request.container());
        boolean bare =
                wanted.stream().allMatch(mount -> isEmpty(mount.getSubPath()) && isEmpty(mount.getSubPathExpr()));
        String uid = uid(request.pod());
        begin(uid);
        Runnable task = () -> {
            try {
                List<Mount> placed = new ArrayList<>();
                for (int i = 0; i < wanted.size() && !result.isDone(); i++) {
                    VolumeMount mount = wanted.get(i);
                    MountSource source =
                            Objects.requireNonNull(sources.get(mount.getName())).join();
                    String subPath = VolumeMounts.subPath(mount, request.environment());
                    placed.add(VolumeMounts.of(
                            mount, beneath(request, i, mount, source, subPath), subPath, request.recursiveReadOnly()));
                }
                result.complete(placed);
            } catch (VolumeException | RuntimeException e) {
                result.completeExceptionally(e);
            } finally {
                end(uid);
            }
        };
        try {
            // What may follow paths into a volume may hang on it.
            (bare ? (Executor) Runnable::run : blocking).execute(task);
        } catch (RejectedExecutionException e) {
            result.completeExceptionally(noThread(e));
            end(uid);
        }
    }

    private MountSource beneath(MountRequest request, int index, VolumeMount mount, MountSource source, String subPath)
            throws VolumeException {
        if (subPath.isEmpty() || source.isImage()) {
            return source;
        }
        String container = request.container().getName();
        Path target = directories.subPath(request.pod(), mount.getName(), container, index);
        try {
            // What an earlier run has mounted stays mounted in it.
            if (Files.exists(target)) {
                if (mounts.isMountPoint(target)) {
                    mounts.unmount(target);
                }
                Files.delete(target);
            }
            mounts.bindBeneath(Path.of(source.hostPath()), subPath, target);
        } catch (VolumeException | IOException e) {
            throw new VolumeException(
                    "failed to prepare subPath for volumeMount \"%s\" of container \"%s\": %s"
                            .formatted(mount.getName(), container, reason(e)),
                    e);
        }
        return source.at(target.toString());
    }

    // ---- changes

    /** Shows changed objects and fields of the pod in those of its volumes that are set up. Returns at once. */
    public void refresh(Pod pod) {
        List<Volume> volumes = pod.getSpec() == null || pod.getSpec().getVolumes() == null
                ? List.of()
                : pod.getSpec().getVolumes();
        for (Volume volume : volumes) {
            Path directory = directories.of(pod, volume);
            if (ContentVolumes.isContent(volume) && Files.isDirectory(directory)) {
                CompletableFuture<@Nullable Void> result = new CompletableFuture<>();
                enqueue(pod, volume.getName(), result, () -> {
                    try {
                        setUp.setUp(directory, pod, volume, result::isDone);
                    } catch (VolumeException | IOException e) {
                        // The files stay as they were.
                        throw failed(pod, volume, e);
                    }
                    return null;
                });
            }
        }
    }

    // ---- end

    /**
     * Unmounts all that a pod has mounted on the host; no container of it is left.
     *
     * @throws IOException if something is left: then the pod's directory must not be deleted
     */
    public void remove(String uid) throws IOException {
        if (working.containsKey(uid)) {
            removed.add(uid);
        }
        queues.keySet().removeIf(key -> key.uid().equals(uid));
        setUp.forget(uid);
        Path directory = directories.ofPod(uid);
        if (Files.exists(directory)) {
            mounts.unmountBelow(directory);
        }
    }

    // ---- small things

    private <T extends @Nullable Object> void enqueue(
            Pod pod, String volume, CompletableFuture<T> result, Callable<T> task) {
        String uid = uid(pod);
        begin(uid);
        CompletableFuture<?> stage = queues.compute(new VolumeKey(uid, volume), (key, before) -> {
            CompletableFuture<?> last = before == null ? CompletableFuture.completedFuture(null) : before;
            return last.handleAsync(
                    (done, failure) -> {
                        if (!result.isDone()) {
                            run(result, task);
                        }
                        end(uid);
                        return null;
                    },
                    blocking);
        });
        stage.exceptionally(refusal -> {
            result.completeExceptionally(noThread(refusal));
            end(uid);
            return null;
        });
    }

    /** Each thread waits for a file system already. */
    private static VolumeException noThread(Throwable refusal) {
        return new VolumeException(
                "no thread is free to set it up: too many volumes wait for file systems that do not answer; unmount those",
                refusal);
    }

    private static <T extends @Nullable Object> void run(CompletableFuture<T> result, Callable<T> task) {
        try {
            result.complete(task.call());
        } catch (Exception e) {
            result.completeExceptionally(e);
        }
    }

    private void begin(String uid) {
        working.merge(uid, 1, Integer::sum);
    }

    /** The pod may have gone while a file system was slow. */
    private void end(String uid) {
        boolean last = working.computeIfPresent(uid, (key, count) -> count == 1 ? null : count - 1) == null;
        if (last && removed.remove(uid)) {
            try {
                mounts.unmountBelow(directories.ofPod(uid));
            } catch (IOException e) {
                // Left for the next agent, which finds a directory of no pod.
            }
        }
    }

    private static String uid(Pod pod) {
        return pod.getMetadata().getUid();
    }

    private static boolean isEmpty(@Nullable String text) {
        return text == null || text.isEmpty();
    }
}
