package dev.gantry.agent.stream;

import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.cri.transport.CriEventLoops;
import dev.gantry.runtime.io.AttachRequest;
import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.io.ContainerStreams;
import dev.gantry.runtime.io.ExecRequest;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Streams to what runs in another runtime's pods: the runtime names a URL for each, and this connects to it.
 *
 * <p>SPDY, which all runtimes serve, and which, unlike their WebSockets, can close stdin alone.
 */
public final class CriStreams implements ContainerIo, AutoCloseable {
    private static final List<String> COMMAND = List.of("v4.channel.k8s.io");
    private static final List<String> PORT = List.of("portforward.k8s.io");

    private final CriRuntime runtime;
    private final CriEventLoops loops;
    private final ExecutorService pool;

    /** @param loops stay the caller's */
    public CriStreams(CriRuntime runtime, CriEventLoops loops) {
        this.runtime = runtime;
        this.loops = loops;
        AtomicInteger count = new AtomicInteger();
        this.pool = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "cri-stream-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Of a process whose streams end before it has, most runtimes let go: whether it ends, too, is up to them. */
    @Override
    public ContainerStreams exec(ExecRequest request) throws IOException {
        URI url = url(runtime.exec(request.containerId(), request.command(), request.stdin(), request.tty()));
        return command(url, request.stdin(), request.tty());
    }

    /** The exit code is 0 when the streams end: CRI tells no other. */
    @Override
    public ContainerStreams attach(AttachRequest request) throws IOException {
        return command(
                url(runtime.attach(request.containerId(), request.stdin(), request.tty())),
                request.stdin(),
                request.tty());
    }

    @Override
    public ContainerStreams portForward(String podSandboxId, int port) throws IOException {
        URI url = url(runtime.portForward(podSandboxId, port));
        SpdyConnection connection = SpdyConnection.connect(loops.group(), url, PORT);
        try {
            return RemoteStreams.port(connection, port, pool);
        } catch (IOException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private ContainerStreams command(URI url, boolean stdin, boolean tty) throws IOException {
        SpdyConnection connection = SpdyConnection.connect(loops.group(), url, COMMAND);
        try {
            return RemoteStreams.command(connection, stdin, tty, pool);
        } catch (IOException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private static URI url(CompletableFuture<String> answer) throws IOException {
        try {
            return URI.create(answer.get());
        } catch (ExecutionException e) {
            throw new IOException(String.valueOf(Failures.cause(e).getMessage()), e);
        } catch (IllegalArgumentException e) {
            throw new IOException("the runtime named no URL for the stream: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the runtime prepared the stream", e);
        }
    }

    @Override
    public void close() {
        pool.shutdownNow();
    }
}
