package dev.gantry.netns;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Passes datagrams on, with a socket towards the pod for each sender, so that answers find their way back. A sender that
 * is silent for a minute is forgotten, as by the kernel's own connection tracking.
 */
final class UdpForwarder implements LoopbackPorts.Handler, LoopbackPorts.Timed {
    private static final long SILENCE_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final int MAX_SENDERS = 1024;
    private static final int MAX_DATAGRAM = 65_535;

    private final LoopbackPorts loop;
    private final DatagramChannel server;
    private final InetSocketAddress target;
    private final ByteBuffer datagram = ByteBuffer.allocateDirect(MAX_DATAGRAM);
    /** In the order of their last datagrams. */
    private final Map<SocketAddress, Sender> senders = new LinkedHashMap<>(16, 0.75f, true);

    private boolean reminded;

    UdpForwarder(LoopbackPorts loop, DatagramChannel server, InetSocketAddress target) throws IOException {
        this.loop = loop;
        this.server = server;
        this.target = target;
        loop.register(server, SelectionKey.OP_READ, this);
    }

    @Override
    public void ready(SelectionKey key) throws IOException {
        datagram.clear();
        SocketAddress from = server.receive(datagram);
        if (from == null) {
            return;
        }
        datagram.flip();
        try {
            sender(from).pass();
        } catch (IOException e) {
            // as on the network: a datagram may get lost
            forget(from);
        }
    }

    private Sender sender(SocketAddress from) throws IOException {
        Sender known = senders.get(from);
        if (known != null) {
            return known;
        }
        if (senders.size() >= MAX_SENDERS) {
            forget(senders.keySet().iterator().next());
        }
        Sender sender = new Sender(from);
        senders.put(from, sender);
        if (!reminded) {
            reminded = true;
            loop.remind(this);
        }
        return sender;
    }

    private void forget(SocketAddress from) {
        Sender sender = senders.remove(from);
        if (sender != null) {
            LoopbackPorts.closeQuietly(sender.pod);
        }
    }

    @Override
    public boolean tick(long nowNanos) {
        List<SocketAddress> silent = new ArrayList<>();
        senders.forEach((from, sender) -> {
            if (nowNanos - sender.lastNanos > SILENCE_NANOS) {
                silent.add(from);
            }
        });
        silent.forEach(this::forget);
        reminded = !senders.isEmpty();
        return reminded;
    }

    @Override
    public void close() {
        LoopbackPorts.closeQuietly(server);
        List.copyOf(senders.keySet()).forEach(this::forget);
    }

    private final class Sender implements LoopbackPorts.Handler {
        private final SocketAddress address;
        private final DatagramChannel pod;
        private long lastNanos;

        Sender(SocketAddress address) throws IOException {
            this.address = address;
            this.pod = DatagramChannel.open();
            try {
                pod.connect(target);
                loop.register(pod, SelectionKey.OP_READ, this);
            } catch (IOException | RuntimeException e) {
                pod.close();
                throw e;
            }
        }

        void pass() throws IOException {
            lastNanos = loop.nanoTime();
            try {
                pod.write(datagram);
            } catch (PortUnreachableException e) {
                // the answer to an earlier one; this one was not sent
                pod.write(datagram);
            }
        }

        @Override
        public void ready(SelectionKey key) throws IOException {
            datagram.clear();
            if (pod.read(datagram) >= 0) {
                lastNanos = loop.nanoTime();
                datagram.flip();
                server.send(datagram, address);
            }
        }

        @Override
        public void close() {
            forget(address);
        }
    }
}
