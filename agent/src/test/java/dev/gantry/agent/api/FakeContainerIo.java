package dev.gantry.agent.api;

import dev.gantry.runtime.io.AttachRequest;
import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.io.ContainerStreams;
import dev.gantry.runtime.io.ExecRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/** Processes that a test plays. */
public final class FakeContainerIo implements ContainerIo {
    /** One process: the test's ends of its streams. */
    public static final class Played implements ContainerStreams {
        public final ExecRequest request;
        public final PipedOutputStream stdout = new PipedOutputStream();
        public final PipedOutputStream stderr = new PipedOutputStream();
        public final PipedInputStream stdinRead = new PipedInputStream(256 * 1024);
        public final List<String> sizes = Collections.synchronizedList(new ArrayList<>());
        public final CountDownLatch closed = new CountDownLatch(1);
        public final CompletableFuture<Integer> exit = new CompletableFuture<>();
        private final PipedInputStream stdoutRead = new PipedInputStream(1024 * 1024);
        private final PipedInputStream stderrRead = new PipedInputStream(64 * 1024);
        private final PipedOutputStream stdin = new PipedOutputStream();

        Played(ExecRequest request) throws IOException {
            this.request = request;
            stdout.connect(stdoutRead);
            stderr.connect(stderrRead);
            stdinRead.connect(stdin);
        }

        /** Ends as a process does: its outputs are closed, then its exit is known. */
        public void end(int code) throws IOException {
            stdout.close();
            stderr.close();
            exit.complete(code);
        }

        @Override
        public OutputStream stdin() {
            return stdin;
        }

        @Override
        public InputStream stdout() {
            return stdoutRead;
        }

        @Override
        public InputStream stderr() {
            return stderrRead;
        }

        @Override
        public void resize(int columns, int rows) {
            sizes.add(columns + "x" + rows);
        }

        @Override
        public CompletableFuture<Integer> exit() {
            return exit;
        }

        @Override
        public void close() {
            closed.countDown();
        }
    }

    private final java.util.concurrent.BlockingQueue<Played> started = new java.util.concurrent.LinkedBlockingQueue<>();

    /** Waits for the next process to be started. */
    public Played take() throws InterruptedException {
        return started.take();
    }

    @Override
    public ContainerStreams exec(ExecRequest request) throws IOException {
        if (request.command().get(0).equals("missing")) {
            throw new IOException("exec in container web: step 9, execve missing: ENOENT");
        }
        Played process = new Played(request);
        started.add(process);
        return process;
    }

    @Override
    public ContainerStreams attach(AttachRequest request) throws IOException {
        Played process =
                new Played(new ExecRequest(request.containerId(), List.of("attached"), request.stdin(), false));
        started.add(process);
        return process;
    }

    @Override
    public ContainerStreams portForward(String podSandboxId, int port) throws IOException {
        throw new IOException("not played");
    }
}
