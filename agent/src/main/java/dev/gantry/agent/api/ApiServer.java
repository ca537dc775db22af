package dev.gantry.agent.api;

import dev.gantry.linux.Linux;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.PeerCredentials;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.Objects;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The local API on its unix socket. One event loop moves the bytes; requests are worked on by a pool that is empty when nobody asks. Only root and the agent's own
 * user are answered.
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // a write or close that fails ends the connection, which is heard of otherwise
public final class ApiServer implements AutoCloseable {
    static final Logger LOG = LoggerFactory.getLogger(ApiServer.class);

    private static final int MAX_SOCKET_PATH = 107;
    private static final int OWN_UID = ownUid();

    private final MultiThreadIoEventLoopGroup loop;
    private final ThreadPoolExecutor workers;
    private final PodResource pods;
    private final EventResource events;
    private final FileWatch watch;
    private final Channel server;
    private final ChannelGroup clients;
    private final Path socket;

    private ApiServer(
            MultiThreadIoEventLoopGroup loop,
            ThreadPoolExecutor workers,
            PodResource pods,
            EventResource events,
            FileWatch watch,
            Channel server,
            ChannelGroup clients,
            Path socket) {
        this.loop = loop;
        this.workers = workers;
        this.pods = pods;
        this.events = events;
        this.watch = watch;
        this.server = server;
        this.clients = clients;
        this.socket = socket;
    }

    /**
     * Binds the socket and answers from then on. The caller holds the lock of the directory, so a socket that is there already is a left-over.
     *
     * @throws IOException if the path is too long for a socket or cannot be bound
     */
    public static ApiServer start(Path socket, Backend backend, ApiLimits limits, Clock clock) throws IOException {
        prepare(socket);
        ThreadPoolExecutor workers = workers(limits.requests());
        PodResource pods = new PodResource(backend.engine(), backend.manifests(), clock);
        EventResource events = new EventResource(backend.engine(), clock);
        FileWatch watch = new FileWatch();
        Router router = new Router(
                pods,
                new PodEditResource(backend.engine(), pods, backend.manifests(), clock),
                events,
                new LogResource(backend.engine(), Linux.system().files(), backend.podLogs(), watch, clock),
                new ExecResource(backend.engine(), backend.io(), limits, workers),
                new ImageResource(backend.images(), new RuntimeImages(backend.runtimeImages()), backend.uploads()),
                new NodeResource(backend, clock));
        ThreadFactory loopThread = runnable -> daemon(runnable, "api-loop");
        MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, loopThread, EpollIoHandler.newFactory());
        ChannelGroup clients = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop)
                .channel(EpollServerDomainSocketChannel.class)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(64 * 1024, 256 * 1024))
                .childHandler(new ChannelInitializer<EpollDomainSocketChannel>() {
                    @Override
                    protected void initChannel(EpollDomainSocketChannel channel) throws IOException {
                        accept(channel, clients, limits, router, workers);
                    }
                });
        try {
            Channel server = bootstrap
                    .bind(new DomainSocketAddress(socket.toString()))
                    .sync()
                    .channel();
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
            return new ApiServer(loop, workers, pods, events, watch, server, clients, socket);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            loop.shutdownGracefully();
            throw new IOException("bind " + socket + ": interrupted", e);
        } catch (IOException | RuntimeException e) {
            loop.shutdownGracefully();
            throw e;
        }
    }

    private static void prepare(Path socket) throws IOException {
        int length = socket.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
        if (length > MAX_SOCKET_PATH) {
            throw new IOException("bind " + socket + ": the path has " + length + " bytes, a unix socket's may have "
                    + MAX_SOCKET_PATH + "; choose a shorter --root");
        }
        Path directory = Objects.requireNonNull(socket.getParent());
        Files.createDirectories(directory);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        if (answers(socket)) {
            throw new IOException("bind " + socket + ": another agent answers there");
        }
        Files.deleteIfExists(socket);
    }

    private static boolean answers(Path socket) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException e) {
            return false;
        }
    }

    private static ThreadPoolExecutor workers(int count) {
        AtomicInteger number = new AtomicInteger();
        return new ThreadPoolExecutor(
                0,
                count,
                10,
                TimeUnit.SECONDS,
                new SynchronousQueue<>(),
                runnable -> daemon(runnable, "api-" + number.incrementAndGet()));
    }

    private static Thread daemon(Runnable runnable, String name) {
        Thread thread = new Thread(runnable, name);
        thread.setDaemon(true);
        return thread;
    }

    private static void accept(
            EpollDomainSocketChannel channel,
            ChannelGroup clients,
            ApiLimits limits,
            Router router,
            ThreadPoolExecutor workers)
            throws IOException {
        PeerCredentials peer = channel.peerCredentials();
        if (peer.uid() != 0 && peer.uid() != OWN_UID) {
            LOG.atWarn()
                    .addKeyValue("uid", peer.uid())
                    .addKeyValue("pid", peer.pid())
                    .log("Refused a connection to the local API");
            channel.close();
            return;
        }
        clients.add(channel);
        if (clients.size() > limits.connections()) {
            channel.close();
            return;
        }
        HttpDecoderConfig config = new HttpDecoderConfig()
                .setMaxInitialLineLength(limits.lineBytes())
                .setMaxHeaderSize(limits.headerBytes())
                .setMaxChunkSize(64 * 1024);
        channel.pipeline().addLast(new HttpServerCodec(config), new Connection(limits, router, workers));
    }

    private static int ownUid() {
        try {
            return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        } catch (IOException e) {
            // Without /proc only root is answered.
            return 0;
        }
    }

    public Path socket() {
        return socket;
    }

    /** Stops answering and ends every stream. */
    @Override
    public void close() {
        server.close().syncUninterruptibly();
        clients.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
        pods.close();
        events.close();
        workers.shutdown();
        try {
            // Streams have seen their clients go and end by themselves; what still works then is told to stop.
            if (!workers.awaitTermination(1, TimeUnit.SECONDS)) {
                workers.shutdownNow();
                workers.awaitTermination(1, TimeUnit.SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            workers.shutdownNow();
        }
        loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(2, TimeUnit.SECONDS);
        try {
            watch.close();
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            LOG.atDebug().setCause(e).log("Could not clean up after the local API");
        }
    }
}
