package dev.gantry.runtime;

import dev.gantry.cgroups.Cgroup;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerMetadata;
import dev.gantry.cri.v1.ContainerState;
import dev.gantry.cri.v1.ContainerStatus;
import dev.gantry.cri.v1.ContainerStatusRequest;
import dev.gantry.cri.v1.CreateContainerRequest;
import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.cri.v1.GetEventsRequest;
import dev.gantry.cri.v1.ImageServiceGrpc;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.LinuxContainerConfig;
import dev.gantry.cri.v1.LinuxContainerSecurityContext;
import dev.gantry.cri.v1.LinuxPodSandboxConfig;
import dev.gantry.cri.v1.LinuxSandboxSecurityContext;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.NamespaceOption;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxMetadata;
import dev.gantry.cri.v1.RemovePodSandboxRequest;
import dev.gantry.cri.v1.RunPodSandboxRequest;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.cri.v1.StartContainerRequest;
import dev.gantry.cri.v1.StopContainerRequest;
import dev.gantry.cri.v1.StopPodSandboxRequest;
import dev.gantry.netns.NetworkNames;
import dev.gantry.testing.OciImages;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** A runtime below a temporary directory, and the few steps that every test of it needs. */
final class RuntimeFixture implements AutoCloseable {
    static final String IMAGE = "example.test/busybox:1";

    private final Path directory;
    private final NativeRuntimeConfig config;
    private final ConcurrentLinkedQueue<String> uids = new ConcurrentLinkedQueue<>();
    private NativeRuntime runtime;

    RuntimeFixture(Path directory) throws Exception {
        this(directory, config -> config);
    }

    RuntimeFixture(Path directory, UnaryOperator<NativeRuntimeConfig> change) throws Exception {
        this.directory = directory;
        Path archives = Files.createDirectories(directory.resolve("archives"));
        OciImages.image(IMAGE)
                .busybox()
                .file("/etc/passwd", """
                        root:x:0:0:root:/root:/bin/sh
                        web:x:1000:1001:web:/home/web:/bin/sh
                        """)
                .file("/etc/group", "root:x:0:\nweb:x:1001:\nlogs:x:4000:web\n")
                .cmd("sh")
                .writeArchive(archives.resolve("busybox.tar"));
        this.config = change.apply(NativeRuntimeConfig.under(directory.resolve("root")));
        this.runtime = NativeRuntime.open(config);
        runtime.images().load(archives.resolve("busybox.tar"));
    }

    private RuntimeFixture(Path directory, NativeRuntime runtime) {
        this.directory = directory;
        this.config = NativeRuntimeConfig.under(directory.resolve("root"));
        this.runtime = runtime;
    }

    /** The same steps on a runtime that somebody else opens and closes. */
    static RuntimeFixture around(Path directory, NativeRuntime runtime) {
        return new RuntimeFixture(directory, runtime);
    }

    NativeRuntime runtime() {
        return runtime;
    }

    NativeRuntimeConfig config() {
        return config;
    }

    /** As after a crash: what ran goes on, and is found again. */
    void reopen() throws IOException {
        runtime.close();
        runtime = NativeRuntime.open(config);
    }

    /** The first process of a pause that was made ahead of its pod; it is made in the background. */
    ProcessHandle awaitSpare() {
        String sandboxes = config.run().resolve("sandboxes").toString();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (System.nanoTime() < deadline) {
            Optional<ProcessHandle> spare = ProcessHandle.current()
                    .children()
                    .filter(child -> {
                        String command = child.info().commandLine().orElse("");
                        return command.contains(sandboxes)
                                && !Files.exists(Path.of(command.substring(command.indexOf(sandboxes))));
                    })
                    .findAny();
            if (spare.isPresent()) {
                return spare.get();
            }
            Thread.onSpinWait();
        }
        throw new AssertionError("no first process was made ahead");
    }

    RuntimeServiceGrpc.RuntimeServiceBlockingStub cri() {
        return RuntimeServiceGrpc.newBlockingStub(runtime.channel()).withDeadlineAfter(60, TimeUnit.SECONDS);
    }

    ImageServiceGrpc.ImageServiceBlockingStub images() {
        return ImageServiceGrpc.newBlockingStub(runtime.channel()).withDeadlineAfter(60, TimeUnit.SECONDS);
    }

    PodSandboxConfig pod(String name) {
        return pod(name, pod -> pod);
    }

    PodSandboxConfig pod(String name, UnaryOperator<PodSandboxConfig.Builder> change) {
        String uid = "uid-" + name + "-" + uids.size();
        uids.add(uid);
        PodSandboxConfig.Builder pod = PodSandboxConfig.newBuilder()
                .setMetadata(PodSandboxMetadata.newBuilder()
                        .setName(name)
                        .setNamespace("default")
                        .setUid(uid))
                .setHostname(name)
                .setLogDirectory(directory.resolve("logs").resolve(name).toString())
                .setLinux(LinuxPodSandboxConfig.newBuilder()
                        .setCgroupParent("/kubepods/besteffort/pod" + uid)
                        .setSecurityContext(LinuxSandboxSecurityContext.newBuilder()
                                .setNamespaceOptions(
                                        NamespaceOption.newBuilder().setPid(NamespaceMode.CONTAINER))));
        return change.apply(pod).build();
    }

