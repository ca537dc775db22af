package dev.gantry.linux;

import java.time.Duration;
import java.util.List;

/** Waiting for events. Most callers want {@link EventLoop}. */
public interface Polling {
    Fd epollCreate() throws ErrnoException;

    /**
     * Adds, changes or removes a descriptor.
     *
     * @param operation EPOLL_CTL_* of {@link Poll}
     * @param data handed back with each event
     */
    void epollCtl(Fd epoll, int operation, Fd file, int events, long data) throws ErrnoException;

    /**
     * Waits.
     *
     * @param timeoutMillis -1 for ever, 0 not at all
     * @return empty after the timeout
     */
    List<EpollEvent> epollWait(Fd epoll, int maxEvents, int timeoutMillis) throws ErrnoException;

    /** Non-blocking. */
    Fd eventfd(int initialValue) throws ErrnoException;

    /** Non-blocking; {@code clock}: CLOCK_MONOTONIC, CLOCK_BOOTTIME … */
    Fd timerfdCreate(int clock) throws ErrnoException;

    /** A timer that expires once; zero disarms it. */
    void timerfdSettime(Fd timer, Duration delay) throws ErrnoException;

    /** Non-blocking. */
    Fd inotifyInit() throws ErrnoException;

    /** {@code mask}: IN_* of {@link Poll}. */
    int inotifyAddWatch(Fd inotify, String path, int mask) throws ErrnoException;

    void inotifyRmWatch(Fd inotify, int watch) throws ErrnoException;

    /** What has happened; empty if nothing. */
    List<InotifyEvent> readInotify(Fd inotify) throws ErrnoException;

    /** {@code flags}: O_NONBLOCK, O_DIRECT; O_CLOEXEC is added. */
    FdPair pipe2(int flags) throws ErrnoException;

    /**
     * Waits for one descriptor.
     *
     * @return the events of poll(2), same bits as EPOLL*; 0 after the timeout
     */
    int poll(Fd file, int events, int timeoutMillis) throws ErrnoException;

    /** One ready descriptor. */
    record EpollEvent(int events, long data) {}

    /**
     * One change.
     *
     * @param name in the watched directory; empty for the watched object itself
     */
    record InotifyEvent(int watch, int mask, int cookie, String name) {
        public boolean has(int bits) {
            return (mask & bits) != 0;
        }
    }
}
