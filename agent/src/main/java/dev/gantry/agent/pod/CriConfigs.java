package dev.gantry.agent.pod;

import com.google.protobuf.ByteString;
import dev.gantry.agent.cri.Labels;
import dev.gantry.agent.resource.LinuxLimits;
import dev.gantry.agent.resource.Qos;
import dev.gantry.agent.volume.PodFields;
import dev.gantry.agent.volume.VolumeException;
import dev.gantry.cri.v1.Capability;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerMetadata;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.Int64Value;
import dev.gantry.cri.v1.KeyValue;
import dev.gantry.cri.v1.LinuxContainerConfig;
import dev.gantry.cri.v1.LinuxContainerSecurityContext;
import dev.gantry.cri.v1.LinuxPodSandboxConfig;
import dev.gantry.cri.v1.LinuxSandboxSecurityContext;
import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.MountPropagation;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.NamespaceOption;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxMetadata;
import dev.gantry.cri.v1.PortMapping;
import dev.gantry.cri.v1.Protocol;
import dev.gantry.cri.v1.SELinuxOption;
import dev.gantry.cri.v1.SecurityProfile;
import dev.gantry.cri.v1.SupplementalGroupsPolicy;
import io.fabric8.kubernetes.api.model.AppArmorProfile;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.SELinuxOptions;
import io.fabric8.kubernetes.api.model.SeccompProfile;
import io.fabric8.kubernetes.api.model.SecurityContext;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** CRI's form of a pod: sandbox and container configurations, by the kubelet's formulas. Pure. */
public final class CriConfigs {
    private static final int MAX_HOSTNAME = 63;

    /** What a container sees nothing of, unless procMount is Unmasked. */
    private static final List<String> MASKED_PATHS = List.of(
            "/proc/asound",
            "/proc/acpi",
            "/proc/interrupts",
            "/proc/kcore",
            "/proc/keys",
            "/proc/latency_stats",
            "/proc/timer_list",
            "/proc/timer_stats",
            "/proc/sched_debug",
            "/proc/scsi",
            "/sys/firmware",
            "/sys/devices/virtual/powercap");

    private static final List<String> READ_ONLY_PATHS =
            List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

    private final LinuxLimits limits;
    private final Map<String, Quantity> allocatable;
    private final PodPaths paths;
    private final PodDns dns;
    private final boolean seccompDefault;

