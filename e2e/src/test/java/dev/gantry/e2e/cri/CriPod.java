package dev.gantry.e2e.cri;

import dev.gantry.cri.v1.Container;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerFilter;
import dev.gantry.cri.v1.ContainerMetadata;
import dev.gantry.cri.v1.ContainerState;
import dev.gantry.cri.v1.ContainerStatus;
import dev.gantry.cri.v1.ContainerStatusRequest;
import dev.gantry.cri.v1.CreateContainerRequest;
import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.LinuxContainerConfig;
import dev.gantry.cri.v1.LinuxContainerSecurityContext;
import dev.gantry.cri.v1.LinuxPodSandboxConfig;
import dev.gantry.cri.v1.LinuxSandboxSecurityContext;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.NamespaceOption;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxMetadata;
import dev.gantry.cri.v1.PodSandboxStatus;
import dev.gantry.cri.v1.PodSandboxStatusRequest;
import dev.gantry.cri.v1.RemoveContainerRequest;
import dev.gantry.cri.v1.RemovePodSandboxRequest;
import dev.gantry.cri.v1.RunPodSandboxRequest;
import dev.gantry.cri.v1.StartContainerRequest;
import dev.gantry.cri.v1.StopContainerRequest;
import dev.gantry.cri.v1.StopPodSandboxRequest;
import dev.gantry.e2e.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;

