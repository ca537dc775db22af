package dev.gantry.agent.cri;

import dev.gantry.cri.v1.AttachRequest;
import dev.gantry.cri.v1.AttachResponse;
import dev.gantry.cri.v1.AuthConfig;
import dev.gantry.cri.v1.CgroupDriver;
import dev.gantry.cri.v1.Container;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerEventResponse;
import dev.gantry.cri.v1.ContainerFilter;
import dev.gantry.cri.v1.ContainerStatsRequest;
import dev.gantry.cri.v1.ContainerStatus;
import dev.gantry.cri.v1.ContainerStatusRequest;
import dev.gantry.cri.v1.CreateContainerRequest;
import dev.gantry.cri.v1.CreateContainerResponse;
import dev.gantry.cri.v1.ExecRequest;
import dev.gantry.cri.v1.ExecResponse;
import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.cri.v1.GetEventsRequest;
import dev.gantry.cri.v1.Image;
import dev.gantry.cri.v1.ImageServiceGrpc;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.ImageStatusRequest;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.ListImagesRequest;
import dev.gantry.cri.v1.ListImagesResponse;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.MemoryUsage;
import dev.gantry.cri.v1.PodSandbox;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxFilter;
import dev.gantry.cri.v1.PodSandboxNetworkStatus;
import dev.gantry.cri.v1.PodSandboxState;
import dev.gantry.cri.v1.PodSandboxStatus;
import dev.gantry.cri.v1.PodSandboxStatusRequest;
import dev.gantry.cri.v1.PortForwardRequest;
import dev.gantry.cri.v1.PortForwardResponse;
import dev.gantry.cri.v1.PullImageRequest;
import dev.gantry.cri.v1.PullImageResponse;
import dev.gantry.cri.v1.RemoveContainerRequest;
import dev.gantry.cri.v1.RemoveImageRequest;
import dev.gantry.cri.v1.RemovePodSandboxRequest;
import dev.gantry.cri.v1.ReopenContainerLogRequest;
import dev.gantry.cri.v1.RunPodSandboxRequest;
import dev.gantry.cri.v1.RunPodSandboxResponse;
import dev.gantry.cri.v1.RuntimeConfigRequest;
import dev.gantry.cri.v1.RuntimeHandler;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.cri.v1.RuntimeStatus;
import dev.gantry.cri.v1.StartContainerRequest;
import dev.gantry.cri.v1.StatusRequest;
import dev.gantry.cri.v1.StatusResponse;
import dev.gantry.cri.v1.StopContainerRequest;
import dev.gantry.cri.v1.StopPodSandboxRequest;
import dev.gantry.cri.v1.UpdateContainerResourcesRequest;
import dev.gantry.cri.v1.UpdatePodSandboxResourcesRequest;
import dev.gantry.cri.v1.VersionRequest;
import dev.gantry.cri.v1.VersionResponse;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A container runtime behind CRI v1, asynchronously and with a deadline on every call.
 *
 * <ul>
 *   <li>A failure completes the future with {@link CriException}.
 *   <li>Cancelling a future cancels the call.
 *   <li>Futures complete on the transport's thread: continue elsewhere with anything long.
 * </ul>
 */
public final class CriRuntime {
    /** For calls that only look or change records; as the kubelet's {@code runtimeRequestTimeout}. */
    private static final Duration SHORT = Duration.ofMinutes(2);

    /** Network plugins and slow disks take their time; as the kubelet allows for RunPodSandbox. */
    private static final Duration LONG = Duration.ofMinutes(4);

    private static final Duration EXEC_MARGIN = Duration.ofSeconds(2);

    private final Channel channel;

    public CriRuntime(Channel channel) {
        this.channel = channel;
    }

    public CompletableFuture<VersionResponse> version() {
        return call(
                RuntimeServiceGrpc.getVersionMethod(),
                VersionRequest.newBuilder().setVersion("v1").build(),
                SHORT,
                "the runtime");
    }

    /** Whether it can run pods, and connect them. */
    public CompletableFuture<RuntimeStatus> status() {
        return abilities().thenApply(StatusResponse::getStatus);
    }

    /** What it can do, besides its conditions: its handlers with what each of them can, and features of all. */
    public CompletableFuture<StatusResponse> abilities() {
        return call(RuntimeServiceGrpc.getStatusMethod(), StatusRequest.getDefaultInstance(), SHORT, "the runtime");
    }

