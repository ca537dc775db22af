package dev.gantry.netns;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.function.Consumer;

/**
 * Two connections that carry each other's bytes. Each direction ends by itself, as TCP's do; a direction whose receiver
 * is slow stops reading.
 */
final class TcpRelay implements LoopbackPorts.Handler {
    private static final int BUFFER = 32 << 10;

    private final SocketChannel client;
    private final SocketChannel pod;
    private final SelectionKey clientKey;
    private final SelectionKey podKey;
    private final Direction toPod;
    private final Direction toClient;
    private final Consumer<TcpRelay> onClose;

    TcpRelay(LoopbackPorts loop, SocketChannel client, InetSocketAddress target, Consumer<TcpRelay> onClose)
            throws IOException {
        this.client = client;
        this.onClose = onClose;
        this.pod = SocketChannel.open();
        try {
            TcpForwarder.noDelay(client);
            TcpForwarder.noDelay(pod);
            this.clientKey = loop.register(client, 0, this);
            this.podKey = loop.register(pod, SelectionKey.OP_CONNECT, this);
            this.toPod = new Direction(client, pod);
            this.toClient = new Direction(pod, client);
            if (pod.connect(target)) {
                updateInterest();
            }
        } catch (IOException | RuntimeException e) {
            pod.close();
            throw e;
        }
    }

    @Override
    public void ready(SelectionKey key) throws IOException {
        if (key == podKey && key.isConnectable()) {
            pod.finishConnect();
        }
        if (!pod.isConnected()) {
            return;
        }
        toPod.move();
        toClient.move();
        if (toPod.isDone() && toClient.isDone()) {
            close();
            return;
        }
        updateInterest();
    }

    private void updateInterest() {
        clientKey.interestOps(toPod.readInterest() | toClient.writeInterest());
        podKey.interestOps(toClient.readInterest() | toPod.writeInterest());
    }

    @Override
    public void close() {
        LoopbackPorts.closeQuietly(client);
        LoopbackPorts.closeQuietly(pod);
        onClose.accept(this);
    }

    private static final class Direction {
        private final SocketChannel from;
        private final SocketChannel to;
        /** Filled from the front; what is in it waits for {@link #to}. */
        private final ByteBuffer waiting = ByteBuffer.allocate(BUFFER);

        private boolean ended;
        private boolean endPassedOn;

        Direction(SocketChannel from, SocketChannel to) {
            this.from = from;
            this.to = to;
        }

        void move() throws IOException {
            if (!ended && waiting.hasRemaining() && from.read(waiting) < 0) {
                ended = true;
            }
            if (waiting.position() > 0) {
                waiting.flip();
                to.write(waiting);
                waiting.compact();
            }
            if (ended && waiting.position() == 0 && !endPassedOn) {
                endPassedOn = true;
                to.shutdownOutput();
            }
        }

        boolean isDone() {
            return endPassedOn;
        }

        int readInterest() {
            return !ended && waiting.hasRemaining() ? SelectionKey.OP_READ : 0;
        }

        int writeInterest() {
            return waiting.position() > 0 ? SelectionKey.OP_WRITE : 0;
        }
    }
}
