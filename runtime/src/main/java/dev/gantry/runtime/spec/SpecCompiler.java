package dev.gantry.runtime.spec;

import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.Device;
import dev.gantry.cri.v1.LinuxContainerSecurityContext;
import dev.gantry.cri.v1.NamespaceMode;
import dev.gantry.cri.v1.NamespaceOption;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.SecurityProfile;
import dev.gantry.images.ImageConfig;
import dev.gantry.linux.LinuxCapability;
import dev.gantry.runtime.pause.UserMaps;
import dev.gantry.runtime.seccomp.SeccompProfile;
import dev.gantry.runtime.seccomp.SeccompProfileException;
import dev.gantry.runtime.spec.ContainerSpec.PidMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Compiles CRI's configuration of a container; refuses what cannot be honoured. */
public final class SpecCompiler {
    private static final long MAX_PROFILE_BYTES = 1 << 20;

    private final MachineFacts machine;
    private final HostFiles host;

    public SpecCompiler(MachineFacts machine, HostFiles host) {
        this.machine = machine;
        this.host = host;
    }

    /**
     * What a container takes from its pod.
     *
     * @param hostname as inside the pod
     * @param hostCgroups where the host has its cgroup v2 file system, for containers without a cgroup namespace
     */
    public record Pod(PodSandboxConfig config, String hostname, SandboxFiles files, Optional<String> hostCgroups) {}

    /**
     * Compiles one container.
     *
     * @param imageFiles for users and groups
     * @throws IOException if a file of image or host cannot be read
     */
    public ContainerSpec compile(
            Pod pod, ContainerConfig config, ImageConfig image, ImageFiles imageFiles, VolumeImages volumes)
            throws SpecException, IOException {
        LinuxContainerSecurityContext context = config.getLinux().getSecurityContext();
        List<String> notices = new ArrayList<>();
        boolean privileged = context.getPrivileged();
        if (privileged && !pod.config().getLinux().getSecurityContext().getPrivileged()) {
            throw SpecException.invalid("privileged: the pod sandbox is not privileged");
        }
        refuseForeign(config);
        NamespaceOption namespaces = namespaces(pod.config(), context);
        Optional<UserMaps> users = PodUsers.of(namespaces);
        ContainerUser user = user(context, image, imageFiles);
        if (users.isPresent()) {
            checkMapped(user, users.get());
        }
        ContainerCapabilities capabilities = ContainerCapabilities.of(
                context.getCapabilities(),
                privileged,
                // The pod's root has all of them, over what is the pod's.
                users.isPresent() ? EnumSet.allOf(LinuxCapability.class) : machine.capabilities());
        if (!capabilities.missing().isEmpty()) {
            notices.add("the runtime has not, and cannot give: " + capabilities.missing());
        }
        boolean hostIpc = pod.config()
                        .getLinux()
                        .getSecurityContext()
                        .getNamespaceOptions()
                        .getIpc()
                == NamespaceMode.NODE;
        // Privileged containers manage the host's cgroups; the others see only their own.
        boolean privateCgroups = !privileged || users.isPresent();
        List<MountSpec> mounts = new MountPlan(host, volumes)
                .compile(
                        new MountPlan.Settings(
                                privileged,
                                privateCgroups,
                                pod.hostCgroups(),
                                hostIpc,
                                context.getReadonlyRootfs(),
                                pod.files(),
                                users),
                        config.getMountsList());
        String directory = config.getWorkingDir().isEmpty() ? image.workingDir() : config.getWorkingDir();
        return new ContainerSpec(
                ProcessArguments.commandLine(config, image),
                ProcessArguments.environment(config, image, pod.hostname(), user),
                ContainerPaths.normalised("working_dir", directory.isEmpty() ? "/" : directory),
                user,
                capabilities,
                context.getNoNewPrivs(),
                seccomp(context, privileged),
                config.getTty(),
                config.getStdin(),
                privileged,
                context.getReadonlyRootfs(),
                mounts,
                privileged ? List.of() : paths("masked_paths", context.getMaskedPathsList()),
                privileged ? List.of() : paths("readonly_paths", context.getReadonlyPathsList()),
                devices(config, privileged, users.isPresent()),
                oomScoreAdj(config, notices),
                pid(namespaces),
                privateCgroups,
                users,
                AppArmorProfiles.of(context, privileged, machine.appArmor(), host, notices),
                SeLinuxLabels.of(
                        context.getSelinuxOptions(), pod.config().getMetadata().getUid(), machine.seLinux()),
                StopSignals.of(config.getStopSignal(), image.stopSignal()),
                notices);
    }

