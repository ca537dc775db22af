package dev.gantry.images.registry;

import dev.gantry.images.Credentials;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.Quoted;
import dev.gantry.images.json.JsonFormatException;
import dev.gantry.images.json.JsonObject;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/**
 * Asks a program {@code docker-credential-<name>} for a secret.
 *
 * @see <a href="https://github.com/docker/docker-credential-helpers">the protocol</a>
 */
final class CredentialHelper {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,99}");
    private static final int LARGEST = 64 << 10;
    private static final String NOT_FOUND = "credentials not found";

    private final List<Path> directories;
    private final Duration deadline;

    CredentialHelper(List<Path> directories, Duration deadline) {
        this.directories = directories;
        this.deadline = deadline;
    }

    /** Empty if the helper has none for this server. */
    Optional<Credentials> get(String name, String server) throws ImageException, InterruptedException {
        Path program = find(name);
        String what = program.getFileName() + " get for " + server;
        try {
            Process process = new ProcessBuilder(program.toString(), "get")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            try {
                return run(process, server, what);
            } finally {
                process.destroyForcibly();
            }
        } catch (IOException e) {
            throw new ImageException(Code.UNAUTHORIZED, "credential helper " + what + ": " + e.getMessage(), e);
        }
    }

    private Path find(String name) throws ImageException {
        if (NAME.matcher(name).matches()) {
            for (Path directory : directories) {
                Path program = directory.resolve("docker-credential-" + name);
                if (Files.isExecutable(program)) {
                    return program;
                }
            }
        }
        throw new ImageException(
                Code.UNAUTHORIZED,
                "credential helper docker-credential-" + Quoted.cut(name)
                        + " is not installed: it is asked for in docker's config.json, but not on the PATH");
    }

    private Optional<Credentials> run(Process process, String server, String what)
            throws IOException, InterruptedException {
        CompletableFuture<byte[]> output = new CompletableFuture<>();
        Thread reader = new Thread(
                () -> {
                    try (InputStream in = process.getInputStream()) {
                        output.complete(in.readNBytes(LARGEST));
                    } catch (IOException | RuntimeException e) {
                        output.completeExceptionally(e);
                    }
                },
                "credential-helper");
        reader.setDaemon(true);
        reader.start();
        try (OutputStream in = process.getOutputStream()) {
            in.write(server.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // it did not read its input: what it says counts
        }
        try {
            long end = System.nanoTime() + deadline.toNanos();
            byte[] text = output.get(deadline.toNanos(), TimeUnit.NANOSECONDS);
            if (!process.waitFor(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                throw new TimeoutException();
            }
            return parse(process.exitValue(), text, what);
        } catch (TimeoutException e) {
            throw new IOException("no answer within " + deadline.toSeconds() + " s, killed it");
        } catch (ExecutionException e) {
            throw new IOException("its output cannot be read: " + e.getCause(), e.getCause());
        }
    }

    private static Optional<Credentials> parse(int exit, byte[] text, String what) throws IOException {
        String output = new String(text, StandardCharsets.UTF_8);
        if (exit != 0) {
            if (output.contains(NOT_FOUND)) {
                return Optional.empty();
            }
            // what it says may hold a secret: only its exit code is told
            throw new IOException("exit code " + exit);
        }
        try {
            JsonObject json = JsonObject.parse(text, what);
            return Optional.of(Credentials.password(json.stringOrEmpty("Username"), json.string("Secret")));
        } catch (JsonFormatException e) {
            throw new IOException("its answer is no JSON with Username and Secret", e);
        }
    }
}
