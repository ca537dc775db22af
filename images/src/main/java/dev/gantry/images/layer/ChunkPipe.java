package dev.gantry.images.layer;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Carries bytes from one thread to the next through a fixed number of buffers that go round.
 *
 * <ul>
 *   <li>One writer: {@link #acquire}, fill, {@link #commit}, at last {@link #finish} or {@link #fail}.
 *   <li>One reader: {@link #read}; it sees the writer's failure after the bytes before it.
 *   <li>{@link #abort} by the reader, or anyone, makes the writer's next call fail.
 * </ul>
 */
final class ChunkPipe extends InputStream {
    private final int chunkBytes;
    private final Deque<byte[]> free = new ArrayDeque<>();
    private final Deque<Chunk> full = new ArrayDeque<>();
    private int unallocated;
    private boolean finished;
    private @Nullable IOException failure;
    private @Nullable IOException aborted;

    /** The chunk being read; reader's only. */
    private @Nullable Chunk current;

    private int position;

    private static final class Chunk {
        private final byte[] bytes;
        private final int length;

        Chunk(byte[] bytes, int length) {
            this.bytes = bytes;
            this.length = length;
        }
    }

    ChunkPipe(int chunks, int chunkBytes) {
        this.unallocated = chunks;
        this.chunkBytes = chunkBytes;
    }

    /** A buffer to fill; waits until the reader has emptied one. */
    synchronized byte[] acquire() throws IOException {
        while (true) {
            checkNotAborted();
            byte[] buffer = free.poll();
            if (buffer != null) {
                return buffer;
            }
            if (unallocated > 0) {
                unallocated--;
                return new byte[chunkBytes];
            }
            await();
        }
    }

    synchronized void commit(byte[] buffer, int length) throws IOException {
        checkNotAborted();
        full.add(new Chunk(buffer, length));
        notifyAll();
    }

    /** No more bytes will come. */
    synchronized void finish() {
        finished = true;
        notifyAll();
    }

    /** No more bytes will come, and the reader is to know why. */
    synchronized void fail(IOException reason) {
        failure = reason;
        finished = true;
        notifyAll();
    }

    /** Nobody will read any more. */
    synchronized void abort(IOException reason) {
        if (aborted == null) {
            aborted = reason;
        }
        full.clear();
        notifyAll();
    }

    private void checkNotAborted() throws IOException {
        if (aborted != null) {
            throw new AbortedException(aborted);
        }
    }

    private synchronized @Nullable Chunk next() throws IOException {
        if (current != null) {
            free.add(current.bytes);
            current = null;
            notifyAll();
        }
        while (true) {
            checkNotAborted();
            Chunk chunk = full.poll();
            if (chunk != null) {
                return chunk;
            }
            if (failure != null) {
                throw new AbortedException(failure);
            }
            if (finished) {
                return null;
            }
            await();
        }
    }

    @SuppressWarnings("WaitNotInLoop") // the callers loop
    private void await() throws InterruptedIOException {
        try {
            wait();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }

    private boolean advance() throws IOException {
        while (current == null || position == current.length) {
            Chunk chunk = next();
            if (chunk == null) {
                return false;
            }
            current = chunk;
            position = 0;
        }
        return true;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (!advance()) {
            return -1;
        }
        Chunk chunk = java.util.Objects.requireNonNull(current);
        int n = Math.min(length, chunk.length - position);
        System.arraycopy(chunk.bytes, position, target, offset, n);
        position += n;
        return n;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    /** The other end gave up: its reason is the cause, and the one worth reporting. */
    static final class AbortedException extends IOException {
        AbortedException(IOException reason) {
            super(reason.getMessage(), reason);
        }
    }
}
