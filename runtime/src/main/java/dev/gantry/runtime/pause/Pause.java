package dev.gantry.runtime.pause;

import dev.gantry.linux.Errno;
import dev.gantry.linux.Fd;
import dev.gantry.runtime.program.StepResult;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * One connected pause, that is one living pod sandbox.
 *
 * <p>Calls send a message and return at once; futures complete on the event loop, exceptionally with an
 * {@link IOException} when pause refuses, does not answer within the deadline, or is gone. What pause does survives the
 * connection.
 */
public interface Pause extends AutoCloseable {
    /** In the agent's PID namespace. */
    int pid();

    /** Readable when pause, and with a PID namespace its whole pod, has ended. Belongs to this object. */
    Fd pidfd();

    /** Steps of the setup that failed in a way it allows; empty for a pause that was found again. */
    default List<StepResult> setupTolerated() {
        return List.of();
    }

    /** Opens {@code /proc/<pid>/ns/<type>}, e.g. {@code net}; the caller closes it. */
    Fd namespace(String type) throws IOException;

    /**
     * Runs a program in a new process.
     *
     * @return completes when the program has reached its execve; exceptionally with a
     *     {@link dev.gantry.runtime.program.ProgramFailedException} if a step failed
     */
    CompletableFuture<Started> start(ProcessSpec process);

    /** Everything pause keeps, each with a fresh pidfd if it has not ended. */
    CompletableFuture<List<ProcessState>> processes();

    /** Forgets an ended process. What its descendants may still write is not logged any more. */
    CompletableFuture<Void> acknowledge(String id);

    /** From now on lines go to {@code log}, the old file has whole lines only; the caller closes its own {@code log}. */
    CompletableFuture<Void> rotate(String id, Optional<Fd> log);

    /**
     * Copies output to {@code stdout} and {@code stderr} (of a terminal only stdout) from now on, without waiting: a
     * full descriptor is cut. Made non-blocking; the caller closes its own.
     */
    CompletableFuture<Void> attach(String id, Optional<Fd> stdout, Optional<Fd> stderr);

    /** The write end of the process' stdin, a pipe or a terminal's master side; the caller closes it. */
    CompletableFuture<Fd> stdin(String id);

    /** Gives up pause's own write end, so that the process reads end of file once all others are closed. */
    CompletableFuture<Void> closeStdin(String id);

    /** Sets the size of the process' terminal. */
    CompletableFuture<Void> resize(String id, int rows, int columns);

    /**
     * Ends pause with SIGKILL and with it, in a PID namespace of the pod's own, all its processes. Returns before they
     * are gone: see {@link #pidfd()}.
     */
    void kill() throws IOException;

    /** Whether the failure says that pause does not know the id. */
    static boolean isUnknown(Throwable failure) {
        return failure instanceof PauseException refused && refused.errno() == Errno.ESRCH;
    }

    /** Closes the connection only. */
    @Override
    void close();
}
