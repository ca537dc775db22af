package dev.gantry.runtime.spec;

import com.google.protobuf.ByteString;
import dev.gantry.linux.LinuxCapability;
import dev.gantry.runtime.pause.UserMaps;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What every process of a container gets, its first one and those of exec alike.
 *
 * @param environment {@code NAME=value}
 * @param workingDirectory absolute
 * @param bounding bounding, permitted and effective capabilities
 * @param ambient and inheritable ones
 * @param seccompFilter {@code struct sock_filter}s; empty: unconfined
 * @param seccompFlags SECCOMP_FILTER_FLAG_*
 * @param oomScoreAdj empty: inherited
 * @param users the pod's own, if it has some; ids of this record are theirs
 * @param appArmorProfile loaded in the kernel; empty: unconfined
 * @param seLinuxLabel empty: the runtime's
 */
public record ProcessContext(
        List<String> environment,
        String workingDirectory,
        ContainerUser user,
        Set<LinuxCapability> bounding,
        Set<LinuxCapability> ambient,
        boolean noNewPrivileges,
        ByteString seccompFilter,
        int seccompFlags,
        OptionalInt oomScoreAdj,
        Optional<UserMaps> users,
        Optional<String> appArmorProfile,
        Optional<String> seLinuxLabel) {
    public ProcessContext {
        environment = List.copyOf(environment);
        bounding = Set.copyOf(bounding);
        ambient = Set.copyOf(ambient);
    }

    /** The directories in which commands are looked up. */
    List<String> path() {
        for (String assignment : environment) {
            if (assignment.startsWith("PATH=")) {
                return List.of(assignment.substring(5).split(":", -1));
            }
        }
        return List.of(ProcessArguments.DEFAULT_PATH.split(":", -1));
    }

    /** The same with a terminal, which programs ask for its kind. */
    ProcessContext withTerminal() {
        if (environment.stream().anyMatch(assignment -> assignment.startsWith("TERM="))) {
            return this;
        }
        List<String> more = new java.util.ArrayList<>(environment);
        more.add("TERM=xterm");
        return new ProcessContext(
                more,
                workingDirectory,
                user,
                bounding,
                ambient,
                noNewPrivileges,
                seccompFilter,
                seccompFlags,
                oomScoreAdj,
                users,
                appArmorProfile,
                seLinuxLabel);
    }
}
