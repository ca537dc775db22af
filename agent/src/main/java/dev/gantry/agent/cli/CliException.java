package dev.gantry.agent.cli;

/** A command failed. The message is for the user and says what to do; it is printed without a stack trace. */
public final class CliException extends Exception {
    private static final long serialVersionUID = 1;

    private final int exitCode;

    /** A failure found by the command itself: printed after {@code error: }, exit code 1. */
    public CliException(String message) {
        this("error: " + message, 1);
    }

    private CliException(String text, int exitCode) {
        super(text);
        this.exitCode = exitCode;
    }

    /** What the server answered, in kubectl's words. */
    static CliException fromServer(int code, String reason, String message) {
        String kind = reason.isEmpty() ? String.valueOf(code) : reason;
        return new CliException("Error from server (" + kind + "): " + message, 1);
    }

    /** An exit code that says everything, such as that of a command executed in a container. */
    static CliException silent(int exitCode) {
        return new CliException("", exitCode);
    }

    int exitCode() {
        return exitCode;
    }
}