    private static void refuseForeign(ContainerConfig config) throws SpecException {
        if (config.getCDIDevicesCount() > 0) {
            throw SpecException.unsupported(
                    "CDI_devices: '%s': the Container Device Interface is not supported",
                    config.getCDIDevices(0).getName());
        }
    }

    /** Network and IPC are the pod's, whatever a container's own options say: other runtimes do not look at them there. */
    private static NamespaceOption namespaces(PodSandboxConfig pod, LinuxContainerSecurityContext context)
            throws SpecException {
        NamespaceOption own = context.getNamespaceOptions();
        NamespaceOption pods = pod.getLinux().getSecurityContext().getNamespaceOptions();
        if (!PodUsers.of(own).equals(PodUsers.of(pods))) {
            throw SpecException.invalid("namespace_options.userns_options: must be those of the pod sandbox");
        }
        if (own.getPid() == NamespaceMode.NODE && pods.getPid() != NamespaceMode.NODE) {
            throw SpecException.invalid("namespace_options.pid: NODE, but the pod sandbox has %s", pods.getPid());
        }
        if (own.getPid() == NamespaceMode.TARGET && own.getTargetId().isEmpty()) {
            throw SpecException.invalid("namespace_options.target_id: needed with pid TARGET");
        }
        return own;
    }

    private static PidMode pid(NamespaceOption namespaces) throws SpecException {
        return switch (namespaces.getPid()) {
            case POD -> PidMode.POD;
            case CONTAINER -> PidMode.CONTAINER;
            case NODE -> PidMode.NODE;
            case TARGET -> PidMode.TARGET;
            case UNRECOGNIZED ->
                throw SpecException.invalid("namespace_options.pid: unknown value %d", namespaces.getPidValue());
        };
    }

    private static ContainerUser user(LinuxContainerSecurityContext context, ImageConfig image, ImageFiles files)
            throws SpecException, IOException {
        return UserResolver.resolve(
                new UserResolver.Request(
                        context.hasRunAsUser()
                                ? OptionalLong.of(context.getRunAsUser().getValue())
                                : OptionalLong.empty(),
                        context.hasRunAsGroup()
                                ? OptionalLong.of(context.getRunAsGroup().getValue())
                                : OptionalLong.empty(),
                        context.getRunAsUsername(),
                        context.getSupplementalGroupsList(),
                        strict(context)),
                image.user(),
                files);
    }

    private static boolean strict(LinuxContainerSecurityContext context) throws SpecException {
        return switch (context.getSupplementalGroupsPolicy()) {
            case Merge -> false;
            case Strict -> true;
            case UNRECOGNIZED ->
                throw SpecException.invalid(
                        "supplemental_groups_policy: unknown value %d", context.getSupplementalGroupsPolicyValue());
        };
    }

    private static void checkMapped(ContainerUser user, UserMaps users) throws SpecException {
        if (user.uid() >= users.users()) {
            throw SpecException.invalid(
                    "user %d: the pod has users of its own, 0 to %d", user.uid(), users.users() - 1);
        }
        for (int group : user.groups()) {
            if (group >= users.groups()) {
                throw SpecException.invalid(
                        "group %d: the pod has groups of its own, 0 to %d", group, users.groups() - 1);
            }
        }
    }

    private static List<String> paths(String field, List<String> paths) throws SpecException {
        List<String> normalised = new ArrayList<>();
        for (String path : paths) {
            normalised.add(ContainerPaths.normalised(field, path));
        }
        return normalised;
    }

    private OptionalInt oomScoreAdj(ContainerConfig config, List<String> notices) throws SpecException {
        if (!config.getLinux().hasResources()) {
            return OptionalInt.empty();
        }
        long wanted = config.getLinux().getResources().getOomScoreAdj();
        if (wanted < -1000 || wanted > 1000) {
            throw SpecException.invalid("oom_score_adj %d: must be -1000 to 1000", wanted);
        }
        if (wanted < machine.oomScoreAdjFloor()) {
            notices.add("oom_score_adj %d became %d: without CAP_SYS_RESOURCE it cannot be lower than the runtime's own"
                    .formatted(wanted, machine.oomScoreAdjFloor()));
        }
        return OptionalInt.of((int) Math.max(wanted, machine.oomScoreAdjFloor()));
    }

