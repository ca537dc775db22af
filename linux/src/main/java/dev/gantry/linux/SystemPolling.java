package dev.gantry.linux;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

final class SystemPolling implements Polling {
    /** struct epoll_event is packed on x86-64 only. */
    private static final boolean PACKED = Architecture.current() == Architecture.X86_64;

    private static final int SIZE_OF_EPOLL_EVENT = PACKED ? 12 : 16;
    private static final int EPOLL_DATA = PACKED ? 4 : 8;
    private static final int SIZE_OF_INOTIFY_EVENT = 16;

    @Override
    public Fd epollCreate() throws ErrnoException {
        return Kernel.checkFd(Kernel.raw(Syscall.EPOLL_CREATE1, Fcntl.O_CLOEXEC), () -> "epoll_create1(EPOLL_CLOEXEC)");
    }

    @Override
    public void epollCtl(Fd epoll, int operation, Fd file, int events, long data) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block event = scratch.allocate(SIZE_OF_EPOLL_EVENT);
            event.putInt(0, events);
            event.putLong(EPOLL_DATA, data);
            Kernel.check(
                    Kernel.raw(Syscall.EPOLL_CTL, epoll.number(), operation, file.number(), event.address()),
                    () -> "epoll_ctl(%s, %d, %s, %s)"
                            .formatted(epoll, operation, Kernel.describe(file), Kernel.hex(events & 0xffffffffL)));
        }
    }

    @Override
    public List<EpollEvent> epollWait(Fd epoll, int maxEvents, int timeoutMillis) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block events = scratch.allocate(maxEvents * SIZE_OF_EPOLL_EVENT);
            int count = (int) Kernel.check(
                    Kernel.raw(Syscall.EPOLL_PWAIT, epoll.number(), events.address(), maxEvents, timeoutMillis, 0, 0),
                    () -> "epoll_wait(%s, %d)".formatted(epoll, timeoutMillis));
            List<EpollEvent> ready = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                int at = i * SIZE_OF_EPOLL_EVENT;
                ready.add(new EpollEvent(events.getInt(at), events.getLong(at + EPOLL_DATA)));
            }
            return ready;
        }
    }

    @Override
    public Fd eventfd(int initialValue) throws ErrnoException {
        return Kernel.checkFd(
                Kernel.raw(Syscall.EVENTFD2, initialValue, Poll.EFD_CLOEXEC | Poll.EFD_NONBLOCK),
                () -> "eventfd(%d)".formatted(initialValue));
    }

    @Override
    public Fd timerfdCreate(int clock) throws ErrnoException {
        return Kernel.checkFd(
                Kernel.raw(Syscall.TIMERFD_CREATE, clock, Fcntl.O_CLOEXEC | Poll.TFD_NONBLOCK),
                () -> "timerfd_create(%d)".formatted(clock));
    }

    @Override
    public void timerfdSettime(Fd timer, Duration delay) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block specification = scratch.zeroed(32);
            specification.putLong(16, delay.toSeconds());
            specification.putLong(24, delay.toNanosPart());
            Kernel.check(
                    Kernel.raw(Syscall.TIMERFD_SETTIME, timer.number(), 0, specification.address(), 0),
                    () -> "timerfd_settime(%s, %s)".formatted(timer, delay));
        }
    }

    @Override
    public Fd inotifyInit() throws ErrnoException {
        return Kernel.checkFd(
                Kernel.raw(Syscall.INOTIFY_INIT1, Fcntl.O_CLOEXEC | Poll.IN_NONBLOCK), () -> "inotify_init1()");
    }

    @Override
    public int inotifyAddWatch(Fd inotify, String path, int mask) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            return (int) Kernel.check(
                    Kernel.raw(Syscall.INOTIFY_ADD_WATCH, inotify.number(), scratch.string(path), mask),
                    () -> "inotify_add_watch(%s, %s)".formatted(Kernel.quote(path), Kernel.hex(mask)));
        }
    }

    @Override
    public void inotifyRmWatch(Fd inotify, int watch) throws ErrnoException {
        Kernel.check(
                Kernel.raw(Syscall.INOTIFY_RM_WATCH, inotify.number(), watch),
                () -> "inotify_rm_watch(%d)".formatted(watch));
    }

    @Override
    public List<InotifyEvent> readInotify(Fd inotify) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block block = scratch.allocate(32 << 10);
            long size = Kernel.raw(Syscall.READ, inotify.number(), block.address(), block.size());
            if (size == -Errno.EAGAIN.number()) {
                return List.of();
            }
            Kernel.check(size, () -> "read(%s)".formatted(Kernel.describe(inotify)));
            List<InotifyEvent> events = new ArrayList<>();
            int at = 0;
            while (at < size) {
                int nameLength = block.getInt(at + 12);
                events.add(new InotifyEvent(
                        block.getInt(at),
                        block.getInt(at + 4),
                        block.getInt(at + 8),
                        block.string(at + SIZE_OF_INOTIFY_EVENT, nameLength)));
                at += SIZE_OF_INOTIFY_EVENT + nameLength;
            }
            return events;
        }
    }

    @Override
    public FdPair pipe2(int flags) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block pair = scratch.allocate(8);
            Kernel.check(
                    Kernel.raw(Syscall.PIPE2, pair.address(), flags | Fcntl.O_CLOEXEC),
                    () -> "pipe2(%s)".formatted(Names.openFlags(flags)));
            return new FdPair(Fd.of(pair.getInt(0)), Fd.of(pair.getInt(4)));
        }
    }

    @Override
    public int poll(Fd file, int events, int timeoutMillis) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block pollfd = scratch.zeroed(8);
            pollfd.putInt(0, file.number());
            pollfd.putInt(4, events & 0xffff);
            Scratch.Block timeout = scratch.allocate(16);
            timeout.putLong(0, timeoutMillis / 1000);
            timeout.putLong(8, timeoutMillis % 1000 * 1_000_000L);
            Kernel.check(
                    Kernel.raw(Syscall.PPOLL, pollfd.address(), 1, timeoutMillis < 0 ? 0 : timeout.address(), 0, 0, 0),
                    () -> "poll(%s, %d)".formatted(Kernel.describe(file), timeoutMillis));
            return pollfd.getShort(6);
        }
    }
}
