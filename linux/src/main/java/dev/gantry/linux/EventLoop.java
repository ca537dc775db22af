package dev.gantry.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One thread that waits on epoll for all the descriptors registered with it and calls their handlers: exits of
 * processes, messages of sandboxes, changes of cgroups and directories. Nothing that runs here may block.
 *
 * <ul>
 *   <li>Handlers, tasks and timers run on the loop's thread, one at a time.
 *   <li>A handler that throws is reported to {@code onError} and stays registered.
 *   <li>Level-triggered, unless registered with EPOLLET or EPOLLONESHOT: a handler that leaves bytes unread is called
 *       again.
 * </ul>
 */
public final class EventLoop implements Executor, AutoCloseable {
    private static final int MAX_EVENTS = 128;
    private static final long WAKE_UP = 0;
    private static final int FEW_TIMERS = 64;
    private static final byte[] ONE =
            ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(0, 1).array();

    private final Polling polling;
    private final FileCalls files;
    private final BiConsumer<String, Throwable> onError;
    private final Fd epoll;
    private final Fd wakeUp;
    private final Thread thread;
    private final AtomicLong nextId = new AtomicLong(WAKE_UP + 1);
    private final Map<Long, Registration> registrations = new ConcurrentHashMap<>();
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final PriorityQueue<Timer> timers = new PriorityQueue<>();
    private final AtomicBoolean wakingUp = new AtomicBoolean();
    private int purgeTimersAt = FEW_TIMERS;
    /** Set before the loop looks for tasks a last time: who adds one later finds it set and wakes the loop. */
    private volatile boolean asleep;
    /** On the scale of {@link System#nanoTime}; meaningless while {@link #asleepForEver} or awake. */
    private volatile long asleepUntil;

    private volatile boolean asleepForEver;
    private volatile boolean closed;

    private EventLoop(Linux linux, String name, BiConsumer<String, Throwable> onError) throws ErrnoException {
        this.polling = linux.polling();
        this.files = linux.files();
        this.onError = onError;
        this.epoll = polling.epollCreate();
        this.wakeUp = polling.eventfd(0);
        polling.epollCtl(epoll, Poll.EPOLL_CTL_ADD, wakeUp, Poll.EPOLLIN, WAKE_UP);
        this.thread = new Thread(null, this::run, name, 0, false);
        thread.setDaemon(true);
    }

    /**
     * Starts the loop.
     *
     * @param name of its thread
     * @param onError hears of what a handler or task threw, with its name; is called on the loop's thread
     */
    public static EventLoop start(Linux linux, String name, BiConsumer<String, Throwable> onError)
            throws ErrnoException {
        EventLoop loop = new EventLoop(linux, name, onError);
        loop.thread.start();
        return loop;
    }

    /**
     * Calls the handler whenever the descriptor is ready. The descriptor stays the caller's, who closes the
     * registration first.
     *
     * @param name for error reports
     * @param events EPOLLIN, EPOLLPRI … of {@link Poll}; EPOLLERR and EPOLLHUP are always reported
     */
    public Registration register(String name, Fd file, int events, Handler handler) throws ErrnoException {
        long id = nextId.getAndIncrement();
        Registration registration = new Registration(id, name, file, handler);
        registrations.put(id, registration);
        try {
            polling.epollCtl(epoll, Poll.EPOLL_CTL_ADD, file, events, id);
        } catch (ErrnoException e) {
            registrations.remove(id);
            throw e;
        }
        return registration;
    }

    /** Runs the task on the loop's thread, after what it is doing now. */
    @Override
    public void execute(Runnable task) {
        add(task);
        if (asleep) {
            wakeUp();
        }
    }

    /**
     * Runs the task on the loop's thread, not before the delay has passed. A loop that will be awake by then is not woken:
     * deadlines, most of which are cancelled, cost no turn of it.
     */
    public Timer schedule(Duration delay, Runnable task) {
        Timer timer = new Timer(System.nanoTime() + delay.toNanos(), task);
        add(() -> timers.add(timer));
        if (asleep && (asleepForEver || timer.deadlineNanos - asleepUntil < 0)) {
            wakeUp();
        }
        return timer;
    }

    private void add(Runnable task) {
        if (closed) {
            throw new RejectedExecutionException("event loop " + thread.getName() + " is closed");
        }
        tasks.add(task);
    }

    public boolean isLoopThread() {
        return Thread.currentThread() == thread;
    }

    /** Runs what was already given to {@link #execute}, then ends the thread; timers do not run any more. */
    @Override
    public void close() {
        closed = true;
        wakeUp();
        if (!isLoopThread()) {
            joinUninterruptibly();
        }
    }

    private void joinUninterruptibly() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void wakeUp() {
        if (isLoopThread() || !wakingUp.compareAndSet(false, true)) {
            return;
        }
        // not while the loop closes it: the number could by then be another file's
        synchronized (wakeUp) {
            if (!wakeUp.isOpen()) {
                return;
            }
            try {
                files.write(wakeUp, ONE, 0, ONE.length);
            } catch (ErrnoException e) {
                // EAGAIN: the counter is full, so it is awake anyway
                wakingUp.set(false);
            }
        }
    }

