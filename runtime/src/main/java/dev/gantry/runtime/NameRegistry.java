package dev.gantry.runtime;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Keeps names unique and lets a repeated request join the one that runs.
 *
 * <p>A client whose create timed out asks again with the same name. Refusing with "name is reserved" until the lost
 * operation ends is what users of other runtimes suffer from; here the second request gets the first one's result.
 */
final class NameRegistry {
    private final Map<String, CompletableFuture<String>> owners = new ConcurrentHashMap<>();

    /**
     * Starts the operation unless one for this name is running.
     *
     * @param taken what to say if the name belongs to something finished, given its id
     * @return completes with an id; a failure has freed the name before it is seen
     */
    CompletableFuture<String> create(
            String name,
            Supplier<CompletableFuture<String>> operation,
            java.util.function.Function<String, RuntimeException> taken) {
        CompletableFuture<String> mine = new CompletableFuture<>();
        CompletableFuture<String> other = owners.putIfAbsent(name, mine);
        if (other != null) {
            return other.isDone() && !other.isCompletedExceptionally()
                    ? CompletableFuture.failedFuture(taken.apply(other.join()))
                    : other.copy();
        }
        CompletableFuture<String> started;
        try {
            started = operation.get();
        } catch (RuntimeException e) {
            started = CompletableFuture.failedFuture(e);
        }
        var unused = started.whenComplete((id, failure) -> {
            if (failure != null) {
                owners.remove(name, mine);
                mine.completeExceptionally(failure);
            } else {
                mine.complete(id);
            }
        });
        return mine.copy();
    }

    /** For what was found at the start. */
    void adopt(String name, String id) {
        owners.put(name, CompletableFuture.completedFuture(id));
    }

    /** Frees the name, if it belongs to this id. */
    void free(String name, String id) {
        owners.computeIfPresent(
                name,
                (key, owner) -> owner.isDone()
                                && !owner.isCompletedExceptionally()
                                && owner.join().equals(id)
                        ? null
                        : owner);
    }
}
