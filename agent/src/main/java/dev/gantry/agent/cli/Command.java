package dev.gantry.agent.cli;

import java.io.IOException;

/** One command of {@code gantry}. */
interface Command {
    CommandSpec spec();

    /**
     * Carries it out.
     *
     * @return the exit code of the process
     */
    int run(Arguments arguments, Session session)
            throws UsageException, CliException, IOException, InterruptedException;
}
