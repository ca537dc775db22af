package dev.gantry.runtime;

import dev.gantry.cgroups.CgroupNaming;
import dev.gantry.cri.v1.AttachRequest;
import dev.gantry.cri.v1.AttachResponse;
import dev.gantry.cri.v1.CgroupDriver;
import dev.gantry.cri.v1.CheckpointContainerRequest;
import dev.gantry.cri.v1.CheckpointContainerResponse;
import dev.gantry.cri.v1.CheckpointPodRequest;
import dev.gantry.cri.v1.CheckpointPodResponse;
import dev.gantry.cri.v1.ContainerEventResponse;
import dev.gantry.cri.v1.ContainerStatsRequest;
import dev.gantry.cri.v1.ContainerStatsResponse;
import dev.gantry.cri.v1.ContainerStatusRequest;
import dev.gantry.cri.v1.ContainerStatusResponse;
import dev.gantry.cri.v1.CreateContainerRequest;
import dev.gantry.cri.v1.CreateContainerResponse;
import dev.gantry.cri.v1.ExecRequest;
import dev.gantry.cri.v1.ExecResponse;
import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.cri.v1.GetEventsRequest;
import dev.gantry.cri.v1.LinuxRuntimeConfiguration;
import dev.gantry.cri.v1.ListContainerStatsRequest;
import dev.gantry.cri.v1.ListContainerStatsResponse;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.ListContainersResponse;
import dev.gantry.cri.v1.ListMetricDescriptorsRequest;
import dev.gantry.cri.v1.ListMetricDescriptorsResponse;
import dev.gantry.cri.v1.ListPodSandboxMetricsRequest;
import dev.gantry.cri.v1.ListPodSandboxMetricsResponse;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.ListPodSandboxResponse;
import dev.gantry.cri.v1.ListPodSandboxStatsRequest;
import dev.gantry.cri.v1.ListPodSandboxStatsResponse;
import dev.gantry.cri.v1.PodSandboxStatsRequest;
import dev.gantry.cri.v1.PodSandboxStatsResponse;
import dev.gantry.cri.v1.PodSandboxStatusRequest;
import dev.gantry.cri.v1.PodSandboxStatusResponse;
import dev.gantry.cri.v1.PortForwardRequest;
import dev.gantry.cri.v1.PortForwardResponse;
import dev.gantry.cri.v1.RemoveContainerRequest;
import dev.gantry.cri.v1.RemoveContainerResponse;
import dev.gantry.cri.v1.RemovePodSandboxRequest;
import dev.gantry.cri.v1.RemovePodSandboxResponse;
import dev.gantry.cri.v1.ReopenContainerLogRequest;
import dev.gantry.cri.v1.ReopenContainerLogResponse;
import dev.gantry.cri.v1.RestorePodRequest;
import dev.gantry.cri.v1.RestorePodResponse;
import dev.gantry.cri.v1.RunPodSandboxRequest;
import dev.gantry.cri.v1.RunPodSandboxResponse;
import dev.gantry.cri.v1.RuntimeConfigRequest;
import dev.gantry.cri.v1.RuntimeConfigResponse;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.cri.v1.StartContainerRequest;
import dev.gantry.cri.v1.StartContainerResponse;
import dev.gantry.cri.v1.StatusRequest;
import dev.gantry.cri.v1.StatusResponse;
import dev.gantry.cri.v1.StopContainerRequest;
import dev.gantry.cri.v1.StopContainerResponse;
import dev.gantry.cri.v1.StopPodSandboxRequest;
import dev.gantry.cri.v1.StopPodSandboxResponse;
import dev.gantry.cri.v1.StreamContainerStatsRequest;
import dev.gantry.cri.v1.StreamContainerStatsResponse;
import dev.gantry.cri.v1.StreamContainersRequest;
import dev.gantry.cri.v1.StreamContainersResponse;
import dev.gantry.cri.v1.StreamPodSandboxMetricsRequest;
import dev.gantry.cri.v1.StreamPodSandboxMetricsResponse;
import dev.gantry.cri.v1.StreamPodSandboxStatsRequest;
import dev.gantry.cri.v1.StreamPodSandboxStatsResponse;
import dev.gantry.cri.v1.StreamPodSandboxesRequest;
import dev.gantry.cri.v1.StreamPodSandboxesResponse;
import dev.gantry.cri.v1.UpdateContainerResourcesRequest;
import dev.gantry.cri.v1.UpdateContainerResourcesResponse;
import dev.gantry.cri.v1.UpdatePodSandboxResourcesRequest;
import dev.gantry.cri.v1.UpdatePodSandboxResourcesResponse;
import dev.gantry.cri.v1.UpdateRuntimeConfigRequest;
import dev.gantry.cri.v1.UpdateRuntimeConfigResponse;
import dev.gantry.cri.v1.VersionRequest;
import dev.gantry.cri.v1.VersionResponse;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** CRI's RuntimeService on our pods. Only translation: no call waits on its thread. */
final class RuntimeServer extends RuntimeServiceGrpc.RuntimeServiceImplBase {
    private static final String CHECKPOINT =
            "checkpoints need CRIU and trust in what an archive says, this runtime has" + " neither";

