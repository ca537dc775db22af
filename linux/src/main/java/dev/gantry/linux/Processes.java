package dev.gantry.linux;

import java.io.IOException;
import java.util.Optional;
import java.util.OptionalInt;

/** Processes, by pidfd wherever there is a choice. Nothing here waits for any child but the one named. */
public interface Processes {
    /**
     * Starts a program with an empty signal mask, default signal dispositions and only the descriptors asked for. It
     * inherits namespaces and credentials of the calling thread.
     *
     * @return the pid, as the caller's PID namespace numbers it; a child that the caller must wait for
     */
    int posixSpawn(SpawnRequest request) throws ErrnoException;

    /** {@link #posixSpawn} with a pidfd; without a race, since the child stays until it is waited for. */
    default ChildProcess spawn(SpawnRequest request) throws ErrnoException {
        int pid = posixSpawn(request);
        return new ChildProcess(pid, pidfdOpen(pid));
    }

    Fd pidfdOpen(int pid) throws ErrnoException;

    void pidfdSendSignal(Fd pidfd, int signal) throws ErrnoException;

    /** A copy of a descriptor of another process; needs the right to trace it. */
    Fd pidfdGetfd(Fd pidfd, int targetFd) throws ErrnoException;

    /**
     * The process behind a pidfd, as the proc file system mounted at /proc numbers it; empty once it is reaped.
     *
     * @throws IOException if fdinfo cannot be read
     */
    OptionalInt pidOfPidfd(Fd pidfd) throws IOException;

    /**
     * Waits for a child.
     *
     * @param options WEXITED, WNOHANG, WNOWAIT … of {@link Wait}
     * @return empty if WNOHANG is given and there is nothing to report
     * @throws ErrnoException ECHILD if it is no child of this process
     */
    Optional<WaitStatus> waitid(Fd pidfd, int options) throws ErrnoException;

    /** How a process ended that may be no child, as pidfs keeps it (PIDFD_GET_INFO); empty if not ended or unknown. */
    Optional<WaitStatus> exitOfPidfd(Fd pidfd) throws ErrnoException;

    /** Pid 0 and negative ones mean groups of processes, as in kill(2). */
    void kill(int pid, int signal) throws ErrnoException;

    int getpid();

    int gettid();

    int geteuid();

    /**
     * The limit of a process.
     *
     * @param resource RLIMIT_* of {@link ResourceLimit}
     */
    ResourceLimit getrlimit(int pid, int resource) throws ErrnoException;

    void setrlimit(int pid, int resource, ResourceLimit limit) throws ErrnoException;
}
