package dev.gantry.agent.cri;

import dev.gantry.cri.v1.AttachRequest;
import dev.gantry.cri.v1.AttachResponse;
import dev.gantry.cri.v1.CgroupDriver;
import dev.gantry.cri.v1.Container;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerEventResponse;
import dev.gantry.cri.v1.ContainerFilter;
import dev.gantry.cri.v1.ContainerStatsRequest;
import dev.gantry.cri.v1.ContainerStatus;
import dev.gantry.cri.v1.ContainerStatusRequest;
import dev.gantry.cri.v1.ContainerStatusResponse;
import dev.gantry.cri.v1.CreateContainerRequest;
import dev.gantry.cri.v1.CreateContainerResponse;
import dev.gantry.cri.v1.ExecRequest;
import dev.gantry.cri.v1.ExecResponse;
import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.cri.v1.FilesystemUsage;
import dev.gantry.cri.v1.GetEventsRequest;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.MemoryUsage;
import dev.gantry.cri.v1.PodSandbox;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxFilter;
import dev.gantry.cri.v1.PodSandboxState;
import dev.gantry.cri.v1.PodSandboxStatusRequest;
import dev.gantry.cri.v1.PortForwardRequest;
import dev.gantry.cri.v1.PortForwardResponse;
import dev.gantry.cri.v1.RemoveContainerRequest;
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
import io.grpc.Channel;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

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
    private static final Duration EXEC_MARGIN = Duration.ofSeconds(2);

    private final CriCalls calls;
    private final PodCgroups cgroups;

    /** One that makes the cgroups of pods, or is not asked for pods. */
    public CriRuntime(Channel channel) {
        this(channel, PodCgroups.OF_THE_RUNTIME);
    }

    /**
     * One whose pods' cgroups somebody else makes.
     *
     * @param cgroups makes what a sandbox is to be in
     */
    public CriRuntime(Channel channel, PodCgroups cgroups) {
        this.calls = new CriCalls(channel);
        this.cgroups = cgroups;
    }

    public CompletableFuture<VersionResponse> version() {
        return calls.call(
                RuntimeServiceGrpc.getVersionMethod(),
                VersionRequest.newBuilder().setVersion("v1").build(),
                CriCalls.SHORT,
                "the runtime");
    }

    /** Whether it can run pods, and connect them. */
    public CompletableFuture<RuntimeStatus> status() {
        return abilities().thenApply(StatusResponse::getStatus);
    }

    /** What it can do, besides its conditions: its handlers with what each of them can, and features of all. */
    public CompletableFuture<StatusResponse> abilities() {
        return calls.call(
                RuntimeServiceGrpc.getStatusMethod(),
                StatusRequest.getDefaultInstance(),
                CriCalls.SHORT,
                "the runtime");
    }

    /** How it makes cgroups, and wants those of pods to be called; empty if it does not tell. */
    public CompletableFuture<Optional<CgroupDriver>> cgroupDriver() {
        return calls.call(
                        RuntimeServiceGrpc.getRuntimeConfigMethod(),
                        RuntimeConfigRequest.getDefaultInstance(),
                        CriCalls.SHORT,
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
        return cgroups.apply(
                        config.getLinux().getCgroupParent(), config.getLinux().getResources())
                .thenCompose(done ->
                        calls.call(RuntimeServiceGrpc.getRunPodSandboxMethod(), request, CriCalls.LONG, podOf(config)))
                .thenApply(RunPodSandboxResponse::getPodSandboxId);
    }

    /** Kills what still runs in it and frees its network; nothing happens if it is stopped or gone. */
    public CompletableFuture<?> stopSandbox(String id) {
        return calls.call(
                RuntimeServiceGrpc.getStopPodSandboxMethod(),
                StopPodSandboxRequest.newBuilder().setPodSandboxId(id).build(),
                CriCalls.LONG,
                "sandbox " + id);
    }

    /** Removes it with its containers; nothing happens if it is gone. */
    public CompletableFuture<?> removeSandbox(String id) {
        return calls.call(
                RuntimeServiceGrpc.getRemovePodSandboxMethod(),
                RemovePodSandboxRequest.newBuilder().setPodSandboxId(id).build(),
                CriCalls.LONG,
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
        return calls.call(RuntimeServiceGrpc.getCreateContainerMethod(), request, CriCalls.LONG, object)
                .thenApply(CreateContainerResponse::getContainerId);
    }

    public CompletableFuture<?> startContainer(String id) {
        return calls.call(
                RuntimeServiceGrpc.getStartContainerMethod(),
                StartContainerRequest.newBuilder().setContainerId(id).build(),
                CriCalls.LONG,
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
        return calls.call(
                RuntimeServiceGrpc.getStopContainerMethod(),
                request,
                CriCalls.SHORT.plusSeconds(timeoutSeconds),
                "container " + id);
    }

    /** What is in force for a container; empty if the runtime does not tell. */
    public CompletableFuture<Optional<LinuxContainerResources>> resources(String id) {
        return status(id)
                .thenApply(status -> status.getResources().hasLinux()
                        ? Optional.of(status.getResources().getLinux())
                        : Optional.empty());
    }

    /** Whom a container's process begins as; empty if the runtime does not tell. */
    public CompletableFuture<Optional<ObservedContainer.User>> user(String id) {
        return status(id).thenApply(ObservedContainer::user);
    }

    private CompletableFuture<ContainerStatus> status(String id) {
        ContainerStatusRequest request =
                ContainerStatusRequest.newBuilder().setContainerId(id).build();
        return calls.call(RuntimeServiceGrpc.getContainerStatusMethod(), request, CriCalls.SHORT, "container " + id)
                .thenApply(ContainerStatusResponse::getStatus);
    }

    /** Changes what a running container may have. */
    public CompletableFuture<?> updateContainer(String id, LinuxContainerResources resources) {
        return calls.call(
                RuntimeServiceGrpc.getUpdateContainerResourcesMethod(),
                UpdateContainerResourcesRequest.newBuilder()
                        .setContainerId(id)
                        .setLinux(resources)
                        .build(),
                CriCalls.SHORT,
                "container " + id);
    }

    /** Changes what a pod as a whole may have; a runtime that leaves that to others need not know. */
    public CompletableFuture<?> updateSandbox(String id, String cgroupParent, LinuxContainerResources resources) {
        UpdatePodSandboxResourcesRequest request = UpdatePodSandboxResourcesRequest.newBuilder()
                .setPodSandboxId(id)
                .setResources(resources)
                .build();
        return cgroups.apply(cgroupParent, resources)
                .thenCompose(done -> CriCalls.unless(
                        CriException::isUnimplemented,
                        calls.call(
                                RuntimeServiceGrpc.getUpdatePodSandboxResourcesMethod(),
                                request,
                                CriCalls.SHORT,
                                "sandbox " + id)));
    }

    /** Memory in use by a container, in bytes; empty if the runtime does not tell. */
    public CompletableFuture<OptionalLong> memoryUsage(String id) {
        ContainerStatsRequest request =
                ContainerStatsRequest.newBuilder().setContainerId(id).build();
        return calls.call(RuntimeServiceGrpc.getContainerStatsMethod(), request, CriCalls.SHORT, "container " + id)
                .thenApply(response -> {
                    MemoryUsage memory = response.getStats().getMemory();
                    return memory.hasUsageBytes()
                            ? OptionalLong.of(memory.getUsageBytes().getValue())
                            : OptionalLong.empty();
                });
    }

    /** What a container has written into its root file system, in bytes on disk; empty if the runtime does not tell. */
    public CompletableFuture<OptionalLong> writableBytes(String id) {
        ContainerStatsRequest request =
                ContainerStatsRequest.newBuilder().setContainerId(id).build();
        return calls.call(RuntimeServiceGrpc.getContainerStatsMethod(), request, CriCalls.SHORT, "container " + id)
                .thenApply(response -> {
                    FilesystemUsage layer = response.getStats().getWritableLayer();
                    return layer.hasUsedBytes()
                            ? OptionalLong.of(layer.getUsedBytes().getValue())
                            : OptionalLong.empty();
                });
    }

    /**
     * Runs a command in a container; cancelling ends it.
     *
     * @param timeout after which the runtime kills it; zero for none. CRI knows whole seconds: a part of one is kept by giving up
     *     the call, which has the runtime kill it too
     */
    public CompletableFuture<ExecSyncResponse> execSync(String id, List<String> command, Duration timeout) {
        ExecSyncRequest request = ExecSyncRequest.newBuilder()
                .setContainerId(id)
                .addAllCmd(command)
                .setTimeout(timeout.plusMillis(999).toSeconds())
                .build();
        // In whole seconds the runtime's own deadline comes first; ours is for a runtime that does not answer.
        boolean whole = timeout.toMillis() % 1000 == 0;
        Duration deadline = timeout.isZero() || !whole ? timeout : timeout.plus(EXEC_MARGIN);
        return calls.call(RuntimeServiceGrpc.getExecSyncMethod(), request, deadline, "container " + id);
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
        return calls.call(RuntimeServiceGrpc.getExecMethod(), request, CriCalls.SHORT, "container " + id)
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
        return calls.call(RuntimeServiceGrpc.getAttachMethod(), request, CriCalls.SHORT, "container " + id)
                .thenApply(AttachResponse::getUrl);
    }

    /** The URL at which connections to a pod's port are served, once and soon. */
    public CompletableFuture<String> portForward(String sandboxId, int port) {
        PortForwardRequest request = PortForwardRequest.newBuilder()
                .setPodSandboxId(sandboxId)
                .addPort(port)
                .build();
        return calls.call(RuntimeServiceGrpc.getPortForwardMethod(), request, CriCalls.SHORT, "sandbox " + sandboxId)
                .thenApply(PortForwardResponse::getUrl);
    }

    /** Has a running container's log begun anew at its path. */
    public CompletableFuture<?> reopenLog(String id) {
        return calls.call(
                RuntimeServiceGrpc.getReopenContainerLogMethod(),
                ReopenContainerLogRequest.newBuilder().setContainerId(id).build(),
                CriCalls.SHORT,
                "container " + id);
    }

    public CompletableFuture<?> removeContainer(String id) {
        return calls.call(
                RuntimeServiceGrpc.getRemoveContainerMethod(),
                RemoveContainerRequest.newBuilder().setContainerId(id).build(),
                CriCalls.SHORT,
                "container " + id);
    }

    /** All sandboxes that carry a pod's labels. */
    public CompletableFuture<List<PodSandbox>> sandboxes() {
        return calls.call(
                        RuntimeServiceGrpc.getListPodSandboxMethod(),
                        ListPodSandboxRequest.getDefaultInstance(),
                        CriCalls.SHORT,
                        "the runtime")
                .thenApply(response -> response.getItemsList().stream()
                        .filter(sandbox -> sandbox.containsLabels(Labels.POD_UID))
                        .toList());
    }

    /** What there is of each pod, by uid, as a text that changes with the state of any of its containers or sandboxes. */
    CompletableFuture<Map<String, String>> podStates() {
        return calls.call(
                        RuntimeServiceGrpc.getListContainersMethod(),
                        ListContainersRequest.getDefaultInstance(),
                        CriCalls.SHORT,
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
        return calls.call(RuntimeServiceGrpc.getListContainersMethod(), containers, CriCalls.SHORT, object)
                .thenCompose(found -> CriCalls.all(found.getContainersList().stream()
                        .map(container -> observe(container, before))
                        .toList()))
                .thenCompose(runs -> calls.call(
                                RuntimeServiceGrpc.getListPodSandboxMethod(), sandboxes, CriCalls.SHORT, object)
                        .thenCompose(found -> CriCalls.all(
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
        return CriCalls.unless(
                CriException::isNotFound,
                status(container.getId()).thenApply(status -> ObservedContainer.of(container, status)));
    }

    private CompletableFuture<Optional<ObservedSandbox>> observe(PodSandbox sandbox) {
        if (sandbox.getState() != PodSandboxState.SANDBOX_READY) {
            return CompletableFuture.completedFuture(Optional.of(ObservedSandbox.dead(sandbox)));
        }
        PodSandboxStatusRequest request = PodSandboxStatusRequest.newBuilder()
                .setPodSandboxId(sandbox.getId())
                .build();
        return CriCalls.unless(
                CriException::isNotFound,
                calls.call(
                                RuntimeServiceGrpc.getPodSandboxStatusMethod(),
                                request,
                                CriCalls.SHORT,
                                "sandbox " + sandbox.getId())
                        .thenApply(response -> ObservedSandbox.of(sandbox, response.getStatus())));
    }

    /**
     * Receives the runtime's container events until the stream ends.
     *
     * @param onEnd hears why it ended; never after {@code close}
     * @return closing it cancels the stream
     */
    public AutoCloseable events(Consumer<ContainerEventResponse> onEvent, Consumer<CriException> onEnd) {
        return calls.stream(
                RuntimeServiceGrpc.getGetContainerEventsMethod(),
                GetEventsRequest.getDefaultInstance(),
                onEvent,
                onEnd);
    }

    private static String podOf(PodSandboxConfig config) {
        return config.getMetadata().getNamespace() + "/" + config.getMetadata().getName();
    }

    private static <T> List<T> present(List<Optional<T>> all) {
        return all.stream().flatMap(Optional::stream).toList();
    }
}
