package dev.gantry.netns;

import dev.gantry.linux.netlink.IpPrefix;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.LongSupplier;

/**
 * Host ports on the host's loopback addresses: listens there and passes bytes on to the pod, TCP and UDP.
 *
 * <p>The kernel could do this only with {@code route_localnet} set, and that lets neighbours on the link reach services
 * which trust 127.0.0.1. As a side effect nobody else can take a port that leads to a pod. One thread for all ports,
 * asleep unless bytes arrive. Connections by this way end with the agent; those to the host's other addresses do not.
 */
final class LoopbackPorts implements Closeable {
    private static final long TICK_MILLIS = 1000;

    /** What a channel's readiness leads to; it closes what it has if it throws. */
    interface Handler {
        void ready(SelectionKey key) throws IOException;

        /** Closes everything that hangs on it. */
        void close();
    }

    /** Something with an end in time; asked about once a second as long as it exists. */
    interface Timed {
        /** Returns whether it still waits for something. */
        boolean tick(long nowNanos);
    }

    /**
     * A port to listen on.
     *
     * @param listen a loopback address of the host
     * @param target a pod
     */
    record Forward(PortProtocol protocol, InetSocketAddress listen, InetSocketAddress target) {}

    private final Selector selector;
    private final LongSupplier nanoTime;
    private final Queue<FutureTask<?>> tasks = new ConcurrentLinkedQueue<>();
    private final Map<String, List<Handler>> bySandbox = new HashMap<>();
    private final List<Timed> timed = new ArrayList<>();
    private final Thread thread;

    private LoopbackPorts(Selector selector, LongSupplier nanoTime) {
        this.selector = selector;
        this.nanoTime = nanoTime;
        this.thread = new Thread(this::loop, "gantry-loopback-ports");
        thread.setDaemon(true);
    }

    /** Starts the thread, which listens in the network namespace of the calling one. */
    static LoopbackPorts start(LongSupplier nanoTime) throws IOException {
        LoopbackPorts ports = new LoopbackPorts(Selector.open(), nanoTime);
        ports.thread.start();
        return ports;
    }

    /**
     * What to listen on for a pod's ports.
     *
     * @param pod its addresses, at most one of each family
     */
    static List<Forward> forwards(List<InetAddress> pod, List<PortMapping> ports) {
        InetAddress loopback4 = InetAddress.getLoopbackAddress();
        InetAddress loopback6 = IpPrefix.parseAddress("::1");
        List<Forward> forwards = new ArrayList<>();
        for (PortMapping port : ports) {
            Optional<InetAddress> hostIp = port.hostIp();
            if (port.protocol() == PortProtocol.SCTP || (hostIp.isPresent() && !port.isLoopbackOnly())) {
                continue;
            }
            for (InetAddress listen : hostIp.map(List::of).orElse(List.of(loopback4, loopback6))) {
                InetAddress target = pod.stream()
                        .filter(address -> address.getAddress().length == listen.getAddress().length)
                        .findFirst()
                        .orElse(pod.get(0));
                forwards.add(new Forward(
                        port.protocol(),
                        new InetSocketAddress(listen, port.hostPort()),
                        new InetSocketAddress(target, port.containerPort())));
            }
        }
        return forwards;
    }

    /**
     * Listens for a sandbox on all of these, or on none.
     *
     * @throws NetworkException if a port is in use by another process
     */
    void open(String sandboxId, String pod, List<Forward> forwards) throws IOException {
        if (forwards.isEmpty()) {
            return;
        }
        onLoop(() -> {
            List<Handler> opened = new ArrayList<>();
            try {
                for (Forward forward : forwards) {
                    listen(pod, forward).ifPresent(opened::add);
                }
            } catch (IOException e) {
                opened.forEach(Handler::close);
                finishCloses();
                throw e;
            }
            bySandbox.computeIfAbsent(sandboxId, id -> new ArrayList<>()).addAll(opened);
            return true;
        });
    }

