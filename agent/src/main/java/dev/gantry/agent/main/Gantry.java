package dev.gantry.agent.main;

import dev.gantry.agent.cli.Cli;

/** The command {@code gantry}. */
public final class Gantry {
    private Gantry() {}

    public static void main(String[] words) {
        int exitCode = Cli.run(words, new LocalNode());
        // Threads of a client may still wait for input; there is nothing left that an orderly end would do for them.
        Runtime.getRuntime().exit(exitCode);
    }
}
