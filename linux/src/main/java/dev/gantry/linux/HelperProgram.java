package dev.gantry.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program of the machine's that does one thing and says little. */
public final class HelperProgram {
    private static final int MAX_OUTPUT_BYTES = 4096;

    private HelperProgram() {}

    /**
     * How it went.
     *
     * @param output what it wrote, to standard output and error
     */
    public record Result(int exitStatus, String output) {}

    /**
     * Runs it to its end. It gets no input, and what it writes is less than a pipe holds.
     *
     * @param command the program, by its path or a name on the PATH, and its arguments
     * @param patience after which it is killed
     * @throws IOException if it is not there or does not end in time
     */
    public static Result run(List<String> command, Duration patience) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .start();
        try {
            if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IOException("%s: no end within %d s".formatted(command, patience.toSeconds()));
            }
            byte[] output = process.getInputStream().readNBytes(MAX_OUTPUT_BYTES);
            return new Result(process.exitValue(), new String(output, StandardCharsets.UTF_8).strip());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(command + ": interrupted", e);
        } finally {
            process.destroyForcibly();
        }
    }
}
