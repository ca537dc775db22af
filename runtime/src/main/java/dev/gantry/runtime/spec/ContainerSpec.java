package dev.gantry.runtime.spec;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.gantry.runtime.pause.UserMaps;
import dev.gantry.runtime.seccomp.SeccompFilters;
import dev.gantry.runtime.seccomp.SeccompProfile;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Everything that is decided about a container before the kernel is asked.
 *
 * @param arguments of execve, at least one
 * @param environment {@code NAME=value}
 * @param workingDirectory absolute; made if it does not exist
 * @param seccomp empty: unconfined
 * @param mounts in the order in which they are made
 * @param maskedPaths hidden under an empty directory or /dev/null, if they exist
 * @param readOnlyPaths made read-only, if they exist
 * @param devices made beside the standard ones
 * @param oomScoreAdj already clamped to what this machine allows; empty: inherited
 * @param privateCgroupNamespace whether the container sees its own cgroup as the root
 * @param users the pod's own, if it has some
 * @param seLinux empty: the runtime's label
 * @param stopSignal the kernel's number
 * @param notices what could not be given as asked, one sentence each
 */
public record ContainerSpec(
        List<String> arguments,
        List<String> environment,
        String workingDirectory,
        ContainerUser user,
        ContainerCapabilities capabilities,
        boolean noNewPrivileges,
        Optional<SeccompProfile> seccomp,
        boolean terminal,
        boolean stdin,
        boolean privileged,
        boolean readOnlyRoot,
        List<MountSpec> mounts,
        List<String> maskedPaths,
        List<String> readOnlyPaths,
        List<DeviceNode> devices,
        OptionalInt oomScoreAdj,
        PidMode pid,
        boolean privateCgroupNamespace,
        Optional<UserMaps> users,
        Optional<String> appArmorProfile,
        Optional<SeLinuxLabels> seLinux,
        int stopSignal,
        List<String> notices) {
    public ContainerSpec {
        arguments = List.copyOf(arguments);
        environment = List.copyOf(environment);
        mounts = List.copyOf(mounts);
        maskedPaths = List.copyOf(maskedPaths);
        readOnlyPaths = List.copyOf(readOnlyPaths);
        devices = List.copyOf(devices);
        notices = List.copyOf(notices);
    }

    /** What its processes get, the seccomp profile compiled for its capabilities. */
    public ProcessContext context(SeccompFilters filters) {
        Set<String> names = capabilities.bounding().stream().map(Enum::name).collect(Collectors.toSet());
        return new ProcessContext(
                environment,
                workingDirectory,
                user,
                capabilities.bounding(),
                capabilities.ambient(),
                noNewPrivileges,
                seccomp.map(profile -> UnsafeByteOperations.unsafeWrap(filters.filter(profile, names)))
                        .orElse(ByteString.EMPTY),
                seccomp.map(SeccompProfile::flags).orElse(0),
                oomScoreAdj,
                users,
                appArmorProfile,
                seLinux.map(SeLinuxLabels::process));
    }

    /** Whose processes a container sees. */
    public enum PidMode {
        /** Its own. */
        CONTAINER,
        /** The pod's. */
        POD,
        /** The host's. */
        NODE,
        /** Those of another container of the pod. */
        TARGET
    }
}
