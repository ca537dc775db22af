package dev.gantry.agent.pod;

import dev.gantry.cri.v1.Capability;
import dev.gantry.cri.v1.IDMapping;
import dev.gantry.cri.v1.Int64Value;
import dev.gantry.cri.v1.LinuxContainerSecurityContext;
import dev.gantry.cri.v1.LinuxSandboxSecurityContext;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.NamespaceOption;
import dev.gantry.cri.v1.SELinuxOption;
import dev.gantry.cri.v1.SecurityProfile;
import dev.gantry.cri.v1.SecurityProfile.ProfileType;
import dev.gantry.cri.v1.SupplementalGroupsPolicy;
import dev.gantry.cri.v1.UserNamespace;
import io.fabric8.kubernetes.api.model.AppArmorProfile;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSecurityContext;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.SELinuxOptions;
import io.fabric8.kubernetes.api.model.SeccompProfile;
import io.fabric8.kubernetes.api.model.SecurityContext;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * CRI's security contexts of a pod and its containers: what a container sets itself wins, the rest is the pod's. Pure but
 * for the range of a pod's users, which is looked up.
 */
public final class SecurityContexts {
    /** The annotation that appArmorProfile replaced in Kubernetes 1.30; the container's name follows. */
    static final String APP_ARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/";

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

    private final NodePolicy policy;
    private final Path seccompProfiles;
    private final Function<String, Optional<IdRange>> userRanges;

    /**
     * What all pods of a node have in common.
     *
     * @param seccompProfiles directory of the profiles of type Localhost
     * @param userRanges the users of a pod by its uid, if it was given some
     */
    public SecurityContexts(NodePolicy policy, Path seccompProfiles, Function<String, Optional<IdRange>> userRanges) {
        this.policy = policy;
        this.seccompProfiles = seccompProfiles;
        this.userRanges = userRanges;
    }

    // ---- the pod

    /** What holds for a pod as a whole. */
    LinuxSandboxSecurityContext sandbox(Pod pod) {
        PodSecurityContext context = ofPod(pod);
        LinuxSandboxSecurityContext.Builder security = LinuxSandboxSecurityContext.newBuilder()
                .setNamespaceOptions(namespaces(pod))
                .setPrivileged(PodContainers.all(pod).stream().anyMatch(SecurityContexts::isPrivileged))
                .setSeccomp(profile(ProfileType.RuntimeDefault, ""))
                .addAllSupplementalGroups(supplementalGroups(context))
                .setSupplementalGroupsPolicy(groupsPolicy(context));
        if (context.getRunAsUser() != null) {
            security.setRunAsUser(int64(context.getRunAsUser()));
            if (context.getRunAsGroup() != null) {
                security.setRunAsGroup(int64(context.getRunAsGroup()));
            }
        }
        if (context.getSeLinuxOptions() != null) {
            security.setSelinuxOptions(selinux(context.getSeLinuxOptions()));
        }
        return security.build();
    }

    private NamespaceOption namespaces(Pod pod) {
        PodSpec spec = pod.getSpec();
        NamespaceMode pid = Boolean.TRUE.equals(spec.getHostPID())
                ? NamespaceMode.NODE
                : Boolean.TRUE.equals(spec.getShareProcessNamespace()) ? NamespaceMode.POD : NamespaceMode.CONTAINER;
        NamespaceOption.Builder namespaces = NamespaceOption.newBuilder()
                .setNetwork(Boolean.TRUE.equals(spec.getHostNetwork()) ? NamespaceMode.NODE : NamespaceMode.POD)
                .setIpc(Boolean.TRUE.equals(spec.getHostIPC()) ? NamespaceMode.NODE : NamespaceMode.POD)
                .setPid(pid);
        users(pod).ifPresent(namespaces::setUsernsOptions);
        return namespaces.build();
    }

    private Optional<UserNamespace> users(Pod pod) {
        return userMappings(pod)
                .map(mapping -> UserNamespace.newBuilder()
                        .setMode(NamespaceMode.POD)
                        .addUids(mapping)
                        .addGids(mapping)
                        .build());
    }

    /** How ids inside the pod stand for ids of the host; empty if they are the same. */
    Optional<IDMapping> userMappings(Pod pod) {
        if (!hasOwnUsers(pod)) {
            return Optional.empty();
        }
        return userRanges
                .apply(pod.getMetadata().getUid())
                .map(range -> IDMapping.newBuilder()
                        .setContainerId(0)
                        .setHostId((int) range.first())
                        .setLength(range.length())
                        .build());
    }

    static boolean hasOwnUsers(Pod pod) {
        return pod.getSpec() != null && Boolean.FALSE.equals(pod.getSpec().getHostUsers());
    }

    // ---- a container

