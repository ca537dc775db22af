package dev.gantry.runtime;

import com.google.protobuf.ByteString;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Poll;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Collects what arrives on a pipe, up to a limit; what is beyond it is read and forgotten, so that the writer goes on.
 * All on the event loop's thread. Owns the descriptor.
 */
final class OutputCollector {
    /** CRI's limit for each of ExecSync's outputs; {@link Execs#MAX_OUTPUT} is the one for both together. */
    static final int MAX_BYTES = 16 * 1024 * 1024;

    private static final int CHUNK = 64 * 1024;

    /** What survivors of a process may still say after its end is not waited for. */
    private static final int MAX_AFTERWARDS = 4 * 1024 * 1024;

    private final Linux linux;
    private final Fd pipe;
    private final ByteBuffer chunk = ByteBuffer.allocate(CHUNK);
    private final ByteString.Output collected = ByteString.newOutput();
    private EventLoop.@Nullable Registration registration;

    OutputCollector(Linux linux, Fd pipe) throws ErrnoException {
        this.linux = linux;
        this.pipe = pipe;
        linux.files().fcntl(pipe, Fcntl.F_SETFL, Fcntl.O_NONBLOCK);
    }

    void startOn(EventLoop loop) throws ErrnoException {
        registration = loop.register("output of an exec", pipe, Poll.EPOLLIN, events -> {
            if (!readOnce()) {
                stop();
            }
        });
    }

    /** Takes what is there now and ends. */
    ByteString finish() throws ErrnoException {
        if (pipe.isOpen()) {
            for (int i = 0; i < MAX_AFTERWARDS / CHUNK && readOnce(); i++) {
                // each round takes one chunk
            }
        }
        close();
        return collected.toByteString();
    }

    void close() {
        stop();
        pipe.close();
    }

    private void stop() {
        EventLoop.Registration active = registration;
        registration = null;
        if (active != null) {
            active.close();
        }
    }

    /** False at the end, or if there is nothing now. */
    private boolean readOnce() throws ErrnoException {
        chunk.clear();
        int count;
        try {
            count = linux.files().read(pipe, chunk);
        } catch (ErrnoException e) {
            if (e.is(Errno.EAGAIN)) {
                return false;
            }
            throw e;
        }
        if (count == 0) {
            return false;
        }
        int room = MAX_BYTES - collected.size();
        collected.write(chunk.array(), 0, Math.min(count, Math.max(0, room)));
        return true;
    }
}
