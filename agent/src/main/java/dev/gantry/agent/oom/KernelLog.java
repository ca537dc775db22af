package dev.gantry.agent.oom;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FileCalls;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Poll;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The kernel's own messages from now on, one by one, on the thread of an event loop.
 *
 * @see <a href="https://www.kernel.org/doc/Documentation/ABI/testing/dev-kmsg">/dev/kmsg</a>
 */
final class KernelLog implements AutoCloseable {
    static final String PATH = "/dev/kmsg";

    /** CONSOLE_EXT_LOG_MAX of the kernel: no record is longer. */
    private static final int RECORD_BYTES = 8192;

    /** Others come first on the loop after so many. */
    private static final int RECORDS_AT_ONCE = 256;

    private final FileCalls files;
    private final Fd log;
    private final Consumer<String> listener;
    private final EventLoop.Registration registration;

    private KernelLog(Linux linux, EventLoop loop, Fd log, Consumer<String> listener) throws ErrnoException {
        this.files = linux.files();
        this.log = log;
        this.listener = listener;
        this.registration = loop.register("kernel log", log, Poll.EPOLLIN, events -> read());
    }

    /**
     * Begins with what comes next.
     *
     * @throws ErrnoException EPERM without CAP_SYSLOG where {@code kernel.dmesg_restrict} is set, ENOENT in a container
     *     without the device
     */
    static KernelLog open(Linux linux, EventLoop loop, Consumer<String> listener) throws ErrnoException {
        Fd log = linux.files().open(PATH, Fcntl.O_RDONLY | Fcntl.O_NONBLOCK);
        try {
            linux.files().lseek(log, 0, Fcntl.SEEK_END);
            return new KernelLog(linux, loop, log, listener);
        } catch (ErrnoException e) {
            log.close();
            throw e;
        }
    }

    private void read() throws ErrnoException {
        byte[] record = new byte[RECORD_BYTES];
        for (int i = 0; i < RECORDS_AT_ONCE; i++) {
            try {
                int length = files.read(log, record, 0, record.length);
                message(new String(record, 0, Math.max(0, length), StandardCharsets.UTF_8))
                        .ifPresent(listener);
            } catch (ErrnoException e) {
                if (e.is(Errno.EAGAIN)) {
                    return;
                }
                if (!e.is(Errno.EPIPE)) {
                    throw e;
                }
                // Overwritten before it was read: reading goes on with the oldest there is.
            }
        }
    }

    /**
     * The text of a record {@code priority,sequence,microseconds,flags;text\n key=value…}; empty if it is not the kernel's own, since
     * whoever may write to the log may write anything.
     */
    static Optional<String> message(String record) {
        int start = record.indexOf(';');
        int comma = record.indexOf(',');
        if (start < 0
                || comma < 0
                || comma > start
                || !record.substring(0, comma).matches("[0-9]{1,3}")) {
            return Optional.empty();
        }
        boolean kernel = Integer.parseInt(record.substring(0, comma)) >> 3 == 0;
        int end = record.indexOf('\n', start);
        return kernel ? Optional.of(record.substring(start + 1, end < 0 ? record.length() : end)) : Optional.empty();
    }

    @Override
    public void close() {
        registration.close();
        log.close();
    }
}