/** A pod of a test, asked for as a kubelet would; closing it removes it. */
final class CriPod implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final CriServer cri;
    private final PodSandboxConfig config;
    private final String id;

    private CriPod(CriServer cri, PodSandboxConfig config, String id) {
        this.cri = cri;
        this.config = config;
        this.id = id;
    }

    static CriPod run(CriServer cri) {
        return run(cri, config -> {});
    }

    static CriPod run(CriServer cri, Consumer<PodSandboxConfig.Builder> change) {
        PodSandboxConfig.Builder config = config(cri);
        change.accept(config);
        return run(cri, config.build());
    }

    static CriPod run(CriServer cri, PodSandboxConfig config) {
        String id = cri.runtime()
                .runPodSandbox(
                        RunPodSandboxRequest.newBuilder().setConfig(config).build())
                .getPodSandboxId();
        return new CriPod(cri, config, id);
    }

    /** One that runs already. */
    static CriPod of(CriServer cri, PodSandboxConfig config, String id) {
        return new CriPod(cri, config, id);
    }

    /** A pod with its own network, IPC and PIDs of each container. */
    static PodSandboxConfig.Builder config(CriServer cri) {
        String uid = UUID.randomUUID().toString();
        return PodSandboxConfig.newBuilder()
                .setMetadata(PodSandboxMetadata.newBuilder()
                        .setName("pod-" + uid.substring(0, 8))
                        .setNamespace("conformance")
                        .setUid(uid))
                .setHostname("tester")
                .setLogDirectory(cri.directory().resolve("logs").resolve(uid).toString())
                .setLinux(LinuxPodSandboxConfig.newBuilder()
                        .setCgroupParent(cri.cgroupParent(uid))
                        .setSecurityContext(LinuxSandboxSecurityContext.newBuilder()
                                .setNamespaceOptions(
                                        NamespaceOption.newBuilder().setPid(NamespaceMode.CONTAINER))));
    }

    static void hostNetwork(PodSandboxConfig.Builder config) {
        // The host has a name.
        namespaces(config.clearHostname()).setNetwork(NamespaceMode.NODE);
    }

    static NamespaceOption.Builder namespaces(PodSandboxConfig.Builder config) {
        return config.getLinuxBuilder().getSecurityContextBuilder().getNamespaceOptionsBuilder();
    }

    String id() {
        return id;
    }

    PodSandboxConfig config() {
        return config;
    }

    PodSandboxStatus status() {
        return cri.runtime()
                .podSandboxStatus(
                        PodSandboxStatusRequest.newBuilder().setPodSandboxId(id).build())
                .getStatus();
    }

    void stop() {
        var unused = cri.runtime()
                .stopPodSandbox(
                        StopPodSandboxRequest.newBuilder().setPodSandboxId(id).build());
    }

    void remove() {
        var unused = cri.runtime()
                .removePodSandbox(
                        RemovePodSandboxRequest.newBuilder().setPodSandboxId(id).build());
    }

    /** As a kubelet does: CRI-O lets what still runs have all the time that the call may take. */
    @Override
    public void close() {
        ListContainersRequest running = ListContainersRequest.newBuilder()
                .setFilter(ContainerFilter.newBuilder().setPodSandboxId(id))
                .build();
        for (Container container : cri.runtime().listContainers(running).getContainersList()) {
            stop(container.getId(), 0);
        }
        stop();
        remove();
    }

    // ---- containers

    /** Not created yet; its namespaces are the pod's. */
    ContainerConfig.Builder container(String name, String... command) {
        return ContainerConfig.newBuilder()
                .setMetadata(ContainerMetadata.newBuilder().setName(name))
                .setImage(ImageSpec.newBuilder().setImage(cri.image()).setUserSpecifiedImage(cri.image()))
                .addAllCommand(List.of(command))
                .setLogPath(name + ".log")
                .setLinux(LinuxContainerConfig.newBuilder()
                        .setSecurityContext(LinuxContainerSecurityContext.newBuilder()
                                .setNamespaceOptions(
                                        config.getLinux().getSecurityContext().getNamespaceOptions())));
    }

    static LinuxContainerSecurityContext.Builder security(ContainerConfig.Builder container) {
        return container.getLinuxBuilder().getSecurityContextBuilder();
    }

    String create(ContainerConfig.Builder container) {
        return cri.runtime()
                .createContainer(CreateContainerRequest.newBuilder()
                        .setPodSandboxId(id)
                        .setConfig(container)
                        .setSandboxConfig(config)
                        .build())
                .getContainerId();
    }

    void start(String container) {
        var unused = cri.runtime()
                .startContainer(StartContainerRequest.newBuilder()
                        .setContainerId(container)
                        .build());
    }

    String started(ContainerConfig.Builder container) {
        String created = create(container);
        start(created);
        return created;
    }

    /** A running container to look around in. */
    String sleeper(String name) {
        return started(container(name, "sleep", "1000000"));
    }

    /** A running container to look around in, changed before its creation. */
    String sleeper(Consumer<ContainerConfig.Builder> change) {
        ContainerConfig.Builder container = container("main", "sleep", "1000000");
        change.accept(container);
        return started(container);
    }

    void stop(String container, long seconds) {
        var unused = cri.runtime()
                .stopContainer(StopContainerRequest.newBuilder()
                        .setContainerId(container)
                        .setTimeout(seconds)
                        .build());
    }

    void remove(String container) {
        var unused = cri.runtime()
                .removeContainer(RemoveContainerRequest.newBuilder()
                        .setContainerId(container)
                        .build());
    }

    ContainerStatus status(String container) {
        return cri.runtime()
                .containerStatus(ContainerStatusRequest.newBuilder()
                        .setContainerId(container)
                        .build())
                .getStatus();
    }

    ContainerStatus awaitExit(String container) throws InterruptedException {
        Await.until(
                PATIENCE,
                "container to exit",
                () -> status(container).getState() == ContainerState.CONTAINER_EXITED,
                () -> status(container).toString());
        return status(container);
    }

    ExecSyncResponse exec(String container, String... command) {
        return cri.runtime()
                .execSync(ExecSyncRequest.newBuilder()
                        .setContainerId(container)
                        .addAllCmd(List.of(command))
                        .setTimeout(30)
                        .build());
    }

    /** Both outputs of a script, without a newline at the end. */
    String shell(String container, String script) {
        ExecSyncResponse response = exec(container, "sh", "-c", script);
        return (response.getStdout().toStringUtf8() + response.getStderr().toStringUtf8()).stripTrailing();
    }

    /** What a command wrote that is the container's own process: its log, without times and tags. */
    String outputOf(ContainerConfig.Builder container) throws IOException, InterruptedException {
        String created = started(container);
        awaitExit(created);
        return String.join("\n", log(container.getLogPath()));
    }

    List<String> log(String file) throws IOException {
        List<String> lines = new ArrayList<>();
        for (String line : Files.readAllLines(logPath(file))) {
            lines.add(line.split(" ", 4)[3]);
        }
        return lines;
    }

    Path logPath(String file) {
        return Path.of(config.getLogDirectory(), file);
    }

    void awaitLog(String file, String text) throws InterruptedException {
        Await.until(
                PATIENCE,
                "'" + text + "' in the log",
                () -> Files.exists(logPath(file))
                        && Files.readString(logPath(file)).contains(text),
                () -> "");
    }
}
