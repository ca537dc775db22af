package dev.gantry.runtime.streaming;

import dev.gantry.runtime.io.AttachRequest;
import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.io.ContainerStreams;
import dev.gantry.runtime.io.ExecRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * Containers whose processes send their input back on stdout, {@code bye} on stderr at its end, and exit with 7. The container
 * {@code missing} does not exist, port 1 refuses connections, and port 2 resets them. What is {@code broken}, and port 3, fail
 * as nobody expects.
 */
final class EchoIo implements ContainerIo {
    final List<String> resizes = new CopyOnWriteArrayList<>();
    final List<CompletableFuture<Integer>> exits = new CopyOnWriteArrayList<>();

    /** An exec waits for it. */
    volatile CountDownLatch held = new CountDownLatch(0);

    @Override
    public ContainerStreams exec(ExecRequest request) throws IOException {
        try {
            held.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
        if (request.containerId().equals("missing")) {
            throw new IOException("exec in container 'missing': no such container");
        }
        if (request.containerId().equals("broken")) {
            throw new IllegalStateException("exec in container 'broken': unforeseen");
        }
        return new Echo();
    }

    @Override
    public ContainerStreams attach(AttachRequest request) throws IOException {
        return new Echo();
    }

    @Override
    public ContainerStreams portForward(String podSandboxId, int port) throws IOException {
        if (port == 1) {
            throw new IOException("connect to localhost:1: connection refused");
        }
        if (port == 3) {
            throw new IllegalStateException("unforeseen");
        }
        Echo echo = new Echo();
        if (port == 2) {
            // Reading fails from now on.
            echo.stdout.close();
        }
        return echo;
    }

    private final class Echo implements ContainerStreams {
        private final PipedInputStream stdout = new PipedInputStream(1 << 16);
        private final PipedOutputStream toStdout = new PipedOutputStream(stdout);
        private final PipedInputStream stderr = new PipedInputStream();
        private final PipedOutputStream toStderr = new PipedOutputStream(stderr);
        private final CompletableFuture<Integer> exit = new CompletableFuture<>();

        Echo() throws IOException {
            exits.add(exit);
        }

        @Override
        public OutputStream stdin() {
            return new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                    toStdout.write(b);
                }

                @Override
                public void write(byte[] bytes, int offset, int length) throws IOException {
                    toStdout.write(bytes, offset, length);
                }

                @Override
                public void flush() throws IOException {
                    toStdout.flush();
                }

                @Override
                public void close() throws IOException {
                    toStderr.write("bye".getBytes(StandardCharsets.US_ASCII));
                    toStderr.close();
                    toStdout.close();
                    exit.complete(7);
                }
            };
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
        public void resize(int columns, int rows) {
            resizes.add(columns + "x" + rows);
        }

        @Override
        public CompletableFuture<Integer> exit() {
            return exit;
        }

        @Override
        public void close() {
            try {
                toStdout.close();
                toStderr.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            exit.complete(137);
        }
    }
}
