package dev.gantry.runtime.streaming;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Bytes on their way from an event loop, which may not block, to a stream that may.
 *
 * <p>One thread drains; any thread adds. Above the high mark the source is asked to pause, below the low mark to go on, so that a
 * process that does not read its input costs at most {@link #HIGH_MARK} and one message.
 */
final class InputQueue {
    private static final int HIGH_MARK = 256 << 10;
    private static final int LOW_MARK = 64 << 10;

    /** The side that bytes come from. */
    @FunctionalInterface
    interface Source {
        /** Asks to read or not to read; called by any thread, not while locks are held. */
        void reading(boolean wanted);
    }

    private final Source source;
    private final Queue<byte[]> chunks = new ArrayDeque<>();
    private int bytes;
    private boolean paused;
    private boolean ended;

    InputQueue(Source source) {
        this.source = source;
    }

    void add(byte[] chunk) {
        boolean pause;
        synchronized (this) {
            if (ended) {
                return;
            }
            chunks.add(chunk);
            bytes += chunk.length;
            pause = !paused && bytes > HIGH_MARK;
            paused |= pause;
            notifyAll();
        }
        if (pause) {
            source.reading(false);
        }
    }

    /** After what was added, nothing follows. */
    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** Writes everything to {@code stream} until the end, then closes it. Blocking. */
    void drainTo(OutputStream stream) throws IOException, InterruptedException {
        try (stream) {
            byte[] chunk = take();
            while (chunk != null) {
                stream.write(chunk);
                stream.flush();
                chunk = take();
            }
        } finally {
            discard();
        }
    }

    private byte @Nullable [] take() throws InterruptedException {
        byte[] chunk;
        boolean resume;
        synchronized (this) {
            while (chunks.isEmpty() && !ended) {
                wait();
            }
            chunk = chunks.poll();
            if (chunk != null) {
                bytes -= chunk.length;
            }
            resume = paused && bytes < LOW_MARK;
            paused &= !resume;
        }
        if (resume) {
            source.reading(true);
        }
        return chunk;
    }

    /** Nobody reads any more: lets the source run on and drops what it brings. */
    private void discard() {
        synchronized (this) {
            ended = true;
            chunks.clear();
            bytes = 0;
            paused = false;
        }
        source.reading(true);
    }
}
