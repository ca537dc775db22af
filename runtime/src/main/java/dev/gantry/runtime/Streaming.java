package dev.gantry.runtime;

import dev.gantry.cri.v1.AttachRequest;
import dev.gantry.cri.v1.AttachResponse;
import dev.gantry.cri.v1.ExecRequest;
import dev.gantry.cri.v1.ExecResponse;
import dev.gantry.cri.v1.PortForwardRequest;
import dev.gantry.cri.v1.PortForwardResponse;
import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.streaming.StreamingRequest;
import dev.gantry.runtime.streaming.StreamingServer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * CRI's Exec, Attach and PortForward: each is answered with a URL on loopback that works once, within a minute.
 *
 * <p>Listens, on a port that the kernel chooses, from the first request on: most nodes never see one.
 */
final class Streaming implements AutoCloseable {
    private static final int MIN_PORT = 1;
    private static final int MAX_PORT = 65_535;

    private final Pods pods;
    private final ContainerIo io;
    private final Clock clock;
    private @Nullable Listening listening;
    private boolean closed;

    /** What exists from the first request on. */
    private record Listening(StreamingServer server, EventLoopGroup group, ThreadPoolExecutor threads) {
        void close() {
            server.close();
            threads.shutdownNow();
            try {
                // The sessions' last words still go through the event loop.
                threads.awaitTermination(2, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            var unused = group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        }
    }

    Streaming(Pods pods, ContainerIo io) {
        this.pods = pods;
        this.io = io;
        this.clock = pods.machine().clock();
    }

    ExecResponse exec(ExecRequest request) throws IOException {
        StreamingRequest.Streams streams = new StreamingRequest.Streams(
                request.getStdin(), request.getStdout(), request.getStderr(), request.getTty());
        Container container = running(request.getContainerId(), "exec in");
        return ExecResponse.newBuilder()
                .setUrl(url(new StreamingRequest.Exec(
                        new dev.gantry.runtime.io.ExecRequest(
                                container.id(), request.getCmdList(), request.getStdin(), request.getTty()),
                        streams)))
                .build();
    }

    AttachResponse attach(AttachRequest request) throws IOException {
        StreamingRequest.Streams streams = new StreamingRequest.Streams(
                request.getStdin(), request.getStdout(), request.getStderr(), request.getTty());
        Container container = running(request.getContainerId(), "attach to");
        return AttachResponse.newBuilder()
                .setUrl(url(new StreamingRequest.Attach(container.id(), streams)))
                .build();
    }

    PortForwardResponse portForward(PortForwardRequest request) throws IOException {
        Sandbox sandbox = pods.existingSandbox(request.getPodSandboxId());
        if (!sandbox.isReady()) {
            throw CriErrors.wrongState("forward ports to pod sandbox '%s': it is not ready", sandbox.id());
        }
        for (int port : request.getPortList()) {
            if (port < MIN_PORT || port > MAX_PORT) {
                throw CriErrors.invalid("port %d: must be %d to %d", port, MIN_PORT, MAX_PORT);
            }
        }
        return PortForwardResponse.newBuilder()
                .setUrl(url(new StreamingRequest.PortForward(sandbox.id(), request.getPortList())))
                .build();
    }

    private Container running(String id, String what) {
        Container container = pods.existingContainer(id).container();
        if (!container.isRunning()) {
            throw CriErrors.wrongState("%s %s: it does not run", what, container);
        }
        return container;
    }

    private String url(StreamingRequest request) throws IOException {
        return server().url(request)
                .orElseThrow(() -> CriErrors.exhausted(
                        "too many streaming URLs wait for their clients: try again within a minute"))
                .toString();
    }

    private synchronized StreamingServer server() throws IOException {
        if (closed) {
            throw CriErrors.unavailable("the runtime is stopping");
        }
        Listening open = listening;
        if (open == null) {
            open = listen();
            listening = open;
        }
        return open.server();
    }

    private Listening listen() throws IOException {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("streaming-io", true), EpollIoHandler.newFactory());
        ThreadPoolExecutor threads = new ThreadPoolExecutor(
                0,
                Integer.MAX_VALUE,
                10,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                new DefaultThreadFactory("streaming", true));
        try {
            StreamingServer server = StreamingServer.listen(
                    new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0),
                    group,
                    EpollServerSocketChannel.class,
                    io,
                    threads,
                    clock);
            return new Listening(server, group, threads);
        } catch (IOException e) {
            var unused = group.shutdownGracefully(0, 1, TimeUnit.SECONDS);
            threads.shutdownNow();
            throw e;
        }
    }

    /** Ends all sessions; whoever asks for a URL afterwards is refused. */
    @Override
    public synchronized void close() {
        closed = true;
        Listening open = listening;
        listening = null;
        if (open != null) {
            open.close();
        }
    }
}
