package dev.gantry.netns;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Accepts connections and makes a relay of each. Used by the thread of {@link LoopbackPorts} only. */
final class TcpForwarder implements LoopbackPorts.Handler, LoopbackPorts.Timed {
    private final LoopbackPorts loop;
    private final ServerSocketChannel server;
    private final InetSocketAddress target;
    private final SelectionKey key;
    private final Set<TcpRelay> relays = new HashSet<>();

    TcpForwarder(LoopbackPorts loop, ServerSocketChannel server, InetSocketAddress target) throws IOException {
        this.loop = loop;
        this.server = server;
        this.target = target;
        this.key = loop.register(server, SelectionKey.OP_ACCEPT, this);
    }

    @Override
    public void ready(SelectionKey ready) {
        SocketChannel client;
        try {
            client = server.accept();
        } catch (IOException e) {
            // out of descriptors, most likely: pause until the next tick, others may have closed theirs by then
            key.interestOps(0);
            loop.remind(this);
            return;
        }
        if (client != null) {
            relay(client);
        }
    }

    private void relay(SocketChannel client) {
        try {
            relays.add(new TcpRelay(loop, client, target, relays::remove));
        } catch (IOException e) {
            LoopbackPorts.closeQuietly(client);
        }
    }

    @Override
    public boolean tick(long nowNanos) {
        if (key.isValid()) {
            key.interestOps(SelectionKey.OP_ACCEPT);
        }
        return false;
    }

    @Override
    public void close() {
        LoopbackPorts.closeQuietly(server);
        List.copyOf(relays).forEach(TcpRelay::close);
    }

    static void noDelay(SocketChannel channel) throws IOException {
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    }
}
