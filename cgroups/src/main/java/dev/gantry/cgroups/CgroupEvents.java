package dev.gantry.cgroups;

import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Poll;
import dev.gantry.linux.Polling;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Tells of changes in cgroups, as the kernel reports them on {@code cgroup.events} and {@code memory.events}: without
 * polling, with one inotify descriptor for all. Everything happens on the thread of the event loop.
 */
public final class CgroupEvents implements AutoCloseable {
    private final Polling polling;
    private final EventLoop loop;
    private final Fd inotify;
    private final EventLoop.Registration registration;
    private final Map<Integer, Set<Watch>> watchers = new HashMap<>();

    public CgroupEvents(Linux linux, EventLoop loop) throws IOException {
        this.polling = linux.polling();
        this.loop = loop;
        this.inotify = polling.inotifyInit();
        this.registration = loop.register("cgroup events", inotify, Poll.EPOLLIN, events -> readEvents());
    }

    /** Hears of a cgroup's changes, on the event loop. */
    public interface Listener {
        /** The last process here and below has ended, or the first is there again. */
        default void populated(boolean populated) {}

        /** All processes are stopped, or go on. */
        default void frozen(boolean frozen) {}

        /**
         * The kernel killed for lack of memory.
         *
         * @param total since the cgroup was made
         */
        default void oomKilled(long total) {}
    }

    /**
     * Watches a cgroup. The listener first hears of the state as it is, then of changes; if the cgroup is removed, that
     * it is not populated.
     *
     * @return ends the watch
     */
    public Subscription watch(Cgroup cgroup, Listener listener) {
        Watch watch = new Watch(cgroup, listener);
        loop.execute(watch::start);
        return () -> loop.execute(watch::stop);
    }

    /** Completes once no process is in the cgroup or below, at once if it does not exist. */
    public CompletableFuture<Void> whenEmpty(Cgroup cgroup) {
        CompletableFuture<Void> empty = new CompletableFuture<>();
        Subscription subscription = watch(cgroup, new Listener() {
            @Override
            public void populated(boolean populated) {
                if (!populated) {
                    empty.complete(null);
                }
            }
        });
        return empty.whenComplete((nothing, error) -> subscription.close());
    }

    /**
     * Kills what is in a cgroup and removes it and all below as soon as the kernel says that it is empty.
     *
     * @return fails with a CgroupException that names the processes still there if that takes longer than
     *     {@code patience}
     */
    public CompletableFuture<Void> killAndRemove(Cgroup cgroup, Duration patience) {
        CompletableFuture<Void> removed = new CompletableFuture<>();
        EventLoop.Timer timer = loop.schedule(patience, () -> giveUp(cgroup, removed));
        loop.execute(() -> attempt(cgroup, removed));
        return removed.whenComplete((nothing, error) -> timer.cancel());
    }

    private void attempt(Cgroup cgroup, CompletableFuture<Void> removed) {
        if (removed.isDone()) {
            return;
        }
        try {
            if (cgroup.tryRemove()) {
                removed.complete(null);
                return;
            }
            cgroup.kill();
        } catch (CgroupException e) {
            removed.completeExceptionally(e);
            return;
        }
        CompletableFuture<Void> empty = whenEmpty(cgroup);
        empty.thenRun(() -> loop.execute(() -> attempt(cgroup, removed)));
        // ends the watch too if the deadline comes first
        removed.whenComplete((nothing, error) -> empty.cancel(false));
    }

    private static void giveUp(Cgroup cgroup, CompletableFuture<Void> removed) {
        try {
            cgroup.removeRecursively(Duration.ZERO);
            removed.complete(null);
        } catch (CgroupException e) {
            removed.completeExceptionally(e);
        }
    }