    /**
     * What all pods of a node have in common.
     *
     * @param seccompDefault whether a pod that names no profile gets the runtime's instead of none
     */
    public CriConfigs(NodeFacts node, PodPaths paths, PodDns dns, boolean seccompDefault) {
        this.limits = new LinuxLimits(node.resources(), node.policy());
        this.allocatable = node.resources().allocatable().quantities();
        this.paths = paths;
        this.dns = dns;
        this.seccompDefault = seccompDefault;
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
            config.setHostname(hostname(pod));
            for (Container container : containers(pod)) {
                orEmpty(container.getPorts()).stream()
                        .filter(port -> port.getHostPort() != null && port.getHostPort() > 0)
                        .forEach(port -> config.addPortMappings(portMapping(port)));
            }
        }
        config.putAllLabels(orEmpty(metadata.getLabels()))
                .putLabels(Labels.POD_NAME, metadata.getName())
                .putLabels(Labels.POD_NAMESPACE, metadata.getNamespace())
                .putLabels(Labels.POD_UID, metadata.getUid())
                .putLabels(Labels.MANAGED_BY, Labels.GANTRY)
                .putAllAnnotations(orEmpty(metadata.getAnnotations()));
        return config.setLinux(linuxSandbox(pod)).build();
    }

    /** The pod's own hostname, or what its name makes: 63 characters, no dash or dot at the end. */
    static String hostname(Pod pod) {
        PodSpec spec = pod.getSpec();
        String name = spec.getHostname() == null || spec.getHostname().isEmpty()
                ? pod.getMetadata().getName()
                : spec.getHostname();
        name = name.length() > MAX_HOSTNAME ? name.substring(0, MAX_HOSTNAME) : name;
        return name.replaceAll("[-.]+$", "");
    }

    private static PortMapping portMapping(ContainerPort port) {
        return PortMapping.newBuilder()
                .setContainerPort(port.getContainerPort())
                .setHostPort(port.getHostPort())
                .setHostIp(port.getHostIP() == null ? "" : port.getHostIP())
                .setProtocol(port.getProtocol() == null ? Protocol.TCP : Protocol.valueOf(port.getProtocol()))
                .build();
    }

    private LinuxPodSandboxConfig linuxSandbox(Pod pod) {
        PodSecurityContext context = securityContext(pod);
        boolean privileged = containers(pod).stream()
                .anyMatch(container -> container.getSecurityContext() != null
                        && Boolean.TRUE.equals(container.getSecurityContext().getPrivileged()));
        LinuxSandboxSecurityContext.Builder security = LinuxSandboxSecurityContext.newBuilder()
                .setNamespaceOptions(namespaces(pod))
                .setPrivileged(privileged)
                .setSeccomp(SecurityProfile.newBuilder().setProfileType(SecurityProfile.ProfileType.RuntimeDefault));
        if (context.getRunAsUser() != null) {
            security.setRunAsUser(int64(context.getRunAsUser()));
        }
        if (context.getRunAsGroup() != null && context.getRunAsUser() != null) {
            security.setRunAsGroup(int64(context.getRunAsGroup()));
        }
        security.addAllSupplementalGroups(supplementalGroups(context));
        security.setSupplementalGroupsPolicy(groupsPolicy(context));
        if (context.getSeLinuxOptions() != null) {
            security.setSelinuxOptions(selinux(context.getSeLinuxOptions()));
        }
        LinuxPodSandboxConfig.Builder linux = LinuxPodSandboxConfig.newBuilder()
                .setCgroupParent(
                        Qos.of(pod.getSpec()).cgroupParent(pod.getMetadata().getUid()))
                .setSecurityContext(security)
                .setResources(limits.pod(pod));
        orEmpty(context.getSysctls())
                .forEach(sysctl -> linux.putSysctls(sysctl.getName().replace('/', '.'), sysctl.getValue()));
        return linux.build();
    }

    private static NamespaceOption namespaces(Pod pod) {
        PodSpec spec = pod.getSpec();
        return NamespaceOption.newBuilder()
                .setNetwork(hostNetwork(pod) ? NamespaceMode.NODE : NamespaceMode.POD)
                .setIpc(Boolean.TRUE.equals(spec.getHostIPC()) ? NamespaceMode.NODE : NamespaceMode.POD)
                .setPid(
                        Boolean.TRUE.equals(spec.getHostPID())
                                ? NamespaceMode.NODE
                                : Boolean.TRUE.equals(spec.getShareProcessNamespace())
                                        ? NamespaceMode.POD
                                        : NamespaceMode.CONTAINER)
                .build();
    }

    // ---- container

    /**
     * One run of a container.
     *
     * @param restartCount 0 for the first run
     * @param imageReference what the runtime calls the image
     * @param backoff to be recorded on it, for its successor
     * @param mounts of volumes and files, made before
     * @throws VolumeException if an environment variable asks for what there is not
     */
    public ContainerConfig container(
            Pod pod, Container container, int restartCount, String imageReference, Duration backoff, List<Mount> mounts)
            throws VolumeException {
        String name = container.getName();
        Map<String, String> environment = environment(pod, container);
        ContainerConfig.Builder config = ContainerConfig.newBuilder()
                .setMetadata(ContainerMetadata.newBuilder().setName(name).setAttempt(restartCount))
                .setImage(ImageSpec.newBuilder().setImage(imageReference).setUserSpecifiedImage(container.getImage()))
                .setWorkingDir(container.getWorkingDir() == null ? "" : container.getWorkingDir())
                .setLogPath(name + "/" + restartCount + ".log")
                .setStdin(Boolean.TRUE.equals(container.getStdin()))
                .setStdinOnce(Boolean.TRUE.equals(container.getStdinOnce()))
                .setTty(Boolean.TRUE.equals(container.getTty()))
                .addAllMounts(mounts)
                .setLinux(LinuxContainerConfig.newBuilder()
                        .setResources(limits.container(pod, container))
                        .setSecurityContext(security(pod, container)));
        orEmpty(container.getCommand()).forEach(word -> config.addCommand(Expansion.expand(word, environment)));
        orEmpty(container.getArgs()).forEach(word -> config.addArgs(Expansion.expand(word, environment)));
        environment.forEach((key, value) ->
                config.addEnvs(KeyValue.newBuilder().setKey(key).setValue(ByteString.copyFromUtf8(value))));
        labels(pod, container, restartCount, backoff, config);
        return config.build();
    }

    private static void labels(
            Pod pod, Container container, int restartCount, Duration backoff, ContainerConfig.Builder config) {
        var metadata = pod.getMetadata();
        config.putLabels(Labels.POD_NAME, metadata.getName())
                .putLabels(Labels.POD_NAMESPACE, metadata.getNamespace())
                .putLabels(Labels.POD_UID, metadata.getUid())
                .putLabels(Labels.CONTAINER_NAME, container.getName())
                .putAnnotations(Labels.CONTAINER_HASH, Labels.definitionHash(container))
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

    private Map<String, String> environment(Pod pod, Container container) throws VolumeException {
        Map<String, String> environment = new LinkedHashMap<>();
        for (EnvVar variable : orEmpty(container.getEnv())) {
            String value = "";
            if (variable.getValueFrom() == null) {
                value = variable.getValue() == null ? "" : Expansion.expand(variable.getValue(), environment);
            } else if (variable.getValueFrom().getFieldRef() != null) {
                value = PodFields.field(
                        pod, variable.getValueFrom().getFieldRef().getFieldPath());
            } else if (variable.getValueFrom().getResourceFieldRef() != null) {
                value = PodFields.resource(
                        pod, container, variable.getValueFrom().getResourceFieldRef(), allocatable);
            }
            environment.put(variable.getName(), value);
        }
        return environment;
    }

    private LinuxContainerSecurityContext security(Pod pod, Container container) {
        PodSecurityContext podContext = securityContext(pod);
        SecurityContext own =
                container.getSecurityContext() == null ? new SecurityContext() : container.getSecurityContext();
        boolean privileged = Boolean.TRUE.equals(own.getPrivileged());
        LinuxContainerSecurityContext.Builder security = LinuxContainerSecurityContext.newBuilder()
                .setPrivileged(privileged)
                .setNamespaceOptions(namespaces(pod))
                .setReadonlyRootfs(Boolean.TRUE.equals(own.getReadOnlyRootFilesystem()))
                .setNoNewPrivs(Boolean.FALSE.equals(own.getAllowPrivilegeEscalation()))
                .addAllSupplementalGroups(supplementalGroups(podContext))
                .setSupplementalGroupsPolicy(groupsPolicy(podContext));
        Long user = own.getRunAsUser() != null ? own.getRunAsUser() : podContext.getRunAsUser();
        if (user != null) {
            security.setRunAsUser(int64(user));
        }
        Long group = own.getRunAsGroup() != null ? own.getRunAsGroup() : podContext.getRunAsGroup();
        if (group != null) {
            security.setRunAsGroup(int64(group));
        }
        if (own.getCapabilities() != null) {
            security.setCapabilities(Capability.newBuilder()
                    .addAllAddCapabilities(orEmpty(own.getCapabilities().getAdd()))
                    .addAllDropCapabilities(orEmpty(own.getCapabilities().getDrop())));
        }
        if (!privileged && !"Unmasked".equals(own.getProcMount())) {
            security.addAllMaskedPaths(MASKED_PATHS).addAllReadonlyPaths(READ_ONLY_PATHS);
        }
        SELinuxOptions selinux =
                own.getSeLinuxOptions() != null ? own.getSeLinuxOptions() : podContext.getSeLinuxOptions();
        if (selinux != null) {
            security.setSelinuxOptions(selinux(selinux));
        }
        SeccompProfile seccomp =
                own.getSeccompProfile() != null ? own.getSeccompProfile() : podContext.getSeccompProfile();
        security.setSeccomp(seccomp(seccomp, privileged));
        AppArmorProfile appArmor =
                own.getAppArmorProfile() != null ? own.getAppArmorProfile() : podContext.getAppArmorProfile();
        if (appArmor != null) {
            security.setApparmor(profile(
                    appArmor.getType(), appArmor.getLocalhostProfile() == null ? "" : appArmor.getLocalhostProfile()));
        }
        return security.build();
    }

    private SecurityProfile seccomp(@Nullable SeccompProfile profile, boolean privileged) {
        if (profile == null) {
            return profile(seccompDefault && !privileged ? "RuntimeDefault" : "Unconfined", "");
        }
        Path localhost = profile.getLocalhostProfile() == null
                ? Path.of("")
                : paths.seccomp().resolve(profile.getLocalhostProfile());
        return profile(profile.getType(), localhost.toString());
    }

    private static SecurityProfile profile(String type, String localhost) {
        SecurityProfile.ProfileType profileType = SecurityProfile.ProfileType.valueOf(type);
        return SecurityProfile.newBuilder()
                .setProfileType(profileType)
                .setLocalhostRef(profileType == SecurityProfile.ProfileType.Localhost ? localhost : "")
                .build();
    }

    private static SELinuxOption selinux(SELinuxOptions options) {
        return SELinuxOption.newBuilder()
                .setUser(orEmpty(options.getUser()))
                .setRole(orEmpty(options.getRole()))
                .setType(orEmpty(options.getType()))
                .setLevel(orEmpty(options.getLevel()))
                .build();
    }

    private static List<Long> supplementalGroups(PodSecurityContext context) {
        List<Long> groups = new java.util.ArrayList<>(orEmpty(context.getSupplementalGroups()));
        if (context.getFsGroup() != null && !groups.contains(context.getFsGroup())) {
            groups.add(context.getFsGroup());
        }
        return groups;
    }

    private static SupplementalGroupsPolicy groupsPolicy(PodSecurityContext context) {
        return "Strict".equals(context.getSupplementalGroupsPolicy())
                ? SupplementalGroupsPolicy.Strict
                : SupplementalGroupsPolicy.Merge;
    }

    // ---- mounts

    /** A volume's mount in a container. */
    static Mount mount(VolumeMount mount, Path source) {
        return Mount.newBuilder()
                .setContainerPath(containerPath(mount.getMountPath()))
                .setHostPath(source.toString())
                .setReadonly(Boolean.TRUE.equals(mount.getReadOnly()))
                .setRecursiveReadOnly("Enabled".equals(mount.getRecursiveReadOnly()))
                .setPropagation(propagation(mount.getMountPropagation()))
                .build();
    }

    private static String containerPath(String path) {
        return path.startsWith("/") ? path : "/" + path;
    }

    private static MountPropagation propagation(@Nullable String propagation) {
        return switch (propagation == null ? "" : propagation.toLowerCase(Locale.ROOT)) {
            case "hosttocontainer" -> MountPropagation.PROPAGATION_HOST_TO_CONTAINER;
            case "bidirectional" -> MountPropagation.PROPAGATION_BIDIRECTIONAL;
            default -> MountPropagation.PROPAGATION_PRIVATE;
        };
    }

    // ---- small things

    private static boolean hostNetwork(Pod pod) {
        return Boolean.TRUE.equals(pod.getSpec().getHostNetwork());
    }

    private static PodSecurityContext securityContext(Pod pod) {
        return pod.getSpec().getSecurityContext() == null
                ? new PodSecurityContext()
                : pod.getSpec().getSecurityContext();
    }

    private static List<Container> containers(Pod pod) {
        return orEmpty(pod.getSpec().getContainers());
    }

    private static Int64Value int64(long value) {
        return Int64Value.newBuilder().setValue(value).build();
    }

    private static String orEmpty(@Nullable String text) {
        return text == null ? "" : text;
    }

    private static <T> List<T> orEmpty(@Nullable List<T> list) {
        return list == null ? List.of() : list;
    }

    private static <V> Map<String, V> orEmpty(@Nullable Map<String, V> map) {
        return map == null ? Map.of() : map;
    }
}
