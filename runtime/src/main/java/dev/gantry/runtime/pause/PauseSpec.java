package dev.gantry.runtime.pause;

import dev.gantry.linux.Fd;
import dev.gantry.runtime.program.Program;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A pause to launch.
 *
 * @param socket where it listens for the agent, in a directory of mode 0700; at most 107 bytes
 * @param newNamespaces the pod's own; without {@link PodNamespace#PID} pause is a subreaper in the host's
 * @param users the pod's own, who own its network, IPC and UTS namespaces while pause stays the host's root; empty: the host's
 * @param cgroup directory of the cgroup (v2) it is born in; otherwise the agent's
 * @param setup what pause itself executes before anything else, see {@link PauseSetup}
 * @param setupFds the setup's descriptors, in the order of its {@code passedFd} calls; the caller closes them
 */
public record PauseSpec(
        Path socket,
        Set<PodNamespace> newNamespaces,
        Optional<UserMaps> users,
        Optional<Fd> cgroup,
        Program setup,
        List<Fd> setupFds) {
    public PauseSpec {
        newNamespaces = Set.copyOf(newNamespaces);
        setupFds = List.copyOf(setupFds);
    }
}