    /** A hundred years. */
    private static final long MAX_SECONDS = 100L * 365 * 24 * 60 * 60;

    private final Pods pods;
    private final EventHub events;
    private final RuntimeStatusView status;
    private final Stats stats;
    private final Metrics metrics;
    private final Execs execs;
    private final Streaming streaming;
    private final Updates updates;
    private final List<String> handlers;
    private final Executor executor;

    RuntimeServer(
            Pods pods,
            EventHub events,
            RuntimeStatusView status,
            Stats stats,
            Metrics metrics,
            Streaming streaming,
            List<String> handlers) {
        this.pods = pods;
        this.events = events;
        this.status = status;
        this.stats = stats;
        this.metrics = metrics;
        this.execs = new Execs(pods.machine());
        this.updates = new Updates(pods.machine());
        this.streaming = streaming;
        this.handlers = handlers;
        this.executor = pods.machine().executor();
    }

    // ---- the runtime

    @Override
    public void version(VersionRequest request, StreamObserver<VersionResponse> observer) {
        Answers.now(observer, RuntimeStatusView::version);
    }

    @Override
    public void status(StatusRequest request, StreamObserver<StatusResponse> observer) {
        // Plugins of the network may be asked.
        executor.execute(() -> Answers.now(observer, () -> status.status(request.getVerbose())));
    }

    @Override
    public void runtimeConfig(RuntimeConfigRequest request, StreamObserver<RuntimeConfigResponse> observer) {
        Answers.now(
                observer,
                () -> RuntimeConfigResponse.newBuilder()
                        .setLinux(LinuxRuntimeConfiguration.newBuilder().setCgroupDriver(driver()))
                        .build());
    }

    /** Clients mean "for ever" by the largest numbers, with which no clock can calculate. */
    private static Duration seconds(long asked) {
        return Duration.ofSeconds(Math.min(asked, MAX_SECONDS));
    }

    private CgroupDriver driver() {
        return pods.machine().cgroups().naming() == CgroupNaming.SYSTEMD ? CgroupDriver.SYSTEMD : CgroupDriver.CGROUPFS;
    }

    /** The pod range is ours to choose, at the start; CRI allows to ignore this one. */
    @Override
    public void updateRuntimeConfig(
            UpdateRuntimeConfigRequest request, StreamObserver<UpdateRuntimeConfigResponse> observer) {
        Answers.now(observer, UpdateRuntimeConfigResponse::getDefaultInstance);
    }

    @Override
    public void getContainerEvents(GetEventsRequest request, StreamObserver<ContainerEventResponse> observer) {
        events.subscribe((ServerCallStreamObserver<ContainerEventResponse>) observer);
    }

