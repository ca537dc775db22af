package dev.gantry.runtime;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Poll;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/**
 * A descriptor as a stream that can be closed while somebody writes: writes never block in the kernel, and a writer
 * that waits for room lets a close pass in between. Owns the descriptor.
 */
final class FdOutput extends OutputStream {
    private static final int WAIT_MILLIS = 100;

    private final Linux linux;
    private final Fd target;
    private final Runnable onClose;

    FdOutput(Linux linux, Fd target, Runnable onClose) throws ErrnoException {
        this.linux = linux;
        this.target = target;
        this.onClose = onClose;
        int flags = linux.files().fcntl(target, Fcntl.F_GETFL, 0);
        linux.files().fcntl(target, Fcntl.F_SETFL, flags | Fcntl.O_NONBLOCK);
    }

    @Override
    public void write(int value) throws IOException {
        write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] source, int offset, int length) throws IOException {
        ByteBuffer data = ByteBuffer.wrap(source, offset, length);
        while (data.hasRemaining()) {
            writeSome(data);
        }
    }

    private synchronized void writeSome(ByteBuffer data) throws IOException {
        if (!target.isOpen()) {
            throw new IOException("the stream is closed");
        }
        try {
            linux.files().write(target, data);
        } catch (ErrnoException e) {
            if (!e.is(Errno.EAGAIN)) {
                throw e;
            }
            linux.polling().poll(target, Poll.EPOLLOUT, WAIT_MILLIS);
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (!target.isOpen()) {
                return;
            }
            onClose.run();
            target.close();
        }
    }
}
