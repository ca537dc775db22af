package dev.gantry.agent.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Runs command lines in this process and keeps what they print. */
final class CommandLine {
    final FakeNode node = new FakeNode();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final boolean terminal;
    /** Standard output in place of what is kept. */
    @Nullable PrintStream output;

    CommandLine(boolean terminal) {
        this.terminal = terminal;
    }

    int run(String... words) {
        return run("", words);
    }

    /** With this on standard input. */
    int run(String input, String[] words) {
        out.reset();
        err.reset();
        Console console = new Console(
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                output == null ? new PrintStream(out, true, StandardCharsets.UTF_8) : output,
                new PrintStream(err, true, StandardCharsets.UTF_8),
                false,
                terminal,
                terminal,
                terminal,
                Map.of("COLUMNS", "120"));
        return new Cli(console, node).run(Arrays.asList(words));
    }

    String out() {
        return out.toString(StandardCharsets.UTF_8);
    }

    String err() {
        return err.toString(StandardCharsets.UTF_8);
    }
}
