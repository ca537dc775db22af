package dev.gantry.e2e;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A program that was run to its end.
 *
 * @param words the program and its arguments
 * @param exitCode 128 and the signal's number if a signal ended it
 * @param output what it wrote to standard output
 * @param errors what it wrote to standard error
 */
public record Command(List<String> words, int exitCode, String output, String errors) {
    /** Runs a program with empty input. It has a minute. */
    public static Command run(String... words) throws IOException, InterruptedException {
        return run(Map.of(), "", words);
    }

    /**
     * Runs a program.
     *
     * @param environment added to this process's own
     * @param input what it reads
     * @throws IOException if it cannot be started, or has not ended within a minute
     */
    public static Command run(Map<String, String> environment, String input, String... words)
            throws IOException, InterruptedException {
        Path in = Files.createTempFile("gantry-e2e", ".in");
        Path out = Files.createTempFile("gantry-e2e", ".out");
        Path err = Files.createTempFile("gantry-e2e", ".err");
        try {
            Files.writeString(in, input);
            ProcessBuilder builder = new ProcessBuilder(words)
                    .redirectInput(in.toFile())
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException("run " + Arrays.asList(words) + ": not ended within 60 s; it printed: "
                        + Files.readString(out) + Files.readString(err));
            }
            return new Command(
                    List.of(words),
                    process.exitValue(),
                    new String(Files.readAllBytes(out), StandardCharsets.UTF_8),
                    new String(Files.readAllBytes(err), StandardCharsets.UTF_8));
        } finally {
            Files.delete(in);
            Files.delete(out);
            Files.delete(err);
        }
    }

    /**
     * Ends a process of ours with SIGTERM, or with SIGKILL if it has not ended ten seconds later.
     *
     * @throws IOException if this thread is interrupted meanwhile
     */
    public static void end(Process process) throws IOException {
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("wait for the end of process " + process.pid(), e);
        }
    }
}