    /**
     * What holds for one container.
     *
     * @param image whose user it runs as if nobody names another
     */
    LinuxContainerSecurityContext container(Pod pod, Container container, ImageState.Present image) {
        PodSecurityContext podContext = ofPod(pod);
        SecurityContext own = of(container);
        boolean privileged = isPrivileged(container);
        LinuxContainerSecurityContext.Builder security = LinuxContainerSecurityContext.newBuilder()
                .setPrivileged(privileged)
                .setNamespaceOptions(namespaces(pod))
                .setReadonlyRootfs(Boolean.TRUE.equals(own.getReadOnlyRootFilesystem()))
                .setNoNewPrivs(Boolean.FALSE.equals(own.getAllowPrivilegeEscalation()))
                .addAllSupplementalGroups(supplementalGroups(podContext))
                .setSupplementalGroupsPolicy(groupsPolicy(podContext))
                .setSeccomp(seccomp(
                        own.getSeccompProfile() != null ? own.getSeccompProfile() : podContext.getSeccompProfile(),
                        privileged));
        user(security, own, podContext, image);
        if (own.getCapabilities() != null) {
            security.setCapabilities(Capability.newBuilder()
                    .addAllAddCapabilities(orEmpty(own.getCapabilities().getAdd()))
                    .addAllDropCapabilities(orEmpty(own.getCapabilities().getDrop())));
        }
        if (!privileged && !"Unmasked".equals(own.getProcMount())) {
            security.addAllMaskedPaths(MASKED_PATHS)
                    .addAllMaskedPaths(policy.processorPaths())
                    .addAllReadonlyPaths(READ_ONLY_PATHS);
        }
        SELinuxOptions selinux =
                own.getSeLinuxOptions() != null ? own.getSeLinuxOptions() : podContext.getSeLinuxOptions();
        if (selinux != null) {
            security.setSelinuxOptions(selinux(selinux));
        }
        appArmor(pod, container).ifPresent(security::setApparmor);
        return security.build();
    }

    /** CRI takes a group only together with a user: then the image's is named as well. */
    private static void user(
            LinuxContainerSecurityContext.Builder security,
            SecurityContext own,
            PodSecurityContext podContext,
            ImageState.Present image) {
        Long user = own.getRunAsUser() != null ? own.getRunAsUser() : podContext.getRunAsUser();
        Long group = own.getRunAsGroup() != null ? own.getRunAsGroup() : podContext.getRunAsGroup();
        if (user != null) {
            security.setRunAsUser(int64(user));
        } else if (group != null && !image.username().isEmpty()) {
            security.setRunAsUsername(image.username());
        } else if (group != null) {
            security.setRunAsUser(int64(image.uid().orElse(0)));
        }
        if (group != null) {
            security.setRunAsGroup(int64(group));
        }
    }

    static boolean isPrivileged(Container container) {
        return Boolean.TRUE.equals(of(container).getPrivileged());
    }

    private SecurityProfile seccomp(@Nullable SeccompProfile wanted, boolean privileged) {
        if (wanted == null) {
            return profile(
                    policy.seccompDefault() && !privileged ? ProfileType.RuntimeDefault : ProfileType.Unconfined, "");
        }
        String file = wanted.getLocalhostProfile();
        return profile(
                ProfileType.valueOf(wanted.getType()),
                file == null ? "" : seccompProfiles.resolve(file).toString());
    }

    /** The container's field, its annotation, the pod's field: the first that is there. */
    static Optional<SecurityProfile> appArmor(Pod pod, Container container) {
        AppArmorProfile own = of(container).getAppArmorProfile();
        if (own != null) {
            return Optional.of(profile(own));
        }
        String annotation = orEmpty(pod.getMetadata().getAnnotations()).get(APP_ARMOR_ANNOTATION + container.getName());
        if (annotation != null && !annotation.isEmpty()) {
            return Optional.of(profile(annotation));
        }
        return Optional.ofNullable(ofPod(pod).getAppArmorProfile()).map(SecurityContexts::profile);
    }

    private static SecurityProfile profile(AppArmorProfile profile) {
        String name = profile.getLocalhostProfile();
        return profile(ProfileType.valueOf(profile.getType()), name == null ? "" : name);
    }

    private static SecurityProfile profile(String annotation) {
        return switch (annotation) {
            case "runtime/default" -> profile(ProfileType.RuntimeDefault, "");
            case "unconfined" -> profile(ProfileType.Unconfined, "");
            default -> profile(ProfileType.Localhost, annotation.substring("localhost/".length()));
        };
    }

    private static SecurityProfile profile(ProfileType type, String localhost) {
        return SecurityProfile.newBuilder()
                .setProfileType(type)
                .setLocalhostRef(type == ProfileType.Localhost ? localhost : "")
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
        List<Long> groups = new ArrayList<>(orEmpty(context.getSupplementalGroups()));
        if (context.getFsGroup() != null && !groups.contains(context.getFsGroup())) {
            groups.add(context.getFsGroup());
        }
        return groups;
    }

    /** Whether a pod's processes must not be in groups of the image. */
    static boolean hasStrictGroups(Pod pod) {
        PodSecurityContext context = pod.getSpec().getSecurityContext();
        return context != null && groupsPolicy(context) == SupplementalGroupsPolicy.Strict;
    }

    private static SupplementalGroupsPolicy groupsPolicy(PodSecurityContext context) {
        return "Strict".equals(context.getSupplementalGroupsPolicy())
                ? SupplementalGroupsPolicy.Strict
                : SupplementalGroupsPolicy.Merge;
    }

    // ---- small things

    static PodSecurityContext ofPod(Pod pod) {
        return pod.getSpec().getSecurityContext() == null
                ? new PodSecurityContext()
                : pod.getSpec().getSecurityContext();
    }

    static SecurityContext of(Container container) {
        return container.getSecurityContext() == null ? new SecurityContext() : container.getSecurityContext();
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
