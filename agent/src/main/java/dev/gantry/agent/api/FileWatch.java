package dev.gantry.agent.api;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Wakes readers when something changes in a directory (inotify, one descriptor and one thread for all of them, opened when first needed).
 *
 * <p>A wake-up says only "look again": readers look anyway every two seconds, in case a directory did not exist yet or the kernel's queue has overflown.
 */
final class FileWatch implements AutoCloseable {
    private static final long SAFETY_NET_SECONDS = 2;

    private final Map<Path, Directory> directories = new HashMap<>();
    private @Nullable WatchService service;

    /** Readers of one directory. */
    private static final class Directory {
        private final Set<Key> readers = new HashSet<>();
        private @Nullable WatchKey key;
    }

    /** One reader. */
    final class Key implements AutoCloseable {
        private final Path directory;
        private boolean woken;

        private Key(Path directory) {
            this.directory = directory;
        }

        synchronized void wake() {
            woken = true;
            notifyAll();
        }

        /** Returns when something has changed since the last return, or after two seconds. */
        synchronized void await() throws InterruptedException {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SAFETY_NET_SECONDS);
            while (!woken) {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    return;
                }
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
            woken = false;
        }

        @Override
        public void close() {
            remove(this);
        }
    }

    /** Begins to watch; the directory need not exist. */
    Key watch(Path directory) throws IOException {
        Key reader = new Key(directory);
        synchronized (directories) {
            Directory watched = directories.computeIfAbsent(directory, path -> new Directory());
            watched.readers.add(reader);
            if (watched.key == null) {
                try {
                    watched.key = directory.register(
                            service(), StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
                } catch (NoSuchFileException e) {
                    // the readers' own looks must do
                }
            }
        }
        return reader;
    }

    private WatchService service() throws IOException {
        WatchService running = service;
        if (running == null) {
            WatchService started = FileSystems.getDefault().newWatchService();
            Thread thread = new Thread(() -> deliver(started), "api-log-watch");
            thread.setDaemon(true);
            thread.start();
            service = started;
            return started;
        }
        return running;
    }

    private void deliver(WatchService from) {
        try {
            while (true) {
                WatchKey key = from.take();
                key.pollEvents();
                key.reset();
                synchronized (directories) {
                    Directory watched = directories.get((Path) key.watchable());
                    if (watched != null) {
                        watched.readers.forEach(Key::wake);
                    }
                }
            }
        } catch (ClosedWatchServiceException | InterruptedException e) {
            // the server is closing
        }
    }

    private void remove(Key reader) {
        synchronized (directories) {
            Directory watched = directories.get(reader.directory);
            if (watched != null && watched.readers.remove(reader) && watched.readers.isEmpty()) {
                directories.remove(reader.directory);
                if (watched.key != null) {
                    watched.key.cancel();
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (directories) {
            if (service != null) {
                service.close();
            }
        }
    }
}
