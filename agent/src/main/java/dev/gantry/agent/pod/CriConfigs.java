package dev.gantry.agent.pod;

import com.google.protobuf.ByteString;
import dev.gantry.agent.cri.Expansion;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.resource.LinuxLimits;
import dev.gantry.agent.resource.PodAmounts;
import dev.gantry.agent.resource.ResizeRules;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerMetadata;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.KeyValue;
import dev.gantry.cri.v1.LinuxContainerConfig;
import dev.gantry.cri.v1.LinuxPodSandboxConfig;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxMetadata;
import dev.gantry.cri.v1.PortMapping;
import dev.gantry.cri.v1.Protocol;
import dev.gantry.cri.v1.Signal;
import dev.gantry.linux.RawName;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** CRI's form of a pod: sandbox and container configurations, by the kubelet's formulas. Pure. */
public final class CriConfigs {
    private final NodeFacts node;
    private final LinuxLimits limits;
    private final PodPaths paths;
    private final PodDns dns;
    private final SecurityContexts security;

    /** What all pods of a node have in common. */
    public CriConfigs(NodeFacts node, PodPaths paths, PodDns dns, SecurityContexts security) {
        this.node = node;
        this.limits = new LinuxLimits(node.resources(), node.policy());
        this.paths = paths;
        this.dns = dns;
        this.security = security;
    }

    /** The limits of pods and containers. */
    LinuxLimits limits() {
        return limits;
    }

    // ---- sandbox

    /**
     * A pod's sandbox.
     *
     * @param attempt 0 for the pod's first
     * @param hostResolvConf content of the host's resolv.conf
     */
    public PodSandboxConfig sandbox(Pod pod, int attempt, String hostResolvConf) {
        var metadata = pod.getMetadata();
        PodSandboxConfig.Builder config = PodSandboxConfig.newBuilder()
                .setMetadata(PodSandboxMetadata.newBuilder()
                        .setName(metadata.getName())
                        .setNamespace(metadata.getNamespace())
                        .setUid(metadata.getUid())
                        .setAttempt(attempt))
                .setLogDirectory(paths.logDirectory(metadata.getNamespace(), metadata.getName(), metadata.getUid())
                        .toString())
                .setDnsConfig(dns.configOf(pod, hostResolvConf));
        if (!hostNetwork(pod)) {
            config.setHostname(hostName(pod).kernel());
            // Init containers that end have none: they would be forwarded to whoever comes after them.
            Stream<Container> sidecars =
                    PodAmounts.initContainers(pod.getSpec()).stream().filter(PodAmounts::isSidecar);
            Stream.concat(sidecars, containers(pod).stream())
                    .flatMap(container -> orEmpty(container.getPorts()).stream())
                    .filter(port -> port.getHostPort() != null && port.getHostPort() > 0)
                    .forEach(port -> config.addPortMappings(portMapping(port)));
        }
        config.putAllLabels(orEmpty(metadata.getLabels()))
                .putLabels(Labels.POD_NAME, metadata.getName())
                .putLabels(Labels.POD_NAMESPACE, metadata.getNamespace())
                .putLabels(Labels.POD_UID, metadata.getUid())
                .putLabels(Labels.MANAGED_BY, Labels.GANTRY)
                .putAllAnnotations(orEmpty(metadata.getAnnotations()));
        return config.setLinux(linuxSandbox(pod)).build();
    }

    private PodHostName hostName(Pod pod) {
        return PodHostName.of(pod, dns.clusterDomain());
    }

    /** Refuses what the kernel would. */
    void checkSandbox(Pod pod) throws StartFailedException {
        Optional<String> objection =
                hostNetwork(pod) ? Optional.empty() : hostName(pod).objection();
        if (objection.isPresent()) {
            throw new StartFailedException("CreatePodSandboxError", objection.get(), null);
        }
    }

    /** What did not fit the pod's resolv.conf, one sentence each. */
    List<String> dnsOmissions(Pod pod, String hostResolvConf) {
        return dns.omissions(pod, hostResolvConf);
    }

    private static PortMapping portMapping(ContainerPort port) {
        return PortMapping.newBuilder()
                .setContainerPort(port.getContainerPort())
                .setHostPort(port.getHostPort())
                .setHostIp(port.getHostIP() == null ? "" : port.getHostIP())
                .setProtocol(port.getProtocol() == null ? Protocol.TCP : Protocol.valueOf(port.getProtocol()))
                .build();
    }

    /** The cgroup that a pod's sandbox and containers are to be in. */
    String cgroupParent(Pod pod) {
        return node.cgroupParent(pod);
    }

    private LinuxPodSandboxConfig linuxSandbox(Pod pod) {
        LinuxPodSandboxConfig.Builder linux = LinuxPodSandboxConfig.newBuilder()
                .setCgroupParent(cgroupParent(pod))
                .setSecurityContext(security.sandbox(pod))
                .setResources(limits.pod(pod));
        orEmpty(SecurityContexts.ofPod(pod).getSysctls())
                .forEach(sysctl -> linux.putSysctls(sysctl.getName().replace('/', '.'), sysctl.getValue()));
        return linux.build();
    }