    static PodSandboxConfig.Builder hostNetwork(PodSandboxConfig.Builder pod) {
        pod.getLinuxBuilder()
                .getSecurityContextBuilder()
                .getNamespaceOptionsBuilder()
                .setNetwork(NamespaceMode.NODE);
        return pod;
    }

    String run(PodSandboxConfig pod) {
        return cri().runPodSandbox(
                        RunPodSandboxRequest.newBuilder().setConfig(pod).build())
                .getPodSandboxId();
    }

    static ContainerConfig container(PodSandboxConfig pod, String name, String... command) {
        return container(pod, name, List.of(command)).build();
    }

    static ContainerConfig.Builder container(PodSandboxConfig pod, String name, List<String> command) {
        return ContainerConfig.newBuilder()
                .setMetadata(ContainerMetadata.newBuilder().setName(name))
                .setImage(ImageSpec.newBuilder().setImage(IMAGE))
                .addAllCommand(command)
                .setLogPath(name + ".log")
                .setLinux(LinuxContainerConfig.newBuilder()
                        .setSecurityContext(LinuxContainerSecurityContext.newBuilder()
                                .setNamespaceOptions(
                                        pod.getLinux().getSecurityContext().getNamespaceOptions())));
    }

    String create(String sandbox, PodSandboxConfig pod, ContainerConfig container) {
        return cri().createContainer(CreateContainerRequest.newBuilder()
                        .setPodSandboxId(sandbox)
                        .setConfig(container)
                        .setSandboxConfig(pod)
                        .build())
                .getContainerId();
    }

    void start(String container) {
        cri().startContainer(StartContainerRequest.newBuilder()
                .setContainerId(container)
                .build());
    }

    String startNew(String sandbox, PodSandboxConfig pod, ContainerConfig container) {
        String id = create(sandbox, pod, container);
        start(id);
        return id;
    }

    void stop(String container, int seconds) {
        cri().stopContainer(StopContainerRequest.newBuilder()
                .setContainerId(container)
                .setTimeout(seconds)
                .build());
    }

    void removePod(String sandbox) {
        cri().stopPodSandbox(StopPodSandboxRequest.newBuilder()
                .setPodSandboxId(sandbox)
                .build());
        cri().removePodSandbox(RemovePodSandboxRequest.newBuilder()
                .setPodSandboxId(sandbox)
                .build());
    }

    ContainerStatus status(String container) {
        return cri().containerStatus(ContainerStatusRequest.newBuilder()
                        .setContainerId(container)
                        .build())
                .getStatus();
    }

    ExecSyncResponse exec(String container, String... command) {
        return cri().execSync(ExecSyncRequest.newBuilder()
                .setContainerId(container)
                .addAllCmd(List.of(command))
                .setTimeout(30)
                .build());
    }

    String shell(String container, String script) {
        ExecSyncResponse response = exec(container, "/bin/sh", "-c", script);
        return response.getStdout().toStringUtf8() + response.getStderr().toStringUtf8();
    }

    /** Waits, by the runtime's own events, until the container has exited. */
    ContainerStatus awaitExit(String container) throws InterruptedException {
        java.util.concurrent.CountDownLatch changed = new java.util.concurrent.CountDownLatch(1);
        RuntimeServiceGrpc.newStub(runtime.channel())
                .getContainerEvents(GetEventsRequest.getDefaultInstance(), new StreamObserver<>() {
                    @Override
                    public void onNext(dev.gantry.cri.v1.ContainerEventResponse event) {
                        if (event.getContainerId().equals(container)
                                && event.getContainersStatusesList().stream()
                                        .anyMatch(s -> s.getId().equals(container)
                                                && s.getState() == ContainerState.CONTAINER_EXITED)) {
                            changed.countDown();
                        }
                    }

                    @Override
                    public void onError(Throwable failure) {
                        changed.countDown();
                    }

                    @Override
                    public void onCompleted() {
                        changed.countDown();
                    }
                });
        if (status(container).getState() != ContainerState.CONTAINER_EXITED && !changed.await(30, TimeUnit.SECONDS)) {
            throw new AssertionError("container did not exit: " + status(container));
        }
        return status(container);
    }

    List<String> log(PodSandboxConfig pod, String container) throws IOException {
        List<String> lines = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(pod.getLogDirectory(), container + ".log"))) {
            lines.add(line.split(" ", 4)[3]);
        }
        return lines;
    }

    @Override
    public void close() {
        try {
            for (var sandbox : cri().listPodSandbox(dev.gantry.cri.v1.ListPodSandboxRequest.getDefaultInstance())
                    .getItemsList()) {
                removePod(sandbox.getId());
            }
        } finally {
            Cgroup subtree = runtime.cgroups().root();
            runtime.close();
            removeHostSide();
            removeCgroups(subtree);
        }
    }

    /** A root that is thrown away leaves its bridge and table, which a real one keeps for the next start. */
    private void removeHostSide() {
        NetworkNames names = NetworkNames.forRoot(config.root(), Path.of("/var/lib/gantry"));
        run("ip", "link", "delete", names.bridge());
        run("nft", "delete", "table", "inet", names.table());
    }

    private static void removeCgroups(Cgroup subtree) {
        try {
            subtree.removeRecursively(Duration.ofSeconds(10));
        } catch (IOException e) {
            throw new AssertionError("processes were left in " + subtree.path(), e);
        }
    }

    private static void run(String... command) {
        try {
            new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (IOException e) {
            // The tool is not installed: then the test that needs it was skipped.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
