package dev.gantry.runtime;

import dev.gantry.cri.transport.CriEventLoops;
import dev.gantry.cri.transport.CriTransport;
import dev.gantry.cri.transport.PeerPolicy;
import dev.gantry.linux.WorkerPool;
import io.grpc.Server;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * CRI v1 of a {@link NativeRuntime} on a unix socket, for crictl, a kubelet and other clients of this machine. Close it
 * before the runtime.
 */
public final class RuntimeSocket implements AutoCloseable {
    /** Calls are handed on at once to their pods; these read what is in memory, and statistics from the kernel. */
    private static final int CALL_THREADS = 16;

    private final Server server;
    private final CriEventLoops loops;
    private final WorkerPool calls;

    private RuntimeSocket(Server server, CriEventLoops loops, WorkerPool calls) {
        this.server = server;
        this.loops = loops;
        this.calls = calls;
    }

    /**
     * Begins to serve. Missing directories are made with mode 0700, the socket has 0660.
     *
     * @param policy who may connect
     * @throws IOException if the path is no place for a socket, or another process serves there
     */
    public static RuntimeSocket serve(NativeRuntime runtime, Path socket, PeerPolicy policy) throws IOException {
        CriEventLoops loops = CriEventLoops.open(1);
        WorkerPool calls = new WorkerPool("cri", CALL_THREADS);
        try {
            Server server = CriTransport.startUnix(
                    socket, policy, loops, calls, List.of(runtime.runtimeService(), runtime.imageService()));
            return new RuntimeSocket(server, loops, calls);
        } catch (IOException | RuntimeException e) {
            loops.close();
            calls.shutdownNow();
            throw e;
        }
    }

    /** Hangs up on all clients and removes the socket. What they had begun goes on. */
    @Override
    public void close() {
        server.shutdownNow();
        try {
            server.awaitTermination(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        loops.close();
        calls.shutdownNow();
    }
}