    /** How it makes cgroups, and wants those of pods to be called; empty if it does not tell. */
    public CompletableFuture<Optional<CgroupDriver>> cgroupDriver() {
        return call(
                        RuntimeServiceGrpc.getRuntimeConfigMethod(),
                        RuntimeConfigRequest.getDefaultInstance(),
                        SHORT,
                        "the runtime")
                .thenApply(response ->
                        response.hasLinux() ? Optional.of(response.getLinux().getCgroupDriver()) : Optional.empty());
    }

    /** What it calls the ways in which it can run a pod, with what each of them can do; empty if it does not tell. */
    public CompletableFuture<List<RuntimeHandler>> handlers() {
        return abilities().thenApply(StatusResponse::getRuntimeHandlersList);
    }

    public CompletableFuture<String> runSandbox(PodSandboxConfig config, String handler) {
        RunPodSandboxRequest request = RunPodSandboxRequest.newBuilder()
                .setConfig(config)
                .setRuntimeHandler(handler)
                .build();
        return call(RuntimeServiceGrpc.getRunPodSandboxMethod(), request, LONG, podOf(config))
                .thenApply(RunPodSandboxResponse::getPodSandboxId);
    }

    /** Kills what still runs in it and frees its network; nothing happens if it is stopped or gone. */
    public CompletableFuture<?> stopSandbox(String id) {
        return call(
                RuntimeServiceGrpc.getStopPodSandboxMethod(),
                StopPodSandboxRequest.newBuilder().setPodSandboxId(id).build(),
                LONG,
                "sandbox " + id);
    }

    /** Removes it with its containers; nothing happens if it is gone. */
    public CompletableFuture<?> removeSandbox(String id) {
        return call(
                RuntimeServiceGrpc.getRemovePodSandboxMethod(),
                RemovePodSandboxRequest.newBuilder().setPodSandboxId(id).build(),
                LONG,
                "sandbox " + id);
    }

    public CompletableFuture<String> createContainer(
            String sandboxId, ContainerConfig config, PodSandboxConfig sandboxConfig) {
        CreateContainerRequest request = CreateContainerRequest.newBuilder()
                .setPodSandboxId(sandboxId)
                .setConfig(config)
                .setSandboxConfig(sandboxConfig)
                .build();
        String object = "container " + config.getMetadata().getName() + " of " + podOf(sandboxConfig);
        return call(RuntimeServiceGrpc.getCreateContainerMethod(), request, LONG, object)
                .thenApply(CreateContainerResponse::getContainerId);
    }

    public CompletableFuture<?> startContainer(String id) {
        return call(
                RuntimeServiceGrpc.getStartContainerMethod(),
                StartContainerRequest.newBuilder().setContainerId(id).build(),
                LONG,
                "container " + id);
    }

    /**
     * Signals it and, after the timeout, kills it; completes when it has ended.
     *
     * @param timeoutSeconds 0 kills at once
     */
    public CompletableFuture<?> stopContainer(String id, long timeoutSeconds) {
        StopContainerRequest request = StopContainerRequest.newBuilder()
                .setContainerId(id)
                .setTimeout(timeoutSeconds)
                .build();
        return call(
                RuntimeServiceGrpc.getStopContainerMethod(),
                request,
                SHORT.plusSeconds(timeoutSeconds),
                "container " + id);
    }

    /** What is in force for a container; empty if the runtime does not tell. */
    public CompletableFuture<Optional<LinuxContainerResources>> resources(String id) {
        ContainerStatusRequest request =
                ContainerStatusRequest.newBuilder().setContainerId(id).build();
        return call(RuntimeServiceGrpc.getContainerStatusMethod(), request, SHORT, "container " + id)
                .thenApply(response -> response.getStatus().getResources().hasLinux()
                        ? Optional.of(response.getStatus().getResources().getLinux())
                        : Optional.empty());
    }

    /** Changes what a running container may have. */
    public CompletableFuture<?> updateContainer(String id, LinuxContainerResources resources) {
        return call(
                RuntimeServiceGrpc.getUpdateContainerResourcesMethod(),
                UpdateContainerResourcesRequest.newBuilder()
                        .setContainerId(id)
                        .setLinux(resources)
                        .build(),
                SHORT,
                "container " + id);
    }

