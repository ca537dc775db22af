package dev.gantry.runtime.io;

import java.util.List;

/**
 * What to run in which container.
 *
 * @param command path or name looked up in the container's PATH, and arguments; at least one
 * @param stdin whether input follows; otherwise the process reads end-of-file at once
 * @param tty give it a terminal: stdout then carries both outputs and stderr stays empty
 */
public record ExecRequest(String containerId, List<String> command, boolean stdin, boolean tty) {
    public ExecRequest {
        command = List.copyOf(command);
        if (command.isEmpty()) {
            throw new IllegalArgumentException("exec in container '%s': the command is empty".formatted(containerId));
        }
    }
}
