package dev.gantry.agent.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Where a command reads and writes, and what it may assume of it.
 *
 * @param outIsTerminal whether a person watches standard output; then colours and redrawing are fine
 * @param errIsTerminal the same of standard error
 * @param inIsTerminal whether a person types at standard input
 * @param colours whether escape sequences for colours may be written to {@code out}
 */
record Console(
        InputStream in,
        PrintStream out,
        PrintStream err,
        boolean inIsTerminal,
        boolean outIsTerminal,
        boolean errIsTerminal,
        boolean colours,
        Map<String, String> environment) {

    /** What shells make of an end by SIGPIPE. */
    private static final int BY_SIGPIPE = 128 + 13;

    /** The process's own streams. */
    static Console system() {
        Map<String, String> environment = System.getenv();
        boolean outIsTerminal = isTerminal(1);
        String noColour = environment.getOrDefault("NO_COLOR", "");
        boolean colours = outIsTerminal
                && noColour.isEmpty()
                && !environment.getOrDefault("TERM", "").equals("dumb");
        return new Console(
                new FileInputStream(FileDescriptor.in),
                StandardOutput.onto(new FileOutputStream(FileDescriptor.out)),
                new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8),
                isTerminal(0),
                outIsTerminal,
                isTerminal(2),
                colours,
                environment);
    }

    /** {@code isatty(3)} by the name behind the descriptor: asking the kernel would cost loading JNA. */
    private static boolean isTerminal(int descriptor) {
        try {
            String name = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor))
                    .toString();
            return name.startsWith("/dev/pts/") || name.startsWith("/dev/tty") || name.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Sends what was written on its way, and fails if it did not go: a command ends then, as others do by SIGPIPE.
     *
     * @throws CliException without a message if whoever read the output has gone
     */
    void requireOut() throws CliException {
        if (out.checkError()) {
            StandardOutput known = out instanceof StandardOutput standard ? standard : null;
            if (known != null && known.isAbandoned()) {
                throw CliException.silent(BY_SIGPIPE);
            }
            throw new CliException("write to standard output: " + (known == null ? "it is closed" : known.reason()));
        }
    }

    String bold(String text) {
        return paint("1", text);
    }

    String dim(String text) {
        return paint("2", text);
    }

    String red(String text) {
        return paint("31", text);
    }

    String green(String text) {
        return paint("32", text);
    }

    String yellow(String text) {
        return paint("33", text);
    }

    String cyan(String text) {
        return paint("36", text);
    }

    /** Wraps text in one SGR code, or leaves it alone where colours are not wanted. */
    String paint(String code, String text) {
        return colours && !text.isEmpty() ? "\u001b[" + code + "m" + text + "\u001b[0m" : text;
    }

    /** Columns of the terminal, as the shell exports them, else 80. */
    int columns() {
        try {
            return Math.max(20, Integer.parseInt(environment.getOrDefault("COLUMNS", "80")));
        } catch (NumberFormatException e) {
            return 80;
        }
    }
}