    // ---- container

    /**
     * One run of a container.
     *
     * @param restartCount 0 for the first run
     * @param image that it is made from
     * @param backoff to be recorded on it, for its successor
     * @param prepared what was made for this run before
     */
    public ContainerConfig container(
            Pod pod,
            Container container,
            int restartCount,
            ImageState.Present image,
            Duration backoff,
            Prepared prepared) {
        String name = container.getName();
        Map<String, String> environment = prepared.environment().variables();
        ContainerConfig.Builder config = ContainerConfig.newBuilder()
                .setMetadata(ContainerMetadata.newBuilder().setName(name).setAttempt(restartCount))
                .setImage(
                        ImageSpec.newBuilder().setImage(image.reference()).setUserSpecifiedImage(container.getImage()))
                .setWorkingDir(container.getWorkingDir() == null ? "" : container.getWorkingDir())
                .setLogPath(name + "/" + restartCount + ".log")
                .setStdin(Boolean.TRUE.equals(container.getStdin()))
                .setStdinOnce(Boolean.TRUE.equals(container.getStdinOnce()))
                .setTty(Boolean.TRUE.equals(container.getTty()))
                .setStopSignal(stopSignal(container))
                .addAllMounts(mapped(pod, prepared.mounts()))
                .setLinux(LinuxContainerConfig.newBuilder()
                        .setResources(limits.container(pod, container))
                        .setSecurityContext(security.container(pod, container, image)));
        orEmpty(container.getCommand()).forEach(word -> config.addCommand(Expansion.expand(word, environment)));
        orEmpty(container.getArgs()).forEach(word -> config.addArgs(Expansion.expand(word, environment)));
        environment.forEach((key, value) ->
                config.addEnvs(KeyValue.newBuilder().setKey(key).setValue(ByteString.copyFrom(RawName.encode(value)))));
        labels(pod, container, restartCount, backoff, config);
        MountStatuses.record(prepared.mounts(), config);
        return config.build();
    }

    /** KEP-4960; without one the image's is sent. CRI has its own spelling of real-time signals. */
    private static Signal stopSignal(Container container) {
        String name = container.getLifecycle() == null
                ? null
                : container.getLifecycle().getStopSignal();
        return name == null || name.isEmpty()
                ? Signal.SIGNAL_RUNTIME_DEFAULT
                : Signal.valueOf("SIGNAL_" + name.replace("+", "PLUS").replace("-", "MINUS"));
    }

    /** What a pod with users of its own mounts belongs to its users of the same numbers. */
    private List<Mount> mapped(Pod pod, List<Mount> mounts) {
        return security.userMappings(pod)
                .map(mapping -> mounts.stream()
                        .map(mount -> mount.toBuilder()
                                .addUidMappings(mapping)
                                .addGidMappings(mapping)
                                .build())
                        .toList())
                .orElse(mounts);
    }

    private static void labels(
            Pod pod, Container container, int restartCount, Duration backoff, ContainerConfig.Builder config) {
        var metadata = pod.getMetadata();
        config.putLabels(Labels.POD_NAME, metadata.getName())
                .putLabels(Labels.POD_NAMESPACE, metadata.getNamespace())
                .putLabels(Labels.POD_UID, metadata.getUid())
                .putLabels(Labels.CONTAINER_NAME, container.getName())
                .putAnnotations(Labels.CONTAINER_HASH, Labels.definitionHash(container))
                .putAnnotations(Labels.RESOURCES, ResizeRules.text(container))
                .putAnnotations(Labels.RESTART_COUNT, Integer.toString(restartCount))
                .putAnnotations(Labels.TERMINATION_MESSAGE_PATH, String.valueOf(container.getTerminationMessagePath()))
                .putAnnotations(
                        Labels.TERMINATION_MESSAGE_POLICY, String.valueOf(container.getTerminationMessagePolicy()));
        if (pod.getSpec().getTerminationGracePeriodSeconds() != null) {
            config.putAnnotations(
                    Labels.TERMINATION_GRACE_PERIOD,
                    pod.getSpec().getTerminationGracePeriodSeconds().toString());
        }
        if (!backoff.isZero()) {
            config.putAnnotations(Labels.RESTART_BACKOFF_MILLIS, Long.toString(backoff.toMillis()));
        }
    }

    // ---- small things

    private static boolean hostNetwork(Pod pod) {
        return Boolean.TRUE.equals(pod.getSpec().getHostNetwork());
    }

    private static List<Container> containers(Pod pod) {
        return orEmpty(pod.getSpec().getContainers());
    }

    private static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }

    private static <V> Map<String, V> orEmpty(@Nullable Map<String, V> map) {
        return map == null ? Map.of() : map;
    }
}