    private void run() {
        try (epoll) {
            while (!closed) {
                List<Polling.EpollEvent> events = polling.epollWait(epoll, MAX_EVENTS, fallAsleep());
                asleep = false;
                for (Polling.EpollEvent event : events) {
                    dispatch(event);
                }
                runTasks();
                runTimers();
            }
            runTasks();
        } catch (ErrnoException e) {
            closed = true;
            onError.accept("event loop " + thread.getName(), e);
        } finally {
            synchronized (wakeUp) {
                wakeUp.close();
            }
        }
    }

    private void dispatch(Polling.EpollEvent event) {
        if (event.data() == WAKE_UP) {
            clearWakeUp();
            return;
        }
        Registration registration = registrations.get(event.data());
        if (registration != null) {
            guarded(registration.name, () -> registration.handler.ready(event.events()));
        }
    }

    private void clearWakeUp() {
        // the counter first: a wake-up between the two would leave the flag set and the counter at zero, and nobody
        // would
        // wake the loop again. Who finds the flag still set has added a task before, which runs after this.
        guarded("wake-up", () -> files.read(wakeUp, new byte[8], 0, 8));
        wakingUp.set(false);
    }

    private void runTasks() {
        // not those that tasks add for ever: descriptors get their turn in between
        int count = tasks.size();
        for (int i = 0; i < count; i++) {
            Runnable task = tasks.poll();
            if (task != null) {
                guarded("task", task::run);
            }
        }
    }

    private void runTimers() {
        long now = System.nanoTime();
        for (Timer timer = timers.peek(); timer != null && timer.isDue(now); timer = timers.peek()) {
            Timer due = timers.remove();
            guarded("timer", due::runUnlessCancelled);
        }
    }

    /** The time to sleep, in milliseconds; -1 is for ever. */
    private int fallAsleep() {
        purgeTimers();
        // A cancelled one counts too: the next deadline of the kind that was cancelled then wakes nobody.
        Timer first = timers.peek();
        asleepForEver = first == null;
        if (first != null) {
            asleepUntil = first.deadlineNanos;
        }
        asleep = true;
        if (!tasks.isEmpty() || closed) {
            return 0;
        }
        if (first == null) {
            return -1;
        }
        // rounded up: waking early would spin
        long millis = TimeUnit.NANOSECONDS.toMillis(first.deadlineNanos - System.nanoTime() + 999_999);
        return (int) Math.max(0, Math.min(millis, Integer.MAX_VALUE));
    }

    private void purgeTimers() {
        if (timers.size() > purgeTimersAt) {
            timers.removeIf(Timer::isCancelled);
            purgeTimersAt = Math.max(FEW_TIMERS, 2 * timers.size());
        }
    }

    private void guarded(String name, Step step) {
        try {
            step.run();
        } catch (Exception | Error e) {
            onError.accept(name, e);
        }
    }

    private interface Step {
        void run() throws Exception;
    }

    /** What happens when a descriptor is ready. */
    @FunctionalInterface
    public interface Handler {
        /** {@code events}: EPOLL* bits of {@link Poll}. */
        void ready(int events) throws IOException;
    }

    /** A descriptor in the loop. */
    public final class Registration implements AutoCloseable {
        private final long id;
        private final String name;
        private final Fd file;
        private final Handler handler;

        private Registration(long id, String name, Fd file, Handler handler) {
            this.id = id;
            this.name = name;
            this.file = file;
            this.handler = handler;
        }

        /** Waits for other events from now on; also re-arms EPOLLONESHOT. */
        public void modify(int events) throws ErrnoException {
            polling.epollCtl(epoll, Poll.EPOLL_CTL_MOD, file, events, id);
        }

        /**
         * Takes the descriptor out of the loop. On the loop's thread the handler is not called any more; elsewhere a
         * call may just be going on.
         */
        @Override
        public void close() {
            if (registrations.remove(id) == null || !file.isOpen() || !epoll.isOpen()) {
                return;
            }
            try {
                polling.epollCtl(epoll, Poll.EPOLL_CTL_DEL, file, 0, 0);
            } catch (ErrnoException | IllegalStateException e) {
                // ENOENT, EBADF or closed meanwhile: it is not in the loop, which was the wish
            }
        }
    }

    /** A task for later. */
    public static final class Timer implements Comparable<Timer> {
        private final long deadlineNanos;
        /** Null once cancelled. */
        private volatile @Nullable Runnable task;

        private Timer(long deadlineNanos, Runnable task) {
            this.deadlineNanos = deadlineNanos;
            this.task = task;
        }

        /** It does not run, unless it has begun. */
        public void cancel() {
            task = null;
        }

        public boolean isCancelled() {
            return task == null;
        }

        private boolean isDue(long nowNanos) {
            return deadlineNanos - nowNanos <= 0;
        }

        private void runUnlessCancelled() {
            Runnable wanted = task;
            if (wanted != null) {
                wanted.run();
            }
        }

        @Override
        public int compareTo(Timer other) {
            return Long.compare(deadlineNanos - other.deadlineNanos, 0);
        }
    }
}
