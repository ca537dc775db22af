package dev.gantry.staticpods;

import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Poll;
import dev.gantry.linux.Polling.InotifyEvent;
import dev.gantry.staticpods.ManifestDirectory.Change;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * Watches a directory of manifests (or a single one) by inotify, with a listing every {@link #RELIST} as a safety net
 * for what inotify cannot see: targets of symbolic links, network file systems, a lost directory that comes back.
 *
 * <ul>
 *   <li>Reads and decodes on the given executor, which runs one task at a time; the listener is called there.
 *   <li>The listener hears of the first listing, even if it is empty: then this source has been seen.
 * </ul>
 */
public final class ManifestWatcher implements AutoCloseable {
    /** As the kubelet's {@code fileCheckFrequency}. */
    static final Duration RELIST = Duration.ofSeconds(20);

    private static final int CHANGES = Poll.IN_CREATE
            | Poll.IN_MODIFY
            | Poll.IN_CLOSE_WRITE
            | Poll.IN_ATTRIB
            | Poll.IN_MOVED_TO
            | Poll.IN_MOVED_FROM
            | Poll.IN_DELETE
            | Poll.IN_DELETE_SELF
            | Poll.IN_MOVE_SELF;

    private final Linux linux;
    private final EventLoop loop;
    private final Executor serial;
    private final ManifestDirectory directory;
    private final Fd inotify;
    private final EventLoop.Registration registration;
    private volatile boolean closed;
    private boolean watching;

    private ManifestWatcher(
            Linux linux,
            EventLoop loop,
            Executor serial,
            Path path,
            ManifestNode node,
            KeptRevisions revisions,
            InstantSource clock,
            Consumer<ManifestSnapshot> listener)
            throws ErrnoException {
        this.linux = linux;
        this.loop = loop;
        this.serial = serial;
        this.directory = new ManifestDirectory(path, node, revisions, clock, this::later, listener);
        this.inotify = linux.polling().inotifyInit();
        this.registration = loop.register("manifests", inotify, Poll.EPOLLIN, events -> ready());
    }

    /**
     * Starts watching.
     *
     * @param path of the directory, which should exist, or of one manifest
     * @param serial runs tasks one at a time, in order
     * @param revisions what earlier agents kept, and what this one keeps
     * @param listener hears of each change to the set of pods or problems
     */
    public static ManifestWatcher start(
            Linux linux,
            EventLoop loop,
            Executor serial,
            Path path,
            ManifestNode node,
            KeptRevisions revisions,
            InstantSource clock,
            Consumer<ManifestSnapshot> listener)
            throws ErrnoException {
        ManifestWatcher watcher = new ManifestWatcher(linux, loop, serial, path, node, revisions, clock, listener);
        serial.execute(watcher::relist);
        return watcher;
    }

    private void later(Duration delay, Runnable task) {
        loop.schedule(
                delay,
                () -> serial.execute(() -> {
                    if (!closed) {
                        task.run();
                    }
                }));
    }

    private void relist() {
        if (closed) {
            return;
        }
        // The watch first: what changes during the listing is notified.
        watch();
        directory.list();
        later(RELIST, this::relist);
    }

    private void watch() {
        if (watching) {
            return;
        }
        try {
            linux.polling().inotifyAddWatch(inotify, directory.directory().toString(), CHANGES);
            watching = true;
        } catch (ErrnoException e) {
            // No directory, or no watches left: the listing reports the first, and stands in for the second.
        }
    }

    private void ready() throws ErrnoException {
        List<InotifyEvent> events = linux.polling().readInotify(inotify);
        serial.execute(() -> events.forEach(this::event));
    }

    private void event(InotifyEvent event) {
        if (closed) {
            return;
        }
        if (event.has(Poll.IN_IGNORED | Poll.IN_DELETE_SELF | Poll.IN_MOVE_SELF | Poll.IN_UNMOUNT)) {
            watching = false;
        } else if (event.has(Poll.IN_Q_OVERFLOW)) {
            directory.list();
        } else if (!event.has(Poll.IN_ISDIR)) {
            directory.changed(event.name(), change(event));
        }
    }

    private static Change change(InotifyEvent event) {
        if (event.has(Poll.IN_DELETE | Poll.IN_MOVED_FROM)) {
            return Change.GONE;
        }
        if (event.has(Poll.IN_CLOSE_WRITE | Poll.IN_MOVED_TO)) {
            return Change.COMPLETE;
        }
        if (event.has(Poll.IN_ATTRIB)) {
            return Change.ATTRIBUTES;
        }
        return event.has(Poll.IN_CREATE) ? Change.CREATED : Change.BEING_WRITTEN;
    }

    /** Ends watching; a listener that is being called may still run to its end. */
    @Override
    public void close() {
        closed = true;
        registration.close();
        inotify.close();
    }
}
