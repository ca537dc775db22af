package dev.gantry.bench;

import dev.gantry.cri.v1.Capability;
import dev.gantry.cri.v1.ContainerConfig;
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
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.NamespaceOption;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxMetadata;
import dev.gantry.cri.v1.RemovePodSandboxRequest;
import dev.gantry.cri.v1.RunPodSandboxRequest;
import dev.gantry.cri.v1.SecurityProfile;
import dev.gantry.cri.v1.StartContainerRequest;
import dev.gantry.cri.v1.StopContainerRequest;
import dev.gantry.cri.v1.StopPodSandboxRequest;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;

/** One pod with one container, asked for as the kubelet would. */
final class BenchPod {
    static final String IMAGE = "localhost/gantry-demo:1";

    /** A container that ends at once on SIGTERM. */
    static final List<String> OBEDIENT =
            List.of("/bin/sh", "-c", "trap 'exit 0' TERM; echo started; sleep 1000000 & wait");

    private static final List<String> MASKED = List.of(
            "/proc/asound",
            "/proc/acpi",
            "/proc/kcore",
            "/proc/keys",
            "/proc/latency_stats",
            "/proc/timer_list",
            "/proc/timer_stats",
            "/proc/sched_debug",
            "/proc/scsi",
            "/sys/firmware",
            "/sys/devices/virtual/powercap");
    private static final List<String> READ_ONLY =
            List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

    private final Peer peer;
    private final String sandbox;
    private final String container;
    private final StartTimes times;

    private BenchPod(Peer peer, String sandbox, String container, StartTimes times) {
        this.peer = peer;
        this.sandbox = sandbox;
        this.container = container;
        this.times = times;
    }

    /** What each call of a start took, in milliseconds. */
    record StartTimes(double sandbox, double create, double start) {
        double total() {
            return sandbox + create + start;
        }
    }

    /** Starts the pod: sandbox, network and container. */
    static BenchPod start(Peer peer, List<String> command, Mount... mounts) {
        String uid = UUID.randomUUID().toString();
        NamespaceOption namespaces = NamespaceOption.newBuilder()
                .setNetwork(NamespaceMode.POD)
                .setPid(NamespaceMode.CONTAINER)
                .setIpc(NamespaceMode.POD)
                .build();
        SecurityProfile seccomp = SecurityProfile.newBuilder()
                .setProfileType(SecurityProfile.ProfileType.RuntimeDefault)
                .build();
        Path logs = peer.logs().resolve("bench_pod_" + uid);
        PodSandboxConfig config = PodSandboxConfig.newBuilder()
                .setMetadata(PodSandboxMetadata.newBuilder()
                        .setName("pod")
                        .setNamespace("bench")
                        .setUid(uid))
                .setHostname("pod")
                .setLogDirectory(logs.toString())
                .setLinux(LinuxPodSandboxConfig.newBuilder()
                        .setCgroupParent("/kubepods/besteffort/pod" + uid)
                        .setSecurityContext(LinuxSandboxSecurityContext.newBuilder()
                                .setNamespaceOptions(namespaces)
                                .setSeccomp(seccomp)))
                .build();
        long begin = System.nanoTime();
        String sandbox = peer.runtime()
                .runPodSandbox(RunPodSandboxRequest.newBuilder()
                        .setConfig(config)
                        .setRuntimeHandler(peer.handler())
                        .build())
                .getPodSandboxId();
        long sandboxRuns = System.nanoTime();
        ContainerConfig.Builder container = ContainerConfig.newBuilder()
                .setMetadata(ContainerMetadata.newBuilder().setName("main"))
                .setImage(ImageSpec.newBuilder().setImage(IMAGE))
                .addAllCommand(command)
                .setLogPath("main/0.log")
                .setLinux(LinuxContainerConfig.newBuilder()
                        .setSecurityContext(LinuxContainerSecurityContext.newBuilder()
                                .setNamespaceOptions(namespaces)
                                .setSeccomp(seccomp)
                                .setCapabilities(Capability.newBuilder())
                                .addAllMaskedPaths(MASKED)
                                .addAllReadonlyPaths(READ_ONLY)));
        for (Mount mount : mounts) {
            container.addMounts(mount);
        }
        String id = peer.runtime()
                .createContainer(CreateContainerRequest.newBuilder()
                        .setPodSandboxId(sandbox)
                        .setConfig(container)
                        .setSandboxConfig(config)
                        .build())
                .getContainerId();
        long created = System.nanoTime();
        peer.runtime()
                .startContainer(
                        StartContainerRequest.newBuilder().setContainerId(id).build());
        long started = System.nanoTime();
        return new BenchPod(
                peer,
                sandbox,
                id,
                new StartTimes((sandboxRuns - begin) / 1e6, (created - sandboxRuns) / 1e6, (started - created) / 1e6));
    }

    StartTimes startTimes() {
        return times;
    }

    /** Stops and removes everything, giving the container ten seconds. */
    void remove() {
        peer.runtime()
                .stopContainer(StopContainerRequest.newBuilder()
                        .setContainerId(container)
                        .setTimeout(10)
                        .build());
        peer.runtime()
                .stopPodSandbox(StopPodSandboxRequest.newBuilder()
                        .setPodSandboxId(sandbox)
                        .build());
        peer.runtime()
                .removePodSandbox(RemovePodSandboxRequest.newBuilder()
                        .setPodSandboxId(sandbox)
                        .build());
    }

    /** Runs a command in the container and waits for its end. */
    void exec(String... command) {
        ExecSyncResponse response = peer.runtime()
                .execSync(ExecSyncRequest.newBuilder()
                        .setContainerId(container)
                        .addAllCmd(List.of(command))
                        .setTimeout(10)
                        .build());
        if (response.getExitCode() != 0) {
            throw new IllegalStateException("%s: exec of %s: exit code %d, %s"
                    .formatted(
                            peer.name(),
                            List.of(command),
                            response.getExitCode(),
                            response.getStderr().toStringUtf8()));
        }
    }

    ContainerStatus status() {
        return peer.runtime()
                .containerStatus(ContainerStatusRequest.newBuilder()
                        .setContainerId(container)
                        .build())
                .getStatus();
    }

    /** Waits until the container has ended, looking every 5 ms. */
    ContainerStatus awaitExit() throws InterruptedException {
        while (true) {
            ContainerStatus status = status();
            if (status.getState() == ContainerState.CONTAINER_EXITED) {
                return status;
            }
            Thread.sleep(5);
        }
    }
}
