package dev.gantry.runtime.pause;

import dev.gantry.linux.Fd;
import dev.gantry.runtime.program.Program;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * A process to start.
 *
 * @param id the container's or the exec's id, 1 to 64 bytes, unique in this pause
 * @param program what the new process does, up to execve
 * @param fds the program's descriptors, in the order of its {@code passedFd} calls; the caller closes them
 * @param cloneFlags {@code CLONE_NEW…} flags of the process: {@code CLONE_NEWPID} for a PID namespace of its own
 * @param cgroup directory of the cgroup (v2) to be born in; otherwise pause's
 */
public record ProcessSpec(String id, Program program, List<Fd> fds, Stdio stdio, long cloneFlags, Optional<Fd> cgroup) {
    public static final int MAX_ID_BYTES = 64;

    public ProcessSpec {
        fds = List.copyOf(fds);
        int length = id.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > MAX_ID_BYTES || id.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("id is not of 1 to " + MAX_ID_BYTES + " bytes: '" + id + "'");
        }
        if (fds.size() != program.passedFds()) {
            throw new IllegalArgumentException(
                    "program of %s takes %d descriptors, got %d".formatted(id, program.passedFds(), fds.size()));
        }
    }
}
