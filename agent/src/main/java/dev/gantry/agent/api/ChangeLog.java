package dev.gantry.agent.api;

import io.fabric8.kubernetes.api.model.HasMetadata;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * The latest changes of one kind of object, so that a client that has listed can watch from exactly there: nothing between the two is missed, nothing old is
 * told again.
 *
 * <p>Listeners are called under the log's lock, in order, and must not block.
 */
final class ChangeLog<T extends HasMetadata> {
    /** The kinds of change, in the API's words. */
    enum Type {
        ADDED,
        MODIFIED,
        DELETED
    }

    /**
     * One change.
     *
     * @param version the object's resource version after it
     */
    record Change<T>(long version, Type type, T object) {}

    private final int capacity;
    private final Map<String, T> current = new LinkedHashMap<>();
    private final Deque<Change<T>> history = new ArrayDeque<>();
    private final List<Consumer<Change<T>>> listeners = new CopyOnWriteArrayList<>();
    private long last;
    private long forgotten;

    /**
     * An empty log.
     *
     * @param capacity how many changes are kept for watches that come back
     */
    ChangeLog(int capacity) {
        this.capacity = capacity;
    }

    /** Notes what the object now is. Whether it was added or modified is found out. */
    synchronized void put(T object) {
        T before = current.put(object.getMetadata().getUid(), object);
        note(before == null ? Type.ADDED : Type.MODIFIED, object);
    }

    synchronized void delete(T object) {
        current.remove(object.getMetadata().getUid());
        note(Type.DELETED, object);
    }

    /** Drops an object without telling anybody: it was not deleted, only not kept. */
    synchronized void forget(String uid) {
        current.remove(uid);
    }

    private void note(Type type, T object) {
        last = Math.max(version(object), last);
        Change<T> change = new Change<>(last, type, object);
        history.addLast(change);
        if (history.size() > capacity) {
            forgotten = history.removeFirst().version();
        }
        for (Consumer<Change<T>> listener : listeners) {
            listener.accept(change);
        }
    }

    private static long version(HasMetadata object) {
        String version = object.getMetadata().getResourceVersion();
        try {
            return version == null ? 0 : Long.parseLong(version);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    synchronized String version() {
        return String.valueOf(last);
    }

    synchronized List<T> objects() {
        return new ArrayList<>(current.values());
    }

    /**
     * Delivers what changed after {@code since}, or without it the present objects, and then each change.
     *
     * @return ends the delivery
     * @throws ApiException 410 {@code Expired} if changes after {@code since} are no longer known
     */
    synchronized Runnable watch(OptionalLong since, Consumer<Change<T>> listener) throws ApiException {
        long from = since.orElse(0);
        if (from > 0 && from < forgotten) {
            throw ApiException.of(410, "Expired", "too old resource version: " + from + " (" + forgotten + ")");
        }
        if (from == 0) {
            for (T object : current.values()) {
                listener.accept(new Change<>(version(object), Type.ADDED, object));
            }
        } else {
            for (Change<T> change : history) {
                if (change.version() > from) {
                    listener.accept(change);
                }
            }
        }
        // A change that the list already showed may reach the log after the watch has begun.
        Consumer<Change<T>> later = change -> {
            if (change.version() > from) {
                listener.accept(change);
            }
        };
        listeners.add(later);
        return () -> remove(later);
    }

    /** When this returns, the listener hears of nothing any more. */
    private synchronized void remove(Consumer<Change<T>> listener) {
        listeners.remove(listener);
    }
}
