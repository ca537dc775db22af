package dev.gantry.runtime;

import dev.gantry.cri.v1.ContainerResources;
import dev.gantry.cri.v1.ContainerState;
import dev.gantry.cri.v1.ContainerStatus;
import dev.gantry.cri.v1.ContainerUser;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.LinuxContainerUser;
import dev.gantry.cri.v1.LinuxPodSandboxStatus;
import dev.gantry.cri.v1.Namespace;
import dev.gantry.cri.v1.PodIP;
import dev.gantry.cri.v1.PodSandbox;
import dev.gantry.cri.v1.PodSandboxNetworkStatus;
import dev.gantry.cri.v1.PodSandboxState;
import dev.gantry.cri.v1.PodSandboxStatus;
import dev.gantry.runtime.ContainerPhase.Exited;
import dev.gantry.runtime.ContainerPhase.Running;
import dev.gantry.runtime.spec.StopSignals;
import java.time.Instant;
import java.util.List;

/** Our objects as CRI shows them. */
final class CriView {
    private CriView() {}

    static PodSandboxState state(Sandbox sandbox) {
        return sandbox.isReady() ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY;
    }

    static ContainerState state(Container container) {
        ContainerPhase phase = container.phase();
        return phase instanceof Running
                ? ContainerState.CONTAINER_RUNNING
                : phase instanceof Exited ? ContainerState.CONTAINER_EXITED : ContainerState.CONTAINER_CREATED;
    }

    static PodSandbox item(Sandbox sandbox) {
        return PodSandbox.newBuilder()
                .setId(sandbox.id())
                .setMetadata(sandbox.config().getMetadata())
                .setState(state(sandbox))
                .setCreatedAt(Times.nanos(sandbox.record().createdAt()))
                .putAllLabels(sandbox.config().getLabelsMap())
                .putAllAnnotations(sandbox.config().getAnnotationsMap())
                .setRuntimeHandler(sandbox.record().handler())
                .build();
    }

    static PodSandboxStatus status(Sandbox sandbox) {
        return PodSandboxStatus.newBuilder()
                .setId(sandbox.id())
                .setMetadata(sandbox.config().getMetadata())
                .setState(state(sandbox))
                .setCreatedAt(Times.nanos(sandbox.record().createdAt()))
                .setNetwork(network(sandbox))
                .setLinux(LinuxPodSandboxStatus.newBuilder()
                        .setNamespaces(Namespace.newBuilder()
                                .setOptions(sandbox.config()
                                        .getLinux()
                                        .getSecurityContext()
                                        .getNamespaceOptions())))
                .putAllLabels(sandbox.config().getLabelsMap())
                .putAllAnnotations(sandbox.config().getAnnotationsMap())
                .setRuntimeHandler(sandbox.record().handler())
                .build();
    }

    private static PodSandboxNetworkStatus network(Sandbox sandbox) {
        PodSandboxNetworkStatus.Builder network = PodSandboxNetworkStatus.newBuilder();
        List<String> ips = sandbox.record().ips();
        if (!ips.isEmpty() && sandbox.isReady()) {
            network.setIp(ips.get(0));
            ips.stream()
                    .skip(1)
                    .forEach(ip -> network.addAdditionalIps(PodIP.newBuilder().setIp(ip)));
        }
        return network.build();
    }

    static dev.gantry.cri.v1.Container item(Container container) {
        return dev.gantry.cri.v1.Container.newBuilder()
                .setId(container.id())
                .setPodSandboxId(container.sandboxId())
                .setMetadata(container.config().getMetadata())
                .setImage(container.config().getImage())
                .setImageRef(container.record().imageId())
                .setImageId(container.record().imageId())
                .setState(state(container))
                .setCreatedAt(Times.nanos(container.record().createdAt()))
                .putAllLabels(container.config().getLabelsMap())
                .putAllAnnotations(container.config().getAnnotationsMap())
                .build();
    }

    static ContainerStatus status(Container container) {
        ContainerRecord record = container.record();
        ContainerStatus.Builder status = ContainerStatus.newBuilder()
                .setId(container.id())
                .setMetadata(container.config().getMetadata())
                .setState(state(container))
                .setCreatedAt(Times.nanos(record.createdAt()))
                .setImage(image(container))
                .setImageRef(record.imageRef())
                .setImageId(record.imageId())
                .putAllLabels(container.config().getLabelsMap())
                .putAllAnnotations(container.config().getAnnotationsMap())
                .addAllMounts(container.config().getMountsList())
                .setResources(ContainerResources.newBuilder().setLinux(record.resources()))
                .setUser(user(record))
                .setStopSignal(StopSignals.of(record.stopSignal()));
        container.logPath().ifPresent(path -> status.setLogPath(path.toString()));
        if (record.phase() instanceof Running running) {
            status.setStartedAt(Times.nanos(running.startedAt()));
        } else if (record.phase() instanceof Exited exited) {
            status.setStartedAt(exited.startedAt().equals(Instant.EPOCH) ? 0 : Times.nanos(exited.startedAt()))
                    .setFinishedAt(Times.nanos(exited.finishedAt()))
                    .setExitCode(exited.exitCode())
                    .setReason(exited.reason())
                    .setMessage(exited.message());
        }
        return status.build();
    }

    /** Kubelets make containers by the id of the image, and show people the name that stands here. */
    private static ImageSpec image(Container container) {
        ImageSpec asked = container.config().getImage();
        String tag = container.record().imageTag();
        return tag.isEmpty() ? asked : asked.toBuilder().setImage(tag).build();
    }

    private static ContainerUser user(ContainerRecord record) {
        LinuxContainerUser.Builder user = LinuxContainerUser.newBuilder()
                .setUid(record.context().user().uid())
                .setGid(record.context().user().gid());
        record.context().user().groups().forEach(user::addSupplementalGroups);
        return ContainerUser.newBuilder().setLinux(user).build();
    }
}
