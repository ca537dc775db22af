package dev.gantry.linux;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;

/**
 * Owns one file descriptor. Everything in this project is opened close-on-exec.
 *
 * <p>Closing twice is a no-op, so that a number the process has meanwhile reused is never closed. An error of close(2)
 * is dropped: the descriptor is gone whatever it says, and who must know that data arrived calls fsync.
 */
public final class Fd implements AutoCloseable {
    /** The working directory, where a call takes a directory; cannot be closed. */
    public static final Fd AT_FDCWD = new Fd(-100, "AT_FDCWD", number -> {});

    private final int number;
    private final String name;
    private final IntConsumer closer;
    private final AtomicBoolean closed = new AtomicBoolean();

    Fd(int number, String name, IntConsumer closer) {
        this.number = number;
        this.name = name;
        this.closer = closer;
    }

    /** Takes over a descriptor that this process holds. */
    public static Fd of(int number) {
        return new Fd(number, "fd " + number, SystemLinux::close);
    }

    /** A descriptor that a fake kernel has given out; {@code closer} hears of its close. */
    public static Fd fake(int number, IntConsumer closer) {
        return new Fd(number, "fd " + number, closer);
    }

    /**
     * The kernel's number of it.
     *
     * @throws IllegalStateException if it is closed
     */
    public int number() {
        if (closed.get()) {
            throw new IllegalStateException(name + " is closed");
        }
        return number;
    }

    public boolean isOpen() {
        return !closed.get();
    }

    /** A path of this very file for calls that take no descriptor; holds as long as this is open. */
    public String path() {
        return "/proc/self/fd/" + number();
    }

    @Override
    public void close() {
        if (this != AT_FDCWD && closed.compareAndSet(false, true)) {
            closer.accept(number);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