    private List<DeviceNode> devices(ContainerConfig config, boolean privileged, boolean ownUsers)
            throws SpecException, IOException {
        if (privileged && ownUsers) {
            // None of the host's devices belongs to a user of the pod.
            return List.of();
        }
        if (privileged) {
            return host.devices("/dev").stream()
                    .filter(device -> machine.capabilities().contains(LinuxCapability.CAP_MKNOD))
                    .toList();
        }
        List<DeviceNode> nodes = new ArrayList<>();
        for (Device device : config.getDevicesList()) {
            String access = device.getPermissions().isEmpty() ? "rwm" : device.getPermissions();
            if (!access.matches("[rwm]{1,3}")) {
                throw SpecException.invalid("devices: permissions '%s': must be some of r, w, m", access);
            }
            String from = ContainerPaths.normalised("devices: host_path", device.getHostPath());
            String to = ContainerPaths.mountTarget(
                    "devices: container_path", device.getContainerPath().isEmpty() ? from : device.getContainerPath());
            List<DeviceNode> found = host.devices(from);
            if (found.isEmpty()) {
                throw SpecException.invalid("devices: host_path '%s': no device file, and none below it", from);
            }
            if (ownUsers && !to.startsWith("/dev/")) {
                throw SpecException.unsupported(
                        "devices: container_path '%s': in a pod with users of its own devices are below /dev", to);
            }
            for (DeviceNode node : found) {
                nodes.add(node.at(to + node.path().substring(from.length()), access));
            }
        }
        return nodes;
    }

    private static Optional<SeccompProfile> seccomp(LinuxContainerSecurityContext context, boolean privileged)
            throws SpecException, IOException {
        if (privileged) {
            return Optional.empty();
        }
        if (context.hasSeccomp()) {
            SecurityProfile profile = context.getSeccomp();
            return switch (profile.getProfileType()) {
                case RuntimeDefault -> Optional.of(SeccompProfile.runtimeDefault());
                case Unconfined -> Optional.empty();
                case Localhost -> Optional.of(localhost(profile.getLocalhostRef()));
                case UNRECOGNIZED ->
                    throw SpecException.invalid("seccomp: unknown profile type %d", profile.getProfileTypeValue());
            };
        }
        return deprecatedSeccomp(context);
    }

    /** The field that clients before Kubernetes 1.19 set. */
    @SuppressWarnings("deprecation")
    private static Optional<SeccompProfile> deprecatedSeccomp(LinuxContainerSecurityContext context)
            throws SpecException, IOException {
        String path = context.getSeccompProfilePath();
        return switch (path.toLowerCase(Locale.ROOT)) {
            case "", "unconfined" -> Optional.empty();
            case "runtime/default", "docker/default" -> Optional.of(SeccompProfile.runtimeDefault());
            default -> {
                if (!path.startsWith("localhost/")) {
                    throw SpecException.invalid("seccomp_profile_path '%s': not a kind of profile", path);
                }
                yield Optional.of(localhost(path.substring("localhost/".length())));
            }
        };
    }

    private static SeccompProfile localhost(String reference) throws SpecException, IOException {
        Path file = Path.of(reference);
        if (!file.isAbsolute()) {
            throw SpecException.invalid("seccomp: localhost_ref '%s': must be an absolute path", reference);
        }
        if (!Files.isRegularFile(file)) {
            throw SpecException.invalid("seccomp: localhost_ref '%s': no such file", reference);
        }
        if (Files.size(file) > MAX_PROFILE_BYTES) {
            throw SpecException.invalid(
                    "seccomp: localhost_ref '%s': larger than %d bytes", reference, MAX_PROFILE_BYTES);
        }
        try {
            return SeccompProfile.parse(Files.readString(file), reference);
        } catch (SeccompProfileException e) {
            throw SpecException.invalid("%s", String.valueOf(e.getMessage()));
        }
    }
}