    private void readEvents() throws IOException {
        for (Polling.InotifyEvent event : polling.readInotify(inotify)) {
            if (event.has(Poll.IN_Q_OVERFLOW)) {
                Set<Watch> all = new LinkedHashSet<>();
                watchers.values().forEach(all::addAll);
                all.forEach(Watch::look);
                continue;
            }
            // a copy: who hears of an event may end its watch
            for (Watch watch : List.copyOf(watchers.getOrDefault(event.watch(), Set.of()))) {
                if (!event.has(Poll.IN_DELETE) || event.name().equals(watch.cgroup.name())) {
                    watch.look();
                }
            }
            if (event.has(Poll.IN_IGNORED)) {
                watchers.remove(event.watch());
            }
        }
    }

    /** Ends all watches; the event loop stays. */
    @Override
    public void close() {
        registration.close();
        inotify.close();
    }

    /** A watch that can be ended. */
    @FunctionalInterface
    public interface Subscription extends AutoCloseable {
        @Override
        void close();
    }

    /** What was last seen of one cgroup. Belongs to the event loop's thread. */
    private final class Watch {
        private final Cgroup cgroup;
        private final Listener listener;
        private final List<Integer> numbers = new ArrayList<>();
        private boolean started;
        private boolean populated;
        private boolean frozen;
        private long oomKills;
        private boolean stopped;

        private Watch(Cgroup cgroup, Listener listener) {
            this.cgroup = cgroup;
            this.listener = listener;
        }

        private void start() {
            if (stopped || !inotify.isOpen()) {
                return;
            }
            add(cgroup.path() + "/cgroup.events", Poll.IN_MODIFY);
            add(cgroup.path() + "/memory.events", Poll.IN_MODIFY);
            // the kernel holds changes back for up to 10 ms, and drops them if the cgroup is removed in that time
            add(cgroup.path().substring(0, cgroup.path().lastIndexOf('/')), Poll.IN_DELETE | Poll.IN_ONLYDIR);
            look();
        }

        /** Watchers of one file share the kernel's number. */
        private void add(String path, int events) {
            try {
                int number = polling.inotifyAddWatch(inotify, path, events);
                watchers.computeIfAbsent(number, unused -> new LinkedHashSet<>())
                        .add(this);
                numbers.add(number);
            } catch (ErrnoException absent) {
                // without the memory controller there is no memory.events; a removed cgroup is seen by look()
            }
        }

        private void look() {
            if (stopped) {
                return;
            }
            boolean nowPopulated;
            boolean nowFrozen;
            long nowOomKills;
            try {
                Map<String, Long> events = CgroupStats.keyed(cgroup.read("cgroup.events"));
                nowPopulated = events.getOrDefault("populated", 0L) == 1;
                nowFrozen = events.getOrDefault("frozen", 0L) == 1;
                nowOomKills = cgroup.oomKills();
            } catch (CgroupException removed) {
                nowPopulated = false;
                nowFrozen = false;
                nowOomKills = oomKills;
            }
            tell(nowPopulated, nowFrozen, nowOomKills);
        }

        /** The kill before the end that it caused. */
        private void tell(boolean nowPopulated, boolean nowFrozen, long nowOomKills) {
            boolean first = !started;
            boolean populatedChanged = first || populated != nowPopulated;
            boolean frozenChanged = first ? nowFrozen : frozen != nowFrozen;
            boolean killed = nowOomKills > oomKills;
            started = true;
            populated = nowPopulated;
            frozen = nowFrozen;
            oomKills = nowOomKills;
            if (killed) {
                listener.oomKilled(nowOomKills);
            }
            if (frozenChanged) {
                listener.frozen(nowFrozen);
            }
            if (populatedChanged) {
                listener.populated(nowPopulated);
            }
        }

        private void stop() {
            stopped = true;
            for (int number : numbers) {
                Set<Watch> others = watchers.get(number);
                if (others != null && others.remove(this) && others.isEmpty()) {
                    watchers.remove(number);
                    removeWatch(number);
                }
            }
            numbers.clear();
        }

        private void removeWatch(int number) {
            if (!inotify.isOpen()) {
                return;
            }
            try {
                polling.inotifyRmWatch(inotify, number);
            } catch (ErrnoException gone) {
                // with the cgroup's directory
            }
        }
    }
}