    // ---- sandboxes

    @Override
    public void runPodSandbox(RunPodSandboxRequest request, StreamObserver<RunPodSandboxResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> {
                    String handler = request.getRuntimeHandler();
                    if (!handler.isEmpty() && !handlers.contains(handler)) {
                        throw CriErrors.notFound("no runtime handler '%s': known are %s", handler, handlers);
                    }
                    return pods.run(request.getConfig(), handler);
                },
                id -> RunPodSandboxResponse.newBuilder().setPodSandboxId(id).build());
    }

    @Override
    public void stopPodSandbox(StopPodSandboxRequest request, StreamObserver<StopPodSandboxResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> pods.sandbox(request.getPodSandboxId())
                        .map(pods::stopSandbox)
                        .orElseGet(() -> CompletableFuture.completedFuture(null)),
                done -> StopPodSandboxResponse.getDefaultInstance());
    }

    @Override
    public void removePodSandbox(RemovePodSandboxRequest request, StreamObserver<RemovePodSandboxResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> pods.sandbox(request.getPodSandboxId())
                        .map(pods::removeSandbox)
                        .orElseGet(() -> CompletableFuture.completedFuture(null)),
                done -> RemovePodSandboxResponse.getDefaultInstance());
    }

    @Override
    public void podSandboxStatus(PodSandboxStatusRequest request, StreamObserver<PodSandboxStatusResponse> observer) {
        Answers.now(observer, () -> {
            Sandbox sandbox = pods.existingSandbox(request.getPodSandboxId());
            PodSandboxStatusResponse.Builder response = PodSandboxStatusResponse.newBuilder()
                    .setStatus(CriView.status(sandbox))
                    .setTimestamp(Times.nanos(pods.machine().clock().instant()));
            sandbox.containers().forEach(container -> response.addContainersStatuses(CriView.status(container)));
            if (request.getVerbose()) {
                response.putAllInfo(status.info(sandbox));
            }
            return response.build();
        });
    }

    @Override
    public void listPodSandbox(ListPodSandboxRequest request, StreamObserver<ListPodSandboxResponse> observer) {
        Answers.now(
                observer,
                () -> ListPodSandboxResponse.newBuilder()
                        .addAllItems(Filters.sandboxes(pods, request.getFilter()).stream()
                                .map(CriView::item)
                                .toList())
                        .build());
    }

    @Override
    public void streamPodSandboxes(
            StreamPodSandboxesRequest request, StreamObserver<StreamPodSandboxesResponse> observer) {
        Answers.stream(
                observer,
                () -> Filters.sandboxes(pods, request.getFilter()).stream()
                        .map(CriView::item)
                        .toList(),
                part -> StreamPodSandboxesResponse.newBuilder()
                        .addAllPodSandboxes(part)
                        .build());
    }

    @Override
    public void updatePodSandboxResources(
            UpdatePodSandboxResourcesRequest request, StreamObserver<UpdatePodSandboxResourcesResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> updates.sandbox(pods.existingSandbox(request.getPodSandboxId()), request.getResources()),
                done -> UpdatePodSandboxResourcesResponse.getDefaultInstance());
    }

    // ---- containers

    @Override
    public void createContainer(CreateContainerRequest request, StreamObserver<CreateContainerResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> pods.create(pods.existingSandbox(request.getPodSandboxId()), request.getConfig()),
                id -> CreateContainerResponse.newBuilder().setContainerId(id).build());
    }

    @Override
    public void startContainer(StartContainerRequest request, StreamObserver<StartContainerResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> pods.start(pods.existingContainer(request.getContainerId())),
                done -> StartContainerResponse.getDefaultInstance());
    }

    @Override
    public void stopContainer(StopContainerRequest request, StreamObserver<StopContainerResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> pods.container(request.getContainerId())
                        .map(located -> pods.stop(located, seconds(request.getTimeout())))
                        .orElseGet(() -> CompletableFuture.completedFuture(null)),
                done -> StopContainerResponse.getDefaultInstance());
    }

    @Override
    public void removeContainer(RemoveContainerRequest request, StreamObserver<RemoveContainerResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> pods.container(request.getContainerId())
                        .map(pods::remove)
                        .orElseGet(() -> CompletableFuture.completedFuture(null)),
                done -> RemoveContainerResponse.getDefaultInstance());
    }

    @Override
    public void listContainers(ListContainersRequest request, StreamObserver<ListContainersResponse> observer) {
        Answers.now(
                observer,
                () -> ListContainersResponse.newBuilder()
                        .addAllContainers(Filters.containers(pods, request.getFilter()).stream()
                                .map(CriView::item)
                                .toList())
                        .build());
    }

    @Override
    public void streamContainers(StreamContainersRequest request, StreamObserver<StreamContainersResponse> observer) {
        Answers.stream(
                observer,
                () -> Filters.containers(pods, request.getFilter()).stream()
                        .map(CriView::item)
                        .toList(),
                part -> StreamContainersResponse.newBuilder()
                        .addAllContainers(part)
                        .build());
    }

    @Override
    public void containerStatus(ContainerStatusRequest request, StreamObserver<ContainerStatusResponse> observer) {
        Answers.now(observer, () -> {
            Pods.Located located = pods.existingContainer(request.getContainerId());
            ContainerStatusResponse.Builder response =
                    ContainerStatusResponse.newBuilder().setStatus(CriView.status(located.container()));
            if (request.getVerbose()) {
                response.putAllInfo(status.info(located.container()));
            }
            return response.build();
        });
    }

    @Override
    public void updateContainerResources(
            UpdateContainerResourcesRequest request, StreamObserver<UpdateContainerResourcesResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> {
                    Pods.Located located = pods.existingContainer(request.getContainerId());
                    return updates.container(located.sandbox(), located.container(), request.getLinux());
                },
                done -> UpdateContainerResourcesResponse.getDefaultInstance());
    }

    @Override
    public void reopenContainerLog(
            ReopenContainerLogRequest request, StreamObserver<ReopenContainerLogResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> {
                    Pods.Located located = pods.existingContainer(request.getContainerId());
                    return updates.reopenLog(located.sandbox(), located.container());
                },
                done -> ReopenContainerLogResponse.getDefaultInstance());
    }

    // ---- processes within

    @Override
    public void execSync(ExecSyncRequest request, StreamObserver<ExecSyncResponse> observer) {
        Answers.later(
                executor,
                observer,
                () -> {
                    if (request.getCmdCount() == 0) {
                        throw CriErrors.invalid("exec in container '%s': cmd is empty", request.getContainerId());
                    }
                    Pods.Located located = pods.existingContainer(request.getContainerId());
                    return execs.execSync(
                            located.sandbox(),
                            located.container(),
                            request.getCmdList(),
                            seconds(request.getTimeout()));
                },
                response -> response);
    }

    @Override
    public void exec(ExecRequest request, StreamObserver<ExecResponse> observer) {
        Answers.now(observer, () -> streaming.exec(request));
    }

    @Override
    public void attach(AttachRequest request, StreamObserver<AttachResponse> observer) {
        Answers.now(observer, () -> streaming.attach(request));
    }

    @Override
    public void portForward(PortForwardRequest request, StreamObserver<PortForwardResponse> observer) {
        Answers.now(observer, () -> streaming.portForward(request));
    }

    // ---- statistics

    @Override
    public void containerStats(ContainerStatsRequest request, StreamObserver<ContainerStatsResponse> observer) {
        Answers.now(
                observer,
                () -> ContainerStatsResponse.newBuilder()
                        .setStats(stats.of(
                                pods.existingContainer(request.getContainerId()).container()))
                        .build());
    }

    @Override
    public void listContainerStats(
            ListContainerStatsRequest request, StreamObserver<ListContainerStatsResponse> observer) {
        Answers.now(
                observer,
                () -> ListContainerStatsResponse.newBuilder()
                        .addAllStats(Filters.containers(pods, request.getFilter()).stream()
                                .map(stats::tryOf)
                                .flatMap(Optional::stream)
                                .toList())
                        .build());
    }

    @Override
    public void streamContainerStats(
            StreamContainerStatsRequest request, StreamObserver<StreamContainerStatsResponse> observer) {
        Answers.stream(
                observer,
                () -> Filters.containers(pods, request.getFilter()).stream()
                        .map(stats::tryOf)
                        .flatMap(Optional::stream)
                        .toList(),
                part -> StreamContainerStatsResponse.newBuilder()
                        .addAllContainerStats(part)
                        .build());
    }

    @Override
    public void podSandboxStats(PodSandboxStatsRequest request, StreamObserver<PodSandboxStatsResponse> observer) {
        Answers.now(
                observer,
                () -> PodSandboxStatsResponse.newBuilder()
                        .setStats(stats.of(pods.existingSandbox(request.getPodSandboxId())))
                        .build());
    }

    @Override
    public void listPodSandboxStats(
            ListPodSandboxStatsRequest request, StreamObserver<ListPodSandboxStatsResponse> observer) {
        Answers.now(
                observer,
                () -> ListPodSandboxStatsResponse.newBuilder()
                        .addAllStats(Filters.sandboxes(pods, request.getFilter()).stream()
                                .map(stats::tryOf)
                                .flatMap(Optional::stream)
                                .toList())
                        .build());
    }

    @Override
    public void streamPodSandboxStats(
            StreamPodSandboxStatsRequest request, StreamObserver<StreamPodSandboxStatsResponse> observer) {
        Answers.stream(
                observer,
                () -> Filters.sandboxes(pods, request.getFilter()).stream()
                        .map(stats::tryOf)
                        .flatMap(Optional::stream)
                        .toList(),
                part -> StreamPodSandboxStatsResponse.newBuilder()
                        .addAllPodSandboxStats(part)
                        .build());
    }

    @Override
    public void listMetricDescriptors(
            ListMetricDescriptorsRequest request, StreamObserver<ListMetricDescriptorsResponse> observer) {
        Answers.now(
                observer,
                () -> ListMetricDescriptorsResponse.newBuilder()
                        .addAllDescriptors(Metrics.descriptors())
                        .build());
    }

    @Override
    public void listPodSandboxMetrics(
            ListPodSandboxMetricsRequest request, StreamObserver<ListPodSandboxMetricsResponse> observer) {
        Answers.now(
                observer,
                () -> ListPodSandboxMetricsResponse.newBuilder()
                        .addAllPodMetrics(metrics.of(pods))
                        .build());
    }

    @Override
    public void streamPodSandboxMetrics(
            StreamPodSandboxMetricsRequest request, StreamObserver<StreamPodSandboxMetricsResponse> observer) {
        Answers.stream(
                observer,
                () -> metrics.of(pods),
                part -> StreamPodSandboxMetricsResponse.newBuilder()
                        .addAllPodSandboxMetrics(part)
                        .build());
    }

    // ---- refused

    @Override
    public void checkpointContainer(
            CheckpointContainerRequest request, StreamObserver<CheckpointContainerResponse> observer) {
        observer.onError(CriErrors.unimplemented("CheckpointContainer: " + CHECKPOINT));
    }

    @Override
    public void checkpointPod(CheckpointPodRequest request, StreamObserver<CheckpointPodResponse> observer) {
        observer.onError(CriErrors.unimplemented("CheckpointPod: " + CHECKPOINT));
    }

    @Override
    public void restorePod(RestorePodRequest request, StreamObserver<RestorePodResponse> observer) {
        observer.onError(CriErrors.unimplemented("RestorePod: " + CHECKPOINT));
    }
}