    private Optional<Handler> listen(String pod, Forward forward) throws IOException {
        try {
            Handler handler = forward.protocol() == PortProtocol.UDP ? listenUdp(forward) : listenTcp(forward);
            return Optional.of(handler);
        } catch (IOException | UnsupportedOperationException e) {
            String address = PortMapping.bracketed(forward.listen().getAddress()) + ":"
                    + forward.listen().getPort();
            if (String.valueOf(e.getMessage()).contains("in use")) {
                throw new NetworkException(
                        "pod " + pod + ": hostPort " + forward.listen().getPort() + "/" + forward.protocol() + ": "
                                + address + " is in use by another process of this host; stop it (`ss -lnp 'sport = :"
                                + forward.listen().getPort() + "'` names it) or choose another hostPort",
                        e);
            }
            if (forward.listen().getAddress().getAddress().length == 16) {
                // a host without IPv6 has no ::1
                return Optional.empty();
            }
            throw new IOException("pod " + pod + ": listen on " + address + "/" + forward.protocol() + ": " + e, e);
        }
    }

    private static StandardProtocolFamily family(Forward forward) {
        return forward.listen().getAddress().getAddress().length == 16
                ? StandardProtocolFamily.INET6
                : StandardProtocolFamily.INET;
    }

    private Handler listenTcp(Forward forward) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(family(forward));
        try {
            server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            server.bind(forward.listen());
            return new TcpForwarder(this, server, forward.target());
        } catch (IOException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    private Handler listenUdp(Forward forward) throws IOException {
        DatagramChannel channel = DatagramChannel.open(family(forward));
        try {
            channel.bind(forward.listen());
            return new UdpForwarder(this, channel, forward.target());
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** Stops listening for a sandbox and ends its connections. */
    void close(String sandboxId) throws IOException {
        onLoop(() -> {
            List<Handler> handlers = bySandbox.remove(sandboxId);
            if (handlers != null) {
                handlers.forEach(Handler::close);
                finishCloses();
            }
            return true;
        });
    }

    /** A channel that a selector knows keeps its port, though closed, until the selector is asked again. */
    private void finishCloses() throws IOException {
        selector.selectNow(this::handle);
    }

    private void onLoop(Callable<?> action) throws IOException {
        FutureTask<?> task = new FutureTask<>(action);
        tasks.add(task);
        selector.wakeup();
        if (!thread.isAlive()) {
            throw new IOException("loopback ports are closed");
        }
        try {
            task.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while opening or closing loopback ports");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof NetworkException refused) {
                throw refused;
            }
            throw new IOException("loopback ports: " + e.getCause(), e);
        }
    }

    /** On this object's thread. */
    SelectionKey register(SelectableChannel channel, int interest, Handler handler) throws IOException {
        channel.configureBlocking(false);
        return channel.register(selector, interest, handler);
    }

    /** On this object's thread. */
    void remind(Timed thing) {
        timed.add(thing);
    }

    long nanoTime() {
        return nanoTime.getAsLong();
    }

    private void loop() {
        try {
            while (selector.isOpen()) {
                selector.select(this::handle, timed.isEmpty() ? 0 : TICK_MILLIS);
                long now = nanoTime();
                timed.removeIf(thing -> !thing.tick(now));
                for (FutureTask<?> task = tasks.poll(); task != null; task = tasks.poll()) {
                    task.run();
                }
            }
        } catch (ClosedSelectorException e) {
            // the end
        } catch (IOException e) {
            throw new UncheckedIOException("select on loopback ports", e);
        }
    }

    private void handle(SelectionKey key) {
        Handler handler = (Handler) key.attachment();
        try {
            if (key.isValid()) {
                handler.ready(key);
            }
        } catch (IOException | RuntimeException e) {
            // a peer went away: nothing but its connection is lost
            handler.close();
        }
    }

    @Override
    public void close() {
        try {
            onLoop(() -> {
                bySandbox.values().forEach(handlers -> handlers.forEach(Handler::close));
                bySandbox.clear();
                selector.close();
                return true;
            });
        } catch (IOException e) {
            // closed before
        }
    }

    static void closeQuietly(Closeable channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // nobody is left to tell
        }
    }
}