    /** Changes what a pod as a whole may have; nothing happens with a runtime that leaves that to others. */
    public CompletableFuture<?> updateSandbox(String id, LinuxContainerResources resources) {
        return call(
                        RuntimeServiceGrpc.getUpdatePodSandboxResourcesMethod(),
                        UpdatePodSandboxResourcesRequest.newBuilder()
                                .setPodSandboxId(id)
                                .setResources(resources)
                                .build(),
                        SHORT,
                        "sandbox " + id)
                .<Object>thenApply(done -> done)
                .exceptionallyCompose(failure -> {
                    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
                    return cause instanceof CriException e && e.isUnimplemented()
                            ? CompletableFuture.completedFuture(id)
                            : CompletableFuture.failedFuture(cause);
                });
    }

    /** Memory in use by a container, in bytes; empty if the runtime does not tell. */
    public CompletableFuture<OptionalLong> memoryUsage(String id) {
        ContainerStatsRequest request =
                ContainerStatsRequest.newBuilder().setContainerId(id).build();
        return call(RuntimeServiceGrpc.getContainerStatsMethod(), request, SHORT, "container " + id)
                .thenApply(response -> {
                    MemoryUsage memory = response.getStats().getMemory();
                    return memory.hasUsageBytes()
                            ? OptionalLong.of(memory.getUsageBytes().getValue())
                            : OptionalLong.empty();
                });
    }

    /**
     * Runs a command in a container; cancelling ends it.
     *
     * @param timeout after which the runtime kills it, in CRI's whole seconds, rounded up; zero for none
     */
    public CompletableFuture<ExecSyncResponse> execSync(String id, List<String> command, Duration timeout) {
        ExecSyncRequest request = ExecSyncRequest.newBuilder()
                .setContainerId(id)
                .addAllCmd(command)
                .setTimeout(timeout.plusMillis(999).toSeconds())
                .build();
        // The runtime's own deadline comes first, and kills; ours is for a runtime that does not answer.
        Duration deadline = timeout.isZero() ? Duration.ZERO : timeout.plus(EXEC_MARGIN);
        return call(RuntimeServiceGrpc.getExecSyncMethod(), request, deadline, "container " + id);
    }

    /** The URL at which a command's streams are served, once and soon. All its outputs are asked for. */
    public CompletableFuture<String> exec(String id, List<String> command, boolean stdin, boolean tty) {
        ExecRequest request = ExecRequest.newBuilder()
                .setContainerId(id)
                .addAllCmd(command)
                .setTty(tty)
                .setStdin(stdin)
                .setStdout(true)
                .setStderr(!tty)
                .build();
        return call(RuntimeServiceGrpc.getExecMethod(), request, SHORT, "container " + id)
                .thenApply(ExecResponse::getUrl);
    }

    /** The URL at which a container's own streams are served, once and soon. */
    public CompletableFuture<String> attach(String id, boolean stdin, boolean tty) {
        AttachRequest request = AttachRequest.newBuilder()
                .setContainerId(id)
                .setTty(tty)
                .setStdin(stdin)
                .setStdout(true)
                .setStderr(!tty)
                .build();
        return call(RuntimeServiceGrpc.getAttachMethod(), request, SHORT, "container " + id)
                .thenApply(AttachResponse::getUrl);
    }

    /** The URL at which connections to a pod's port are served, once and soon. */
    public CompletableFuture<String> portForward(String sandboxId, int port) {
        PortForwardRequest request = PortForwardRequest.newBuilder()
                .setPodSandboxId(sandboxId)
                .addPort(port)
                .build();
        return call(RuntimeServiceGrpc.getPortForwardMethod(), request, SHORT, "sandbox " + sandboxId)
                .thenApply(PortForwardResponse::getUrl);
    }

    /** Has a running container's log begun anew at its path. */
    public CompletableFuture<?> reopenLog(String id) {
        return call(
                RuntimeServiceGrpc.getReopenContainerLogMethod(),
                ReopenContainerLogRequest.newBuilder().setContainerId(id).build(),
                SHORT,
                "container " + id);
    }

    public CompletableFuture<?> removeContainer(String id) {
        return call(
                RuntimeServiceGrpc.getRemoveContainerMethod(),
                RemoveContainerRequest.newBuilder().setContainerId(id).build(),
                SHORT,
                "container " + id);
    }

