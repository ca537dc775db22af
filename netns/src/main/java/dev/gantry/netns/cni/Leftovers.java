package dev.gantry.netns.cni;

import dev.gantry.netns.NetworkLimitation;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is still to be cleaned up and keeps nobody waiting: DEL for attachments of sandboxes that are no more, again and again until
 * it succeeds, and GC once for each list that comes into force.
 */
final class Leftovers implements AutoCloseable {
    private static final Duration FIRST_RETRY = Duration.ofSeconds(5);
    private static final Duration LAST_RETRY = Duration.ofMinutes(5);

    private final Detach detach;
    private final Collect collect;
    private final Later later;
    private final Map<String, String> failures = new LinkedHashMap<>();
    private @Nullable CniNetworkList collected;
    private String collectFailure = "";
    private boolean closed;

    Leftovers(Detach detach, Collect collect, Later later) {
        this.detach = detach;
        this.collect = collect;
        this.later = later;
    }

    /** DEL, and forgetting the attachment. */
    interface Detach {
        void run(CniCache.Entry entry) throws IOException;
    }

    /** GC. */
    interface Collect {
        /** False if it could not be done now. */
        boolean run(CniNetworkList list) throws IOException, InterruptedException;
    }

    /** Runs tasks on another thread, after a time; never when it is closed. */
    interface Later {
        void run(Runnable task, Duration delay);
    }

    /**
     * Takes over an attachment.
     *
     * @param failure of a DEL before; empty: none was tried, and one is tried soon
     */
    void add(CniCache.Entry entry, String failure) {
        synchronized (this) {
            failures.put(entry.attachment().containerId(), failure);
        }
        schedule(entry, failure.isEmpty() ? Duration.ZERO : FIRST_RETRY);
    }

    private void schedule(CniCache.Entry entry, Duration delay) {
        later.run(() -> attempt(entry, delay), delay);
    }

    private void attempt(CniCache.Entry entry, Duration before) {
        if (isClosed()) {
            return;
        }
        String id = entry.attachment().containerId();
        try {
            detach.run(entry);
            synchronized (this) {
                failures.remove(id);
            }
        } catch (IOException | RuntimeException e) {
            synchronized (this) {
                failures.put(id, String.valueOf(e.getMessage()));
            }
            schedule(entry, longer(before));
        }
    }

    private static Duration longer(Duration before) {
        Duration twice = before.isZero() ? FIRST_RETRY : before.multipliedBy(2);
        return twice.compareTo(LAST_RETRY) > 0 ? LAST_RETRY : twice;
    }

    synchronized boolean has(String sandboxId) {
        return failures.containsKey(sandboxId);
    }

    /** A list is in force: garbage of earlier runs is collected if that was not done for it yet. */
    void begin(CniNetworkList list) {
        synchronized (this) {
            if (list.equals(collected)) {
                return;
            }
            collected = list;
        }
        later.run(() -> collect(list), Duration.ZERO);
    }

    private void collect(CniNetworkList list) {
        if (isClosed()) {
            return;
        }
        String failure = "";
        try {
            if (!collect.run(list)) {
                later.run(() -> collect(list), FIRST_RETRY);
            }
        } catch (IOException | RuntimeException e) {
            failure = String.valueOf(e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (this) {
            collectFailure = failure;
        }
    }

    private synchronized boolean isClosed() {
        return closed;
    }

    /** What could not be cleaned up yet. */
    synchronized List<NetworkLimitation> limitations() {
        List<NetworkLimitation> limitations = new ArrayList<>();
        failures.forEach((id, failure) -> {
            if (!failure.isEmpty()) {
                limitations.add(new NetworkLimitation(
                        "removal of sandbox %s from its network".formatted(id),
                        failure,
                        "it is tried again every few minutes"));
            }
        });
        if (!collectFailure.isEmpty()) {
            limitations.add(new NetworkLimitation(
                    "collection of forgotten addresses",
                    collectFailure,
                    "set disableGC in the list if its plugins cannot do it"));
        }
        return limitations;
    }

    @Override
    public synchronized void close() {
        closed = true;
    }
}
