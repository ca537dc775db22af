package dev.gantry.runtime;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Poll;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * A descriptor as a stream that can be closed while somebody reads: the event loop fills a bounded buffer, readers wait
 * for that. Owns the descriptor.
 */
final class LoopInput extends InputStream {
    private static final int CHUNK = 32 * 1024;
    private static final int MAX_BUFFERED = 8 * CHUNK;

    private final Linux linux;
    private final EventLoop loop;
    private final Fd source;
    private final Queue<byte[]> chunks = new ArrayDeque<>();
    private int buffered;
    private int consumed;
    private boolean ended;
    private boolean finishing;
    private boolean armed;
    private EventLoop.@Nullable Registration registration;

    LoopInput(Linux linux, EventLoop loop, Fd source) throws ErrnoException {
        this.linux = linux;
        this.loop = loop;
        this.source = source;
        int flags = linux.files().fcntl(source, Fcntl.F_GETFL, 0);
        linux.files().fcntl(source, Fcntl.F_SETFL, flags | Fcntl.O_NONBLOCK);
        synchronized (this) {
            armed = true;
            // One shot: a hung-up descriptor would otherwise be reported again and again while the buffer is full.
            registration = loop.register("stream", source, Poll.EPOLLIN | Poll.EPOLLONESHOT, events -> fill());
        }
    }

    /** Nothing more is waited for: what is there now is the rest. */
    void finish() {
        loop.execute(() -> {
            synchronized (this) {
                finishing = true;
            }
            fill();
        });
    }

    /** On the loop. */
    private void fill() {
        synchronized (this) {
            armed = false;
            while (!ended && buffered < MAX_BUFFERED) {
                byte[] chunk = new byte[CHUNK];
                int count;
                try {
                    count = linux.files().read(source, chunk, 0, CHUNK);
                } catch (ErrnoException e) {
                    if (e.is(Errno.EAGAIN) && !finishing) {
                        arm();
                        return;
                    }
                    // EIO: the other end of a terminal is gone. All others end the stream as well.
                    end();
                    return;
                } catch (IllegalStateException e) {
                    end();
                    return;
                }
                if (count == 0) {
                    end();
                    return;
                }
                chunks.add(count == CHUNK ? chunk : java.util.Arrays.copyOf(chunk, count));
                buffered += count;
                notifyAll();
            }
        }
    }

    private void arm() {
        EventLoop.Registration active = registration;
        if (active != null && !armed) {
            armed = true;
            try {
                active.modify(Poll.EPOLLIN | Poll.EPOLLONESHOT);
            } catch (ErrnoException e) {
                end();
            }
        }
    }

    private void end() {
        ended = true;
        EventLoop.Registration active = registration;
        registration = null;
        if (active != null) {
            active.close();
        }
        source.close();
        notifyAll();
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public synchronized int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (chunks.isEmpty() && !ended) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new java.io.InterruptedIOException("interrupted while waiting for output");
            }
        }
        byte[] first = chunks.peek();
        if (first == null) {
            return -1;
        }
        int count = Math.min(length, first.length - consumed);
        System.arraycopy(first, consumed, target, offset, count);
        consumed += count;
        boolean wasFull = buffered >= MAX_BUFFERED;
        buffered -= count;
        if (consumed == first.length) {
            chunks.remove();
            consumed = 0;
        }
        if (wasFull && !ended) {
            loop.execute(this::fill);
        }
        return count;
    }

    @Override
    public synchronized int available() {
        return buffered;
    }

    @Override
    public void close() {
        synchronized (this) {
            chunks.clear();
            buffered = 0;
            ended = true;
            notifyAll();
        }
        try {
            loop.execute(() -> {
                synchronized (this) {
                    end();
                }
            });
        } catch (java.util.concurrent.RejectedExecutionException e) {
            // The runtime is closed, and its descriptors with it.
            source.close();
        }
    }
}