    /** The image, if it is present. */
    public CompletableFuture<Optional<Image>> imageStatus(String reference) {
        ImageStatusRequest request = ImageStatusRequest.newBuilder()
                .setImage(ImageSpec.newBuilder().setImage(reference).setUserSpecifiedImage(reference))
                .build();
        return call(ImageServiceGrpc.getImageStatusMethod(), request, SHORT, "image " + reference)
                .thenApply(response ->
                        response.hasImage() && !response.getImage().getId().isEmpty()
                                ? Optional.of(response.getImage())
                                : Optional.empty());
    }

    /** All images that it has. */
    public CompletableFuture<List<Image>> images() {
        return call(
                        ImageServiceGrpc.getListImagesMethod(),
                        ListImagesRequest.getDefaultInstance(),
                        SHORT,
                        "the runtime")
                .thenApply(ListImagesResponse::getImagesList);
    }

    /** Removes an image with all its names; nothing happens if it is gone. */
    public CompletableFuture<?> removeImage(String reference) {
        RemoveImageRequest request = RemoveImageRequest.newBuilder()
                .setImage(ImageSpec.newBuilder().setImage(reference).setUserSpecifiedImage(reference))
                .build();
        return call(ImageServiceGrpc.getRemoveImageMethod(), request, SHORT, "image " + reference);
    }

    /** Pulls without a deadline (the runtime ends what makes no progress) and gives the reference of what it has. */
    public CompletableFuture<String> pullImage(
            String reference, Optional<AuthConfig> auth, PodSandboxConfig sandboxConfig) {
        PullImageRequest.Builder request = PullImageRequest.newBuilder()
                .setImage(ImageSpec.newBuilder().setImage(reference).setUserSpecifiedImage(reference))
                .setSandboxConfig(sandboxConfig);
        auth.ifPresent(request::setAuth);
        return call(ImageServiceGrpc.getPullImageMethod(), request.build(), Duration.ZERO, "image " + reference)
                .thenApply(PullImageResponse::getImageRef);
    }

    /** All sandboxes that carry a pod's labels. */
    public CompletableFuture<List<PodSandbox>> sandboxes() {
        return call(
                        RuntimeServiceGrpc.getListPodSandboxMethod(),
                        ListPodSandboxRequest.getDefaultInstance(),
                        SHORT,
                        "the runtime")
                .thenApply(response -> response.getItemsList().stream()
                        .filter(sandbox -> sandbox.containsLabels(Labels.POD_UID))
                        .toList());
    }

    /** What there is of each pod, by uid, as a text that changes with the state of any of its containers or sandboxes. */
    CompletableFuture<Map<String, String>> podStates() {
        return call(
                        RuntimeServiceGrpc.getListContainersMethod(),
                        ListContainersRequest.getDefaultInstance(),
                        SHORT,
                        "the runtime")
                .thenCombine(sandboxes(), (containers, sandboxes) -> {
                    Map<String, TreeSet<String>> states = new HashMap<>();
                    for (PodSandbox sandbox : sandboxes) {
                        states.computeIfAbsent(sandbox.getLabelsOrThrow(Labels.POD_UID), uid -> new TreeSet<>())
                                .add(sandbox.getId() + sandbox.getState());
                    }
                    for (Container container : containers.getContainersList()) {
                        states.computeIfAbsent(container.getLabelsOrDefault(Labels.POD_UID, ""), uid -> new TreeSet<>())
                                .add(container.getId() + container.getState());
                    }
                    Map<String, String> texts = new HashMap<>();
                    states.forEach((uid, each) -> texts.put(uid, String.join(" ", each)));
                    return texts;
                });
    }

    /**
     * Looks at one pod.
     *
     * @param before what was seen last: an exited run does not change any more and is not asked for again
     */
    public CompletableFuture<ObservedPod> observe(String podUid, ObservedPod before) {
        ListPodSandboxRequest sandboxes = ListPodSandboxRequest.newBuilder()
                .setFilter(PodSandboxFilter.newBuilder().putLabelSelector(Labels.POD_UID, podUid))
                .build();
        ListContainersRequest containers = ListContainersRequest.newBuilder()
                .setFilter(ContainerFilter.newBuilder().putLabelSelector(Labels.POD_UID, podUid))
                .build();
        String object = "pod " + podUid;
        // Containers first: a sandbox that appears in between has none yet.
        return call(RuntimeServiceGrpc.getListContainersMethod(), containers, SHORT, object)
                .thenCompose(found -> all(found.getContainersList().stream()
                        .map(container -> observe(container, before))
                        .toList()))
                .thenCompose(runs -> call(RuntimeServiceGrpc.getListPodSandboxMethod(), sandboxes, SHORT, object)
                        .thenCompose(found -> all(
                                found.getItemsList().stream().map(this::observe).toList()))
                        .thenApply(seen -> new ObservedPod(present(seen), present(runs))));
    }

