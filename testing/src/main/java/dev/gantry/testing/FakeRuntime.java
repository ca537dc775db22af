package dev.gantry.testing;

import dev.gantry.cri.v1.Container;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerEventResponse;
import dev.gantry.cri.v1.ContainerEventType;
import dev.gantry.cri.v1.ContainerFilter;
import dev.gantry.cri.v1.ContainerMetadata;
import dev.gantry.cri.v1.ContainerResources;
import dev.gantry.cri.v1.ContainerState;
import dev.gantry.cri.v1.ContainerStats;
import dev.gantry.cri.v1.ContainerStatsRequest;
import dev.gantry.cri.v1.ContainerStatsResponse;
import dev.gantry.cri.v1.ContainerStatus;
import dev.gantry.cri.v1.ContainerStatusRequest;
import dev.gantry.cri.v1.ContainerStatusResponse;
import dev.gantry.cri.v1.CreateContainerRequest;
import dev.gantry.cri.v1.CreateContainerResponse;
import dev.gantry.cri.v1.FilesystemUsage;
import dev.gantry.cri.v1.GetEventsRequest;
import dev.gantry.cri.v1.Image;
import dev.gantry.cri.v1.ImageServiceGrpc;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.ImageStatusRequest;
import dev.gantry.cri.v1.ImageStatusResponse;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.ListContainersResponse;
import dev.gantry.cri.v1.ListImagesRequest;
import dev.gantry.cri.v1.ListImagesResponse;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.ListPodSandboxResponse;
import dev.gantry.cri.v1.MemoryUsage;
import dev.gantry.cri.v1.PodSandbox;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxFilter;
import dev.gantry.cri.v1.PodSandboxMetadata;
import dev.gantry.cri.v1.PodSandboxNetworkStatus;
import dev.gantry.cri.v1.PodSandboxState;
import dev.gantry.cri.v1.PodSandboxStatus;
import dev.gantry.cri.v1.PodSandboxStatusRequest;
import dev.gantry.cri.v1.PodSandboxStatusResponse;
import dev.gantry.cri.v1.PullImageRequest;
import dev.gantry.cri.v1.PullImageResponse;
import dev.gantry.cri.v1.RemoveContainerRequest;
import dev.gantry.cri.v1.RemoveContainerResponse;
import dev.gantry.cri.v1.RemoveImageRequest;
import dev.gantry.cri.v1.RemoveImageResponse;
import dev.gantry.cri.v1.RemovePodSandboxRequest;
import dev.gantry.cri.v1.RemovePodSandboxResponse;
import dev.gantry.cri.v1.ReopenContainerLogRequest;
import dev.gantry.cri.v1.ReopenContainerLogResponse;
import dev.gantry.cri.v1.RunPodSandboxRequest;
import dev.gantry.cri.v1.RunPodSandboxResponse;
import dev.gantry.cri.v1.RuntimeHandler;
import dev.gantry.cri.v1.RuntimeHandlerFeatures;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.cri.v1.Signal;
import dev.gantry.cri.v1.StartContainerRequest;
import dev.gantry.cri.v1.StartContainerResponse;
import dev.gantry.cri.v1.StatusRequest;
import dev.gantry.cri.v1.StatusResponse;
import dev.gantry.cri.v1.StopContainerRequest;
import dev.gantry.cri.v1.StopContainerResponse;
import dev.gantry.cri.v1.StopPodSandboxRequest;
import dev.gantry.cri.v1.StopPodSandboxResponse;
import dev.gantry.cri.v1.UInt64Value;
import dev.gantry.cri.v1.UpdateContainerResourcesRequest;
import dev.gantry.cri.v1.UpdateContainerResourcesResponse;
import dev.gantry.cri.v1.UpdatePodSandboxResourcesRequest;
import dev.gantry.cri.v1.UpdatePodSandboxResourcesResponse;
import dev.gantry.cri.v1.VersionRequest;
import dev.gantry.cri.v1.VersionResponse;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A container runtime that keeps sandboxes and containers in memory and serves CRI v1 to this process.
 *
 * <ul>
 *   <li>Behaves as a real one: states only move forward, sandboxes that stop take their containers along, unknown ids are
 *       NOT_FOUND, stopping and removing what is gone is fine, a container stops {@link #stopDuration} after its signal
 *       or when its time is up.
 *   <li>Calls are answered on the caller's thread, so that a test with a queue for an executor is deterministic.
 *   <li>A test decides when containers exit, which calls fail, and which are held back.
 * </ul>
 */
public final class FakeRuntime implements AutoCloseable {
    /** What SIGTERM leaves of a process that does not catch it. */
    private static final int TERMINATED = 143;

    private static final int KILLED = 137;

    private final ReentrantLock lock = new ReentrantLock(true);
    private final FakeClock clock;
    private final Server server;
    private final ManagedChannel channel;
    private final Map<String, Sandbox> sandboxes = new LinkedHashMap<>();
    private final Map<String, Run> containers = new LinkedHashMap<>();
    private final Map<String, Image> images = new LinkedHashMap<>();
    private final Set<String> registry = new TreeSet<>();
    private final List<StreamObserver<ContainerEventResponse>> subscribers = new ArrayList<>();
    private final Map<String, List<Status>> failures = new HashMap<>();
    private final Map<String, List<Runnable>> held = new HashMap<>();
    private final List<String> calls = new ArrayList<>();
    private Duration stopDuration = Duration.ZERO;
    private boolean withoutEvents;
    private int lostEvents;
    private String runtimeName = "fake";
    private String runtimeVersion = "1";
    private int nextId;

    public FakeRuntime(FakeClock clock) {
        this.clock = clock;
        String name = "fake-runtime-" + UUID.randomUUID();
        try {
            server = InProcessServerBuilder.forName(name)
                    .directExecutor()
                    .addService(new RuntimeService())
                    .addService(new ImageService())
                    .build()
                    .start();
        } catch (IOException e) {
            throw new IllegalStateException("a fresh in-process name is taken: " + name, e);
        }
        channel = InProcessChannelBuilder.forName(name).directExecutor().build();
    }

    private static final class Sandbox {
        final String id;
        final PodSandboxConfig config;
        final Instant createdAt;
        final String ip;
        boolean ready = true;

        Sandbox(String id, PodSandboxConfig config, Instant createdAt, String ip) {
            this.id = id;
            this.config = config;
            this.createdAt = createdAt;
            this.ip = ip;
        }
    }

    private static final class Run {
        final String id;
        final Sandbox sandbox;
        final ContainerConfig config;
        final Instant createdAt;
        final List<Runnable> onExit = new ArrayList<>();
        ContainerState state = ContainerState.CONTAINER_CREATED;

        @Nullable Instant startedAt;

        @Nullable Instant finishedAt;

        int exitCode;
        String reason = "";
        LinuxContainerResources resources;
        long memoryUsage;
        long diskUsage;

        Run(String id, Sandbox sandbox, ContainerConfig config, Instant createdAt) {
            this.id = id;
            this.sandbox = sandbox;
            this.config = config;
            this.createdAt = createdAt;
            this.resources = config.getLinux().getResources();
        }
    }

    /** A channel to the fake; it belongs to the fake. */
    public Channel channel() {
        return channel;
    }

    // ---- what a test arranges

    /** An image that is present already. */
    public void addImage(String reference) {
        locked(() -> images.put(reference, image(reference)));
    }

    /** An image that can be pulled. */
    public void addToRegistry(String reference) {
        locked(() -> registry.add(reference));
    }

    /** From now on a container takes this long to end after its signal. */
    public void stopTakes(Duration duration) {
        locked(() -> stopDuration = duration);
    }

    /** The next call of this method (bare name, {@code CreateContainer}) fails so; several queue up. */
    public void failNext(String method, Status status) {
        locked(() -> failures.computeIfAbsent(method, key -> new ArrayList<>()).add(status));
    }

    /** Calls of this method wait from now on until {@link #release}. */
    public void hold(String method) {
        locked(() -> held.computeIfAbsent(method, key -> new ArrayList<>()));
    }

    /** Answers the calls of this method that wait, and the next ones at once. */
    public void release(String method) {
        List<Runnable> waiting = new ArrayList<>();
        locked(() -> {
            List<Runnable> calls = held.remove(method);
            if (calls != null) {
                waiting.addAll(calls);
            }
        });
        waiting.forEach(Runnable::run);
    }

    /** The newest running container of this name ends. */
    public void exit(String container, int exitCode) {
        exit(newest(container), exitCode, exitCode == 0 ? "Completed" : "Error");
    }

    /** The newest running container of this name uses this much memory. */
    public void usesMemory(String container, long bytes) {
        locked(() -> newest(container).memoryUsage = bytes);
    }

    /** The newest running container of this name has written this much into its root file system. */
    public void usesDisk(String container, long bytes) {
        locked(() -> newest(container).diskUsage = bytes);
    }

    /** What is in force for the newest running container of this name. */
    public LinuxContainerResources resources(String container) {
        return newest(container).resources;
    }

    private Run newest(String container) {
        return running().stream()
                .filter(one -> one.config.getMetadata().getName().equals(container))
                .reduce((first, second) -> second)
                .orElseThrow(() -> new IllegalStateException("no container '" + container + "' is running"));
    }

    /** A container ends by its id. */
    public void exitId(String id, int exitCode) {
        Run run = containers.get(id);
        if (run != null) {
            exit(run, exitCode, exitCode == 0 ? "Completed" : "Error");
        }
    }

    /** A sandbox dies, and all in it. */
    public void kill(String sandboxId) {
        Sandbox sandbox = sandboxes.get(sandboxId);
        if (sandbox == null) {
            return;
        }
        locked(() -> sandbox.ready = false);
        containersOf(sandbox).forEach(run -> exit(run, KILLED, "Error"));
        publish(sandbox, sandbox.id, ContainerEventType.CONTAINER_STOPPED_EVENT);
    }

    /** Whether it knows GetContainerEvents, which older runtimes do not. */
    public void sendsEvents(boolean value) {
        locked(() -> withoutEvents = !value);
    }

    /** It is another one than the fake that it is. */
    public void isCalled(String name, String version) {
        locked(() -> {
            runtimeName = name;
            runtimeVersion = version;
        });
    }

    /** The next events go to nobody here. */
    public void losesEvents(int number) {
        locked(() -> lostEvents = number);
    }

    /** The event stream breaks off. */
    public void dropSubscribers() {
        List<StreamObserver<ContainerEventResponse>> all = new ArrayList<>();
        locked(() -> {
            all.addAll(subscribers);
            subscribers.clear();
        });
        all.forEach(
                one -> one.onError(Status.UNAVAILABLE.withDescription("dropped").asRuntimeException()));
    }

    // ---- what a test looks at

    /** Calls that changed something, as {@code StartContainer web}, in order. */
    public List<String> calls() {
        List<String> copy = new ArrayList<>();
        locked(() -> copy.addAll(calls));
        return copy;
    }

    public void clearCalls() {
        locked(calls::clear);
    }

    /** Names of running containers, in the order of their creation. */
    public List<String> runningNames() {
        return running().stream().map(run -> run.config.getMetadata().getName()).toList();
    }

    /** Ids of running containers, in the order of their creation. */
    public List<String> runningIds() {
        return running().stream().map(run -> run.id).toList();
    }

    /** A container that runs, and whose it is. */
    public record Running(String id, String podUid, String name, int attempt) {}

    /** All running containers, in the order of their creation. */
    public List<Running> runningContainers() {
        return running().stream()
                .map(run -> new Running(
                        run.id,
                        run.sandbox.config.getMetadata().getUid(),
                        run.config.getMetadata().getName(),
                        run.config.getMetadata().getAttempt()))
                .toList();
    }

    /** Uids of pods whose sandboxes are ready, one entry per sandbox. */
    public List<String> readySandboxUids() {
        List<String> uids = new ArrayList<>();
        locked(() -> sandboxes.values().stream()
                .filter(one -> one.ready)
                .forEach(one -> uids.add(one.config.getMetadata().getUid())));
        return uids;
    }

    /** Ids of sandboxes that are ready. */
    public List<String> readySandboxes() {
        List<String> ids = new ArrayList<>();
        locked(() -> sandboxes.values().stream().filter(one -> one.ready).forEach(one -> ids.add(one.id)));
        return ids;
    }

    /** How many sandboxes there are, dead ones too. */
    public int sandboxCount() {
        int[] count = new int[1];
        locked(() -> count[0] = sandboxes.size());
        return count[0];
    }

    /** The configuration of the newest container of this name. */
    public ContainerConfig config(String container) {
        List<ContainerConfig> found = new ArrayList<>();
        locked(() -> containers.values().stream()
                .map(run -> run.config)
                .filter(config -> config.getMetadata().getName().equals(container))
                .forEach(found::add));
        if (found.isEmpty()) {
            throw new IllegalStateException("no container '" + container + "'");
        }
        return found.get(found.size() - 1);
    }

    /** The configuration of the newest sandbox. */
    public PodSandboxConfig sandboxConfig() {
        List<PodSandboxConfig> found = new ArrayList<>();
        locked(() -> sandboxes.values().forEach(one -> found.add(one.config)));
        return found.get(found.size() - 1);
    }

    private List<Run> running() {
        List<Run> found = new ArrayList<>();
        locked(() -> containers.values().stream()
                .filter(run -> run.state == ContainerState.CONTAINER_RUNNING)
                .forEach(found::add));
        return found;
    }

    @Override
    public void close() {
        channel.shutdownNow();
        server.shutdownNow();
        try {
            var unused = server.awaitTermination(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // ---- how it behaves

    private void exit(Run run, int exitCode, String reason) {
        List<Runnable> waiting = new ArrayList<>();
        boolean[] ended = new boolean[1];
        locked(() -> {
            if (run.state == ContainerState.CONTAINER_RUNNING) {
                run.state = ContainerState.CONTAINER_EXITED;
                run.exitCode = exitCode;
                run.reason = reason;
                run.finishedAt = clock.instant();
                waiting.addAll(run.onExit);
                run.onExit.clear();
                ended[0] = true;
            }
        });
        if (ended[0]) {
            publish(run.sandbox, run.id, ContainerEventType.CONTAINER_STOPPED_EVENT);
            waiting.forEach(Runnable::run);
        }
    }

    private void publish(Sandbox sandbox, String id, ContainerEventType type) {
        List<StreamObserver<ContainerEventResponse>> all = new ArrayList<>();
        ContainerEventResponse.Builder event = ContainerEventResponse.newBuilder();
        locked(() -> {
            if (lostEvents > 0) {
                lostEvents--;
            } else {
                all.addAll(subscribers);
            }
            event.setContainerId(id)
                    .setContainerEventType(type)
                    .setCreatedAt(nanos(clock.instant()))
                    .setPodSandboxStatus(statusOf(sandbox));
            containersOf(sandbox).forEach(run -> event.addContainersStatuses(statusOf(run)));
        });
        all.forEach(one -> one.onNext(event.build()));
    }

    private List<Run> containersOf(Sandbox sandbox) {
        return List.copyOf(containers.values()).stream()
                .filter(run -> run.sandbox == sandbox)
                .toList();
    }

    private static Image image(String reference) {
        return Image.newBuilder()
                .setId("sha256:" + Integer.toHexString(reference.hashCode()))
                .addRepoTags(reference)
                .setSize(1_000_000)
                .setSpec(ImageSpec.newBuilder().setImage(reference))
                .build();
    }

    private static PodSandboxStatus statusOf(Sandbox sandbox) {
        return PodSandboxStatus.newBuilder()
                .setId(sandbox.id)
                .setMetadata(sandbox.config.getMetadata())
                .setState(state(sandbox))
                .setCreatedAt(nanos(sandbox.createdAt))
                .setNetwork(PodSandboxNetworkStatus.newBuilder().setIp(sandbox.ready ? sandbox.ip : ""))
                .putAllLabels(sandbox.config.getLabelsMap())
                .putAllAnnotations(sandbox.config.getAnnotationsMap())
                .build();
    }

    private static PodSandboxState state(Sandbox sandbox) {
        return sandbox.ready ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY;
    }

    private static ContainerStatus statusOf(Run run) {
        ContainerConfig config = run.config;
        return ContainerStatus.newBuilder()
                .setId(run.id)
                .setMetadata(config.getMetadata())
                .setState(run.state)
                .setCreatedAt(nanos(run.createdAt))
                .setStartedAt(run.startedAt == null ? 0 : nanos(run.startedAt))
                .setFinishedAt(run.finishedAt == null ? 0 : nanos(run.finishedAt))
                .setExitCode(run.exitCode)
                .setReason(run.reason)
                .setImage(config.getImage())
                .setImageRef(config.getImage().getImage())
                .setImageId(config.getImage().getImage())
                .setResources(ContainerResources.newBuilder().setLinux(run.resources))
                .setLogPath(run.sandbox.config.getLogDirectory() + "/" + config.getLogPath())
                .setStopSignal(
                        config.getStopSignal() == Signal.SIGNAL_RUNTIME_DEFAULT
                                ? Signal.SIGNAL_SIGTERM
                                : config.getStopSignal())
                .putAllLabels(config.getLabelsMap())
                .putAllAnnotations(config.getAnnotationsMap())
                .build();
    }

    private static long nanos(Instant instant) {
        return instant.getEpochSecond() * 1_000_000_000L + instant.getNano();
    }

    private void locked(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }

    private String id(String kind) {
        return kind + "-" + ++nextId;
    }

    /** Answers, fails or holds back a call. */
    private <R> void answer(String method, StreamObserver<R> observer, Call<R> call) {
        Runnable answer = () -> {
            Status failure = null;
            R response = null;
            List<Runnable> effects = new ArrayList<>();
            lock.lock();
            try {
                List<Status> planned = failures.get(method);
                if (planned != null && !planned.isEmpty()) {
                    failure = planned.remove(0);
                } else {
                    response = call.run(effects);
                }
            } catch (NotThere e) {
                failure = Status.NOT_FOUND.withDescription(e.getMessage());
            } catch (IllegalStateException e) {
                failure = Status.UNKNOWN.withDescription(e.getMessage());
            } finally {
                lock.unlock();
            }
            // Outside the lock: they call into whoever listens.
            effects.forEach(Runnable::run);
            if (failure != null) {
                observer.onError(failure.asRuntimeException());
            } else if (response != null) {
                observer.onNext(response);
                observer.onCompleted();
            }
        };
        boolean[] waits = new boolean[1];
        locked(() -> {
            List<Runnable> waiting = held.get(method);
            if (waiting != null) {
                waiting.add(answer);
                waits[0] = true;
            }
        });
        if (!waits[0]) {
            answer.run();
        }
    }

    private interface Call<R> {
        /**
         * Answers; null: later.
         *
         * @param effects run after the lock is free and before the answer goes out
         */
        @Nullable R run(List<Runnable> effects);
    }

    private static final class NotThere extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NotThere(String what) {
            super(what + " is not known");
        }
    }

    private Run container(String id) {
        Run run = containers.get(id);
        if (run == null) {
            throw new NotThere("container " + id);
        }
        return run;
    }

    private static boolean selects(Map<String, String> selector, Map<String, String> labels) {
        return selector.entrySet().stream().allMatch(wanted -> wanted.getValue().equals(labels.get(wanted.getKey())));
    }

    private final class RuntimeService extends RuntimeServiceGrpc.RuntimeServiceImplBase {
        @Override
        public void status(StatusRequest request, StreamObserver<StatusResponse> observer) {
            answer(
                    "Status",
                    observer,
                    effects -> StatusResponse.newBuilder()
                            .addRuntimeHandlers(RuntimeHandler.newBuilder()
                                    .setFeatures(
                                            RuntimeHandlerFeatures.newBuilder().setUserNamespaces(true)))
                            .addRuntimeHandlers(RuntimeHandler.newBuilder().setName("plain"))
                            .build());
        }

        @Override
        public void version(VersionRequest request, StreamObserver<VersionResponse> observer) {
            answer(
                    "Version",
                    observer,
                    effects -> VersionResponse.newBuilder()
                            .setVersion("0.1.0")
                            .setRuntimeName(runtimeName)
                            .setRuntimeVersion(runtimeVersion)
                            .setRuntimeApiVersion("v1")
                            .build());
        }

        @Override
        public void runPodSandbox(RunPodSandboxRequest request, StreamObserver<RunPodSandboxResponse> observer) {
            answer("RunPodSandbox", observer, effects -> {
                PodSandboxMetadata metadata = request.getConfig().getMetadata();
                boolean taken = sandboxes.values().stream()
                        .anyMatch(one -> one.config.getMetadata().equals(metadata));
                if (taken) {
                    throw new IllegalStateException(
                            "sandbox name is taken: " + metadata.getName() + " attempt " + metadata.getAttempt());
                }
                boolean host = request.getConfig()
                                .getLinux()
                                .getSecurityContext()
                                .getNamespaceOptions()
                                .getNetwork()
                        == dev.gantry.cri.v1.NamespaceMode.NODE;
                Sandbox sandbox = new Sandbox(
                        id("sandbox"),
                        request.getConfig(),
                        clock.instant(),
                        host ? "" : "10.88.0." + (nextId % 250 + 2));
                sandboxes.put(sandbox.id, sandbox);
                calls.add("RunPodSandbox " + metadata.getName() + " " + metadata.getAttempt());
                effects.add(() -> publish(sandbox, sandbox.id, ContainerEventType.CONTAINER_STARTED_EVENT));
                return RunPodSandboxResponse.newBuilder()
                        .setPodSandboxId(sandbox.id)
                        .build();
            });
        }

        @Override
        public void stopPodSandbox(StopPodSandboxRequest request, StreamObserver<StopPodSandboxResponse> observer) {
            Sandbox sandbox = sandboxes.get(request.getPodSandboxId());
            answer("StopPodSandbox", observer, effects -> {
                if (sandbox != null && sandbox.ready) {
                    calls.add("StopPodSandbox " + sandbox.config.getMetadata().getName());
                    sandbox.ready = false;
                    containersOf(sandbox).forEach(run -> effects.add(() -> exit(run, KILLED, "Error")));
                }
                return StopPodSandboxResponse.getDefaultInstance();
            });
        }

        @Override
        public void removePodSandbox(
                RemovePodSandboxRequest request, StreamObserver<RemovePodSandboxResponse> observer) {
            Sandbox sandbox = sandboxes.get(request.getPodSandboxId());
            answer("RemovePodSandbox", observer, effects -> {
                if (sandbox != null) {
                    calls.add("RemovePodSandbox " + sandbox.config.getMetadata().getName());
                    containersOf(sandbox).forEach(run -> containers.remove(run.id));
                    sandboxes.remove(sandbox.id);
                }
                return RemovePodSandboxResponse.getDefaultInstance();
            });
        }

        @Override
        public void podSandboxStatus(
                PodSandboxStatusRequest request, StreamObserver<PodSandboxStatusResponse> observer) {
            answer("PodSandboxStatus", observer, effects -> {
                Sandbox sandbox = sandboxes.get(request.getPodSandboxId());
                if (sandbox == null) {
                    throw new NotThere("sandbox " + request.getPodSandboxId());
                }
                return PodSandboxStatusResponse.newBuilder()
                        .setStatus(statusOf(sandbox))
                        .build();
            });
        }

        @Override
        public void listPodSandbox(ListPodSandboxRequest request, StreamObserver<ListPodSandboxResponse> observer) {
            answer("ListPodSandbox", observer, effects -> {
                PodSandboxFilter filter = request.getFilter();
                ListPodSandboxResponse.Builder response = ListPodSandboxResponse.newBuilder();
                sandboxes.values().stream()
                        .filter(one -> selects(filter.getLabelSelectorMap(), one.config.getLabelsMap()))
                        .forEach(one -> response.addItems(PodSandbox.newBuilder()
                                .setId(one.id)
                                .setMetadata(one.config.getMetadata())
                                .setState(state(one))
                                .setCreatedAt(nanos(one.createdAt))
                                .putAllLabels(one.config.getLabelsMap())
                                .putAllAnnotations(one.config.getAnnotationsMap())));
                return response.build();
            });
        }

        @Override
        public void createContainer(CreateContainerRequest request, StreamObserver<CreateContainerResponse> observer) {
            answer("CreateContainer", observer, effects -> {
                Sandbox sandbox = sandboxes.get(request.getPodSandboxId());
                if (sandbox == null) {
                    throw new NotThere("sandbox " + request.getPodSandboxId());
                }
                if (!sandbox.ready) {
                    throw new IllegalStateException("sandbox " + sandbox.id + " is not ready");
                }
                ContainerMetadata metadata = request.getConfig().getMetadata();
                if (containersOf(sandbox).stream()
                        .anyMatch(run -> run.config.getMetadata().equals(metadata))) {
                    throw new IllegalStateException(
                            "container name is taken: " + metadata.getName() + " attempt " + metadata.getAttempt());
                }
                String image = request.getConfig().getImage().getImage();
                if (images.values().stream().noneMatch(one -> one.getId().equals(image))) {
                    throw new NotThere("image " + image);
                }
                Run run = new Run(id("container"), sandbox, request.getConfig(), clock.instant());
                containers.put(run.id, run);
                calls.add("CreateContainer " + metadata.getName() + " " + metadata.getAttempt());
                return CreateContainerResponse.newBuilder()
                        .setContainerId(run.id)
                        .build();
            });
        }

        @Override
        public void startContainer(StartContainerRequest request, StreamObserver<StartContainerResponse> observer) {
            answer("StartContainer", observer, effects -> {
                Run run = container(request.getContainerId());
                if (run.state != ContainerState.CONTAINER_CREATED || !run.sandbox.ready) {
                    throw new IllegalStateException("container " + run.id + " is " + run.state);
                }
                run.state = ContainerState.CONTAINER_RUNNING;
                run.startedAt = clock.instant();
                calls.add("StartContainer " + run.config.getMetadata().getName());
                effects.add(() -> publish(run.sandbox, run.id, ContainerEventType.CONTAINER_STARTED_EVENT));
                return StartContainerResponse.getDefaultInstance();
            });
        }

        @Override
        public void stopContainer(StopContainerRequest request, StreamObserver<StopContainerResponse> observer) {
            answer("StopContainer", observer, effects -> {
                Run run = container(request.getContainerId());
                calls.add("StopContainer " + run.config.getMetadata().getName() + " " + request.getTimeout());
                if (run.state != ContainerState.CONTAINER_RUNNING) {
                    return StopContainerResponse.getDefaultInstance();
                }
                run.onExit.add(() -> {
                    observer.onNext(StopContainerResponse.getDefaultInstance());
                    observer.onCompleted();
                });
                effects.add(() -> end(run, Duration.ofSeconds(request.getTimeout())));
                return null;
            });
        }

        private void end(Run run, Duration timeout) {
            boolean killed = stopDuration.compareTo(timeout) > 0 || timeout.isZero();
            Duration wait = killed ? timeout : stopDuration;
            Runnable exit = () -> exit(run, killed ? KILLED : TERMINATED, "Error");
            if (wait.isZero()) {
                exit.run();
            } else {
                var unused = clock.timers().schedule(exit, wait.toMillis(), TimeUnit.MILLISECONDS);
            }
        }

        @Override
        public void removeContainer(RemoveContainerRequest request, StreamObserver<RemoveContainerResponse> observer) {
            answer("RemoveContainer", observer, effects -> {
                Run run = containers.get(request.getContainerId());
                if (run != null) {
                    effects.add(() -> exit(run, KILLED, "Error"));
                    calls.add("RemoveContainer " + run.config.getMetadata().getName());
                    containers.remove(run.id);
                }
                return RemoveContainerResponse.getDefaultInstance();
            });
        }

        @Override
        public void listContainers(ListContainersRequest request, StreamObserver<ListContainersResponse> observer) {
            answer("ListContainers", observer, effects -> {
                ContainerFilter filter = request.getFilter();
                ListContainersResponse.Builder response = ListContainersResponse.newBuilder();
                containers.values().stream()
                        .filter(run ->
                                filter.getPodSandboxId().isEmpty() || run.sandbox.id.equals(filter.getPodSandboxId()))
                        .filter(run -> selects(filter.getLabelSelectorMap(), run.config.getLabelsMap()))
                        .forEach(run -> response.addContainers(Container.newBuilder()
                                .setId(run.id)
                                .setPodSandboxId(run.sandbox.id)
                                .setMetadata(run.config.getMetadata())
                                .setState(run.state)
                                .setCreatedAt(nanos(run.createdAt))
                                .putAllLabels(run.config.getLabelsMap())
                                .putAllAnnotations(run.config.getAnnotationsMap())));
                return response.build();
            });
        }

        @Override
        public void containerStatus(ContainerStatusRequest request, StreamObserver<ContainerStatusResponse> observer) {
            answer(
                    "ContainerStatus",
                    observer,
                    effects -> ContainerStatusResponse.newBuilder()
                            .setStatus(statusOf(container(request.getContainerId())))
                            .build());
        }

        @Override
        public void containerStats(ContainerStatsRequest request, StreamObserver<ContainerStatsResponse> observer) {
            answer("ContainerStats", observer, effects -> {
                Run run = container(request.getContainerId());
                UInt64Value usage =
                        UInt64Value.newBuilder().setValue(run.memoryUsage).build();
                return ContainerStatsResponse.newBuilder()
                        .setStats(ContainerStats.newBuilder()
                                .setMemory(MemoryUsage.newBuilder().setUsageBytes(usage))
                                .setWritableLayer(FilesystemUsage.newBuilder()
                                        .setUsedBytes(UInt64Value.newBuilder().setValue(run.diskUsage))))
                        .build();
            });
        }

        @Override
        public void updateContainerResources(
                UpdateContainerResourcesRequest request, StreamObserver<UpdateContainerResourcesResponse> observer) {
            answer("UpdateContainerResources", observer, effects -> {
                Run run = container(request.getContainerId());
                run.resources =
                        run.resources.toBuilder().mergeFrom(request.getLinux()).build();
                calls.add("UpdateContainerResources " + run.config.getMetadata().getName());
                return UpdateContainerResourcesResponse.getDefaultInstance();
            });
        }

        @Override
        public void updatePodSandboxResources(
                UpdatePodSandboxResourcesRequest request, StreamObserver<UpdatePodSandboxResourcesResponse> observer) {
            answer("UpdatePodSandboxResources", observer, effects -> {
                Sandbox sandbox = sandboxes.get(request.getPodSandboxId());
                if (sandbox == null) {
                    throw new NotThere("sandbox " + request.getPodSandboxId());
                }
                calls.add("UpdatePodSandboxResources "
                        + sandbox.config.getMetadata().getName());
                return UpdatePodSandboxResourcesResponse.getDefaultInstance();
            });
        }

        @Override
        public void reopenContainerLog(
                ReopenContainerLogRequest request, StreamObserver<ReopenContainerLogResponse> observer) {
            answer("ReopenContainerLog", observer, effects -> {
                Run run = container(request.getContainerId());
                if (run.state != ContainerState.CONTAINER_RUNNING) {
                    throw new IllegalStateException("container " + run.id + " is " + run.state);
                }
                calls.add("ReopenContainerLog " + run.config.getMetadata().getName());
                return ReopenContainerLogResponse.getDefaultInstance();
            });
        }

        @Override
        public void getContainerEvents(GetEventsRequest request, StreamObserver<ContainerEventResponse> observer) {
            if (withoutEvents) {
                super.getContainerEvents(request, observer);
                return;
            }
            // With a handler, a message to a subscriber that just left is dropped instead of an error.
            ((ServerCallStreamObserver<ContainerEventResponse>) observer)
                    .setOnCancelHandler(() -> locked(() -> subscribers.remove(observer)));
            locked(() -> subscribers.add(observer));
        }
    }

    private final class ImageService extends ImageServiceGrpc.ImageServiceImplBase {
        @Override
        public void imageStatus(ImageStatusRequest request, StreamObserver<ImageStatusResponse> observer) {
            answer("ImageStatus", observer, effects -> {
                ImageStatusResponse.Builder response = ImageStatusResponse.newBuilder();
                Optional.ofNullable(images.get(request.getImage().getImage())).ifPresent(response::setImage);
                return response.build();
            });
        }

        @Override
        public void listImages(ListImagesRequest request, StreamObserver<ListImagesResponse> observer) {
            answer(
                    "ListImages",
                    observer,
                    effects -> ListImagesResponse.newBuilder()
                            .addAllImages(images.values())
                            .build());
        }

        @Override
        public void pullImage(PullImageRequest request, StreamObserver<PullImageResponse> observer) {
            answer("PullImage", observer, effects -> {
                String reference = request.getImage().getImage();
                calls.add("PullImage " + reference);
                if (!registry.contains(reference)) {
                    throw new NotThere(reference);
                }
                images.put(reference, image(reference));
                return PullImageResponse.newBuilder()
                        .setImageRef(image(reference).getId())
                        .build();
            });
        }

        @Override
        public void removeImage(RemoveImageRequest request, StreamObserver<RemoveImageResponse> observer) {
            answer("RemoveImage", observer, effects -> {
                images.remove(request.getImage().getImage());
                return RemoveImageResponse.getDefaultInstance();
            });
        }
    }
}
