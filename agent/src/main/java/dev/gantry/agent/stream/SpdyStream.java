package dev.gantry.agent.stream;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One stream of a connection, with blocking ends. */
final class SpdyStream {
    private final SpdyConnection connection;
    private final int id;
    private final SpdyConnection.Window window;
    private final CompletableFuture<SpdyStream> opened = new CompletableFuture<>();
    private final Input input = new Input();
    private final Output output = new Output();

    SpdyStream(SpdyConnection connection, int id) {
        this.connection = connection;
        this.id = id;
        window = connection.new Window(id);
    }

    int id() {
        return id;
    }

    /** Completes when the server has taken the stream. */
    CompletableFuture<SpdyStream> opened() {
        return opened;
    }

    /** What the server sends. */
    InputStream input() {
        return input;
    }

    /** What the server gets; closing it ends this side of the stream only. */
    OutputStream output() {
        return output;
    }

    void add(ByteBuf content) {
        if (content.isReadable()) {
            byte[] bytes = new byte[content.readableBytes()];
            content.readBytes(bytes);
            input.add(bytes);
        }
    }

    void end() {
        input.end(null);
    }

    /** The server is done with the stream, as servers are with all of them when a command has ended. */
    void reset(String status) {
        opened.completeExceptionally(new IOException("the runtime refused a stream: " + status));
        input.end(null);
    }

    /** The stream ends before its time. */
    void fail(String reason) {
        opened.completeExceptionally(new IOException(reason));
        input.end(reason);
    }

    private final class Input extends InputStream {
        private final Deque<byte[]> waiting = new ArrayDeque<>();
        private byte[] current = new byte[0];
        private int at;
        private boolean ended;
        private @Nullable String broken;

        synchronized void add(byte[] bytes) {
            if (ended) {
                connection.consumed(window, bytes.length);
                return;
            }
            waiting.add(bytes);
            notifyAll();
        }

        synchronized void end(@Nullable String reason) {
            if (!ended) {
                ended = true;
                broken = reason;
                notifyAll();
            }
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            int count;
            synchronized (this) {
                while (at == current.length) {
                    byte[] next = waiting.poll();
                    if (next != null) {
                        current = next;
                        at = 0;
                    } else if (ended) {
                        if (broken != null) {
                            throw new IOException(broken);
                        }
                        return -1;
                    } else {
                        try {
                            wait();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                            throw new IOException("interrupted while reading from the runtime", e);
                        }
                    }
                }
                count = Math.min(length, current.length - at);
                System.arraycopy(current, at, bytes, offset, count);
                at += count;
            }
            connection.consumed(window, count);
            return count;
        }
    }

    private final class Output extends OutputStream {
        private boolean closed;

        @Override
        public void write(int value) throws IOException {
            write(new byte[] {(byte) value}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            connection.send(id, bytes, offset, length);
        }

        @Override
        public void close() throws IOException {
            if (!closed) {
                closed = true;
                connection.end(id);
            }
        }
    }
}