    private CompletableFuture<Optional<ObservedContainer>> observe(Container container, ObservedPod before) {
        Optional<ObservedContainer> known = before.containers().stream()
                .filter(one -> one.id().equals(container.getId()) && one.isExited())
                .findFirst();
        if (known.isPresent()) {
            return CompletableFuture.completedFuture(known);
        }
        ContainerStatusRequest request = ContainerStatusRequest.newBuilder()
                .setContainerId(container.getId())
                .build();
        return unlessGone(
                call(RuntimeServiceGrpc.getContainerStatusMethod(), request, SHORT, "container " + container.getId())
                        .thenApply(response -> observed(container, response.getStatus())));
    }

    private CompletableFuture<Optional<ObservedSandbox>> observe(PodSandbox sandbox) {
        int attempt = sandbox.getMetadata().getAttempt();
        Instant createdAt = nanos(sandbox.getCreatedAt());
        Instant began = podStartedAt(sandbox);
        if (sandbox.getState() != PodSandboxState.SANDBOX_READY) {
            return CompletableFuture.completedFuture(
                    Optional.of(new ObservedSandbox(sandbox.getId(), attempt, false, createdAt, began, List.of())));
        }
        PodSandboxStatusRequest request = PodSandboxStatusRequest.newBuilder()
                .setPodSandboxId(sandbox.getId())
                .build();
        return unlessGone(call(
                        RuntimeServiceGrpc.getPodSandboxStatusMethod(), request, SHORT, "sandbox " + sandbox.getId())
                .thenApply(response -> {
                    PodSandboxStatus status = response.getStatus();
                    boolean ready = status.getState() == PodSandboxState.SANDBOX_READY;
                    return new ObservedSandbox(
                            sandbox.getId(), attempt, ready, createdAt, began, addresses(status.getNetwork()));
                }));
    }

    /** When the pod of a sandbox began on this node. */
    public static Instant podStartedAt(PodSandbox sandbox) {
        Instant created = nanos(sandbox.getCreatedAt());
        try {
            Instant began = Instant.ofEpochMilli(
                    Long.parseLong(sandbox.getAnnotationsOrDefault(Labels.POD_STARTED_AT_MILLIS, "")));
            return began.isBefore(created) ? began : created;
        } catch (NumberFormatException e) {
            // Made by someone else: the pod is as old as its sandbox.
            return created;
        }
    }

    /** The address first that the runtime puts first. */
    private static List<String> addresses(PodSandboxNetworkStatus network) {
        return Stream.concat(
                        Stream.of(network.getIp()),
                        network.getAdditionalIpsList().stream().map(ip -> ip.getIp()))
                .filter(ip -> !ip.isEmpty())
                .toList();
    }

    private static ObservedContainer observed(Container listed, ContainerStatus status) {
        int restartCount = restartCount(status);
        return new ObservedContainer(
                status.getId(),
                listed.getPodSandboxId(),
                status.getLabelsOrDefault(
                        Labels.CONTAINER_NAME, status.getMetadata().getName()),
                restartCount,
                nanos(status.getCreatedAt()),
                run(status),
                status.getImage().getUserSpecifiedImage().isEmpty()
                        ? status.getImage().getImage()
                        : status.getImage().getUserSpecifiedImage(),
                status.getImageRef().isEmpty() ? status.getImageId() : status.getImageRef(),
                status.getLogPath(),
                user(status),
                status.getAnnotationsMap());
    }

    private static Optional<ObservedContainer.User> user(ContainerStatus status) {
        if (!status.getUser().hasLinux()) {
            return Optional.empty();
        }
        var linux = status.getUser().getLinux();
        return Optional.of(
                new ObservedContainer.User(linux.getUid(), linux.getGid(), linux.getSupplementalGroupsList()));
    }

    private static int restartCount(ContainerStatus status) {
        try {
            return Integer.parseInt(status.getAnnotationsOrDefault(Labels.RESTART_COUNT, ""));
        } catch (NumberFormatException e) {
            // Made by someone else: CRI's attempt means the same.
            return status.getMetadata().getAttempt();
        }
    }

