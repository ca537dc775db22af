package dev.gantry.agent.stream;

import dev.gantry.runtime.io.AttachRequest;
import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.io.ContainerStreams;
import dev.gantry.runtime.io.ExecRequest;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Containers whose processes send their input back on stdout, {@code bye} on stderr at its end, and exit with 7. The container
 * {@code missing} does not exist, and port 1 refuses connections.
 */
final class EchoContainers implements ContainerIo {
    /** A line for each process whose client has gone. */
    final BlockingQueue<String> ended = new LinkedBlockingQueue<>();

    @Override
    public ContainerStreams exec(ExecRequest request) throws IOException {
        if (request.containerId().equals("missing")) {
            throw new IOException("exec in container 'missing': no such container");
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
        return new Echo();
    }

    private final class Echo implements ContainerStreams {
        private final PipedInputStream stdout = new PipedInputStream(1 << 16);
        private final PipedOutputStream toStdout = new PipedOutputStream(stdout);
        private final PipedInputStream stderr = new PipedInputStream();
        private final PipedOutputStream toStderr = new PipedOutputStream(stderr);
        private final CompletableFuture<Integer> exit = new CompletableFuture<>();
        private volatile String size = "no size";

        Echo() throws IOException {
            // The pipes are made above.
        }

        @Override
        public OutputStream stdin() {
            return new FilterOutputStream(toStdout) {
                @Override
                public void write(byte[] bytes, int offset, int length) throws IOException {
                    out.write(bytes, offset, length);
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
            size = columns + "x" + rows;
        }

        @Override
        public CompletableFuture<Integer> exit() {
            return exit;
        }

        @Override
        public void close() {
            ended.add("closed at " + size);
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
