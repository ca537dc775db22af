package dev.gantry.cri.transport;

import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * The two ways CRI travels: inside this process, where messages are handed over as objects, and over a unix socket.
 * The caller owns what is returned and shuts it down.
 */
public final class CriTransport {
    /** What kubelet and crictl receive at most in one message. */
    public static final int MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

    /** gRPC's own default, said here because it is a promise: names and values of a call's headers together. */
    private static final int MAX_METADATA_BYTES = 8 * 1024;

    /** One client cannot make the server hold more than this many calls; what comes after waits at the client. */
    private static final int MAX_CALLS_PER_CONNECTION = 1000;

    /** {@code sun_path} has 108 bytes, the last is NUL: unix(7). */
    private static final int MAX_SOCKET_PATH_BYTES = 107;

    private CriTransport() {}

    /**
     * Starts a server that only channels of this process can reach.
     *
     * @param executor runs the calls; the services decide what they hand on to other threads
     * @throws IOException if the name is taken
     */
    public static Server startInProcess(String name, Executor executor, List<BindableService> services)
            throws IOException {
        InProcessServerBuilder builder = InProcessServerBuilder.forName(name).executor(executor);
        services.forEach(builder::addService);
        return builder.build().start();
    }

    /** Opens a channel to {@link #startInProcess}; connecting is lazy, so the server may come later. */
    public static ManagedChannel inProcessChannel(String name) {
        // The callbacks of stubs are short; a thread switch per message would cost more than they do.
        return InProcessChannelBuilder.forName(name).directExecutor().build();
    }

    /**
     * Opens a channel to a runtime behind a unix socket; connecting is lazy and repeated.
     *
     * @param socket absolute path, without a scheme
     * @param loops outlive the channel
     */
    public static ManagedChannel unixChannel(Path socket, CriEventLoops loops) {
        return NettyChannelBuilder.forAddress(addressOf(socket))
                .channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(loops.group())
                .usePlaintext()
                // grpc-go and tonic refuse an authority that is a path.
                .overrideAuthority("localhost")
                .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                .build();
    }

    /**
     * Serves on a unix socket that only its owner and group can reach (mode 0660), to peers the policy admits.
     * A socket nobody answers on is replaced; a live one is not. A missing directory is made, for its owner only.
     *
     * @param executor runs the calls; a service that blocks on it holds up others
     * @throws IOException if the path is too long, is no socket, or another process serves on it
     */
    public static Server startUnix(
            Path socket, PeerPolicy policy, CriEventLoops loops, Executor executor, List<BindableService> services)
            throws IOException {
        DomainSocketAddress address = addressOf(socket);
        makeDirectory(Objects.requireNonNull(socket.toAbsolutePath().getParent()));
        removeStale(socket);
        NettyServerBuilder builder = NettyServerBuilder.forAddress(address)
                .channelFactory(() -> {
                    EpollServerDomainSocketChannel channel = new EpollServerDomainSocketChannel();
                    channel.pipeline().addLast(new PeerCheck(policy));
                    return channel;
                })
                .bossEventLoopGroup(loops.group())
                .workerEventLoopGroup(loops.group())
                .executor(executor)
                .maxInboundMessageSize(MAX_MESSAGE_BYTES)
                .maxInboundMetadataSize(MAX_METADATA_BYTES)
                .maxConcurrentCallsPerConnection(MAX_CALLS_PER_CONNECTION)
                // The kubelet's keepalive is more eager than grpc's default patience.
                .permitKeepAliveTime(1, TimeUnit.SECONDS)
                .permitKeepAliveWithoutCalls(true);
        services.forEach(builder::addService);
        Server server = builder.build().start();
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
        return server;
    }

    private static DomainSocketAddress addressOf(Path socket) {
        Path absolute = socket.toAbsolutePath();
        int bytes = absolute.toString().getBytes(StandardCharsets.UTF_8).length;
        if (bytes > MAX_SOCKET_PATH_BYTES) {
            throw new IllegalArgumentException(
                    "socket path '%s' has %d bytes, the kernel takes %d: choose a shorter directory"
                            .formatted(absolute, bytes, MAX_SOCKET_PATH_BYTES));
        }
        return new DomainSocketAddress(absolute.toString());
    }

    private static void makeDirectory(Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            return;
        }
        try {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (IOException e) {
            // Of these exceptions the text is the path only.
            throw new IOException("serve CRI: make the directory '%s': %s".formatted(directory, e), e);
        }
    }

    private static void removeStale(Path socket) throws IOException {
        if (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        Object mode = Files.getAttribute(socket, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        if (((Integer) mode & 0170000) != 0140000) {
            throw new IOException("serve CRI on '%s': the file is not a socket, and was left alone".formatted(socket));
        }
        try (java.nio.channels.SocketChannel probe =
                java.nio.channels.SocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            probe.connect(java.net.UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            // Nobody listens: the owner is gone.
            Files.deleteIfExists(socket);
            return;
        }
        throw new IOException("serve CRI on '%s': another process is serving there".formatted(socket));
    }
}