    private static ContainerRun run(ContainerStatus status) {
        return switch (status.getState()) {
            case CONTAINER_CREATED -> new ContainerRun.Created();
            case CONTAINER_RUNNING -> new ContainerRun.Running(nanos(status.getStartedAt()));
            case CONTAINER_EXITED ->
                new ContainerRun.Exited(
                        nanos(status.getStartedAt()),
                        nanos(status.getFinishedAt()),
                        status.getExitCode(),
                        status.getReason(),
                        status.getMessage());
            case CONTAINER_UNKNOWN, UNRECOGNIZED -> new ContainerRun.Lost();
        };
    }

    /**
     * Receives the runtime's container events until the stream ends.
     *
     * @param onEnd hears why it ended; never after {@code close}
     * @return closing it cancels the stream
     */
    public AutoCloseable events(Consumer<ContainerEventResponse> onEvent, Consumer<CriException> onEnd) {
        ClientCall<GetEventsRequest, ContainerEventResponse> call =
                channel.newCall(RuntimeServiceGrpc.getGetContainerEventsMethod(), CallOptions.DEFAULT);
        EventObserver observer = new EventObserver(onEvent, onEnd);
        ClientCalls.asyncServerStreamingCall(call, GetEventsRequest.getDefaultInstance(), observer);
        return () -> {
            observer.closed = true;
            call.cancel("not interested any more", null);
        };
    }

    private static final class EventObserver implements StreamObserver<ContainerEventResponse> {
        private final Consumer<ContainerEventResponse> onEvent;
        private final Consumer<CriException> onEnd;
        private volatile boolean closed;

        EventObserver(Consumer<ContainerEventResponse> onEvent, Consumer<CriException> onEnd) {
            this.onEvent = onEvent;
            this.onEnd = onEnd;
        }

        @Override
        public void onNext(ContainerEventResponse event) {
            if (!closed) {
                onEvent.accept(event);
            }
        }

        @Override
        public void onError(Throwable cause) {
            if (!closed) {
                onEnd.accept(CriException.of("GetContainerEvents", "the runtime", cause));
            }
        }

        @Override
        public void onCompleted() {
            onError(io.grpc.Status.UNAVAILABLE
                    .withDescription("the stream ended")
                    .asRuntimeException());
        }
    }

    private <Q, R> CompletableFuture<R> call(
            MethodDescriptor<Q, R> method, Q request, Duration timeout, String object) {
        CallOptions options = timeout.isZero()
                ? CallOptions.DEFAULT
                : CallOptions.DEFAULT.withDeadlineAfter(timeout.toMillis(), TimeUnit.MILLISECONDS);
        ClientCall<Q, R> call = channel.newCall(method, options);
        CompletableFuture<R> result = new CompletableFuture<>();
        result.whenComplete((response, failure) -> {
            if (result.isCancelled()) {
                call.cancel("not needed any more", null);
            }
        });
        ClientCalls.asyncUnaryCall(call, request, new StreamObserver<>() {
            @Override
            public void onNext(R response) {
                result.complete(response);
            }

            @Override
            public void onError(Throwable cause) {
                result.completeExceptionally(
                        CriException.of(String.valueOf(method.getBareMethodName()), object, cause));
            }

            @Override
            public void onCompleted() {
                // The response came with onNext.
            }
        });
        return result;
    }

    private static <T> CompletableFuture<Optional<T>> unlessGone(CompletableFuture<T> call) {
        return call.thenApply(Optional::of).exceptionallyCompose(failure -> {
            Throwable cause = failure.getCause() == null ? failure : failure.getCause();
            return cause instanceof CriException e && e.isNotFound()
                    ? CompletableFuture.completedFuture(Optional.empty())
                    : CompletableFuture.failedFuture(cause);
        });
    }

    private static <T> CompletableFuture<List<T>> all(List<CompletableFuture<T>> futures) {
        CompletableFuture<List<T>> result = CompletableFuture.completedFuture(new ArrayList<>());
        for (CompletableFuture<T> future : futures) {
            result = result.thenCombine(future, (list, one) -> {
                list.add(one);
                return list;
            });
        }
        return result;
    }

    private static <T> List<T> present(List<Optional<T>> all) {
        return all.stream().flatMap(Optional::stream).collect(Collectors.toList());
    }

    private static Instant nanos(long sinceEpoch) {
        return Instant.ofEpochSecond(0, sinceEpoch);
    }

    private static String podOf(PodSandboxConfig config) {
        return config.getMetadata().getNamespace() + "/" + config.getMetadata().getName();
    }
}
