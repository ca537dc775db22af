package dev.gantry.agent.api;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A request's body on its way from the event loop to a worker. The connection is read only while little is waiting, so that neither memory nor the client runs
 * ahead of the worker.
 */
final class BodyStream extends InputStream {
    private static final int ENOUGH = 512 * 1024;

    private final Channel channel;
    private final long limit;
    private final Deque<byte[]> waiting = new ArrayDeque<>();
    private int waitingBytes;
    private long received;
    private byte[] current = new byte[0];
    private int at;
    private boolean ended;
    private @Nullable String broken;

    BodyStream(Channel channel, long limit) {
        this.channel = channel;
        this.limit = limit;
    }

    /** From the event loop. Answers false if the body has become too long. */
    synchronized boolean add(ByteBuf content) {
        received += content.readableBytes();
        if (received > limit) {
            fail("the body has more than " + limit + " bytes");
            return false;
        }
        if (content.isReadable() && broken == null) {
            byte[] bytes = new byte[content.readableBytes()];
            content.readBytes(bytes);
            waiting.add(bytes);
            waitingBytes += bytes.length;
            if (waitingBytes >= ENOUGH) {
                channel.config().setAutoRead(false);
            }
            notifyAll();
        }
        return true;
    }

    /** From the event loop: that was all. */
    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** From the event loop: no more will come. */
    synchronized void fail(String reason) {
        if (!ended) {
            broken = reason;
            notifyAll();
        }
    }

    synchronized boolean isTooLong() {
        return received > limit;
    }

    /** All of it; for bodies with a small limit. */
    byte[] bytes() throws IOException {
        return readAllBytes();
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public synchronized int read(byte[] bytes, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (at == current.length) {
            if (broken != null) {
                throw new IOException("reading the request: " + broken);
            }
            byte[] next = waiting.poll();
            if (next != null) {
                current = next;
                at = 0;
                waitingBytes -= next.length;
                if (waitingBytes < ENOUGH / 2) {
                    channel.config().setAutoRead(true);
                }
            } else if (ended) {
                return -1;
            } else {
                try {
                    wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("reading the request: interrupted", e);
                }
            }
        }
        int count = Math.min(length, current.length - at);
        System.arraycopy(current, at, bytes, offset, count);
        at += count;
        return count;
    }
}
