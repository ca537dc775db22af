package dev.gantry.netns.cni;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Runs plugins as child processes, with bounded output. */
final class ProcessPluginRunner implements PluginRunner {
    private static final int MAX_STDOUT_BYTES = 1 << 20;
    private static final int MAX_STDERR_BYTES = 8 << 10;

    private final Executor readers;

    /**
     * Creates a runner.
     *
     * @param readers three tasks for each plugin that runs, which may block until it ends
     */
    ProcessPluginRunner(Executor readers) {
        this.readers = readers;
    }

    @Override
    public Output run(Path program, Map<String, String> environment, byte[] input, Duration deadline)
            throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(program.toString());
        builder.environment().clear();
        builder.environment().putAll(environment);
        Process process = builder.start();
        long end = System.nanoTime() + deadline.toNanos();
        try {
            var stdout = read(process.getInputStream(), MAX_STDOUT_BYTES);
            var stderr = read(process.getErrorStream(), MAX_STDERR_BYTES);
            readers.execute(() -> write(process.getOutputStream(), input));
            if (!process.waitFor(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                throw expired(program, deadline);
            }
            return new Output(process.exitValue(), await(stdout, end), await(stderr, end));
        } catch (TimeoutException e) {
            throw expired(program, deadline);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private static void write(OutputStream stream, byte[] input) {
        try (stream) {
            stream.write(input);
        } catch (IOException e) {
            // It ended without reading: its exit code and output say why.
        }
    }

    private CompletableFuture<String> read(InputStream stream, int limit) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try (stream) {
                        String text = new String(stream.readNBytes(limit), StandardCharsets.UTF_8);
                        stream.transferTo(OutputStream.nullOutputStream());
                        return text;
                    } catch (IOException e) {
                        return "";
                    }
                },
                readers);
    }

    /** A plugin's child may keep the pipes open after the plugin has ended, so this waits no longer than the deadline. */
    private static String await(CompletableFuture<String> text, long end)
            throws InterruptedException, TimeoutException {
        try {
            return text.get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    private static CniException expired(Path program, Duration deadline) {
        return new CniException(
                CniException.NO_CODE,
                "plugin %s did not end within %d s and was killed; see what it waits for, for example its daemon"
                        .formatted(program, deadline.toSeconds()));
    }
}
