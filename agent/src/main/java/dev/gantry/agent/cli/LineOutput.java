package dev.gantry.agent.cli;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes a stream of bytes to standard output; with a prefix, whole lines at a time, so that lines of several streams do not mix. */
final class LineOutput {
    private final Console console;
    private final byte[] prefix;
    private final Runnable before;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    LineOutput(Console console, String prefix) {
        this(console, prefix, () -> {});
    }

    /** Runs {@code before} each time that something is about to be written. */
    LineOutput(Console console, String prefix, Runnable before) {
        this.console = console;
        this.before = before;
        this.prefix = prefix.getBytes(StandardCharsets.UTF_8);
    }

    void write(byte[] bytes, int length) {
        before.run();
        if (prefix.length == 0) {
            console.out().write(bytes, 0, length);
            console.out().flush();
            return;
        }
        int start = 0;
        for (int i = 0; i < length; i++) {
            if (bytes[i] == '\n') {
                line.write(bytes, start, i + 1 - start);
                start = i + 1;
                printLine();
            }
        }
        line.write(bytes, start, length - start);
        console.out().flush();
    }

    private void printLine() {
        synchronized (console.out()) {
            console.out().write(prefix, 0, prefix.length);
            console.out().write(line.toByteArray(), 0, line.size());
        }
        line.reset();
    }

    /** The stream has ended: prints a last line without its end, and ends it. */
    void end() {
        if (line.size() > 0) {
            line.write('\n');
            printLine();
        }
        console.out().flush();
    }
}
