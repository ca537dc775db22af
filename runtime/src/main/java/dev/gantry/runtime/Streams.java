package dev.gantry.runtime;

import dev.gantry.runtime.io.ContainerStreams;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.concurrent.CompletableFuture;

/** Streams put together from their parts. */
final class Streams implements ContainerStreams {
    private final OutputStream stdin;
    private final InputStream stdout;
    private final InputStream stderr;
    private final CompletableFuture<Integer> exit;
    private final Resizer resizer;
    private final Runnable onClose;

    /** Sets a terminal's size. */
    interface Resizer {
        Resizer NONE = (columns, rows) -> {};

        void resize(int columns, int rows) throws IOException;
    }

    Streams(
            OutputStream stdin,
            InputStream stdout,
            InputStream stderr,
            CompletableFuture<Integer> exit,
            Resizer resizer,
            Runnable onClose) {
        this.stdin = stdin;
        this.stdout = stdout;
        this.stderr = stderr;
        this.exit = exit;
        this.resizer = resizer;
        this.onClose = onClose;
    }

    /** In place of an input that was not asked for. */
    static OutputStream refusing() {
        return new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                throw new IOException("no stdin was asked for");
            }
        };
    }

    @Override
    public OutputStream stdin() {
        return stdin;
    }

    @Override
    public InputStream stdout() {
        return stdout;
    }

    @Override
    public InputStream stderr() {
        return stderr;
    }

    @Override
    public void resize(int columns, int rows) throws IOException {
        resizer.resize(columns, rows);
    }

    @Override
    public CompletableFuture<Integer> exit() {
        return exit.copy();
    }

    @Override
    public void close() {
        onClose.run();
        try {
            stdin.close();
            stdout.close();
            stderr.close();
        } catch (IOException e) {
            throw new IllegalStateException("our streams do not fail to close", e);
        }
    }
}
