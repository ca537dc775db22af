package dev.gantry.agent.cli;

/** The command line cannot be understood. The message says which word, and where possible which one was meant. */
final class UsageException extends Exception {
    private static final long serialVersionUID = 1;

    UsageException(String message) {
        super(message);
    }
}
