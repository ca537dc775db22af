package dev.gantry.runtime.pause;

import dev.gantry.linux.Fd;
import java.util.Optional;

/** What a new process has as descriptors 0, 1 and 2. */
public sealed interface Stdio {
    /**
     * Pipes of pause, which writes what arrives as CRI log lines.
     *
     * @param stdin whether there is a pipe for input; otherwise /dev/null
     * @param log a regular file open for appending; without one the output is only copied to attached readers
     */
    record Logged(boolean stdin, Optional<Fd> log) implements Stdio {}

    /**
     * A terminal which the program opens and gives to pause with {@code sendTerminal}; pause logs it as stdout and keeps
     * it as stdin.
     */
    record LoggedTerminal(Optional<Fd> log) implements Stdio {}

    /** Descriptors of the caller, who keeps and closes its own. */
    record Passed(Fd stdin, Fd stdout, Fd stderr) implements Stdio {}

    /** A terminal which the program opens and sends; it is handed on to the caller in {@link Started#terminal()}. */
    record Terminal() implements Stdio {}
}
