package dev.gantry.agent.pod;

import dev.gantry.agent.pod.PodSlot.Occupant;
import java.time.Instant;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The pods of this node, by name and by uid. Its monitor is the engine's lock: whoever uses the table or one of its slots holds
 * it, for look-ups and swaps only.
 */
final class PodTable {
    private final Map<PodKey, PodSlot> slots = new TreeMap<>();
    private final Map<String, PodSlot> byUid = new HashMap<>();
    /** When the pods that an earlier agent left began, by uid, until somebody claims them. */
    private final Map<String, Instant> begun = new HashMap<>();

    /** The slot of a name, made if there is none. */
    PodSlot slot(PodKey key) {
        return slots.computeIfAbsent(key, PodSlot::new);
    }

    Optional<PodSlot> find(PodKey key) {
        return Optional.ofNullable(slots.get(key));
    }

    /** The slot in which the pod of this uid is; not one where it waits. */
    Optional<PodSlot> ofUid(String uid) {
        return Optional.ofNullable(byUid.get(uid));
    }

    /** The pod of this uid, unless it waits. */
    Optional<Occupant> occupant(String uid) {
        return ofUid(uid).flatMap(slot -> Optional.ofNullable(slot.current));
    }

    /** All slots, in the order of their names. */
    Collection<PodSlot> slots() {
        return Collections.unmodifiableCollection(slots.values());
    }

    /** All pods that have their names. */
    Stream<Occupant> occupants() {
        return slots.values().stream().flatMap(slot -> Optional.ofNullable(slot.current).stream());
    }

    /** The workers of all pods. */
    List<PodWorker> workers() {
        return occupants()
                .flatMap(occupant -> Optional.ofNullable(occupant.worker).stream())
                .toList();
    }

    /** Gives a name to a pod. */
    void occupy(PodSlot slot, Occupant occupant) {
        slot.current = occupant;
        byUid.put(occupant.uid(), slot);
    }

    /** Frees a name. */
    void vacate(PodSlot slot, Occupant occupant) {
        byUid.remove(occupant.uid());
        slot.current = null;
    }

    /** Forgets a name that nobody has or wants. */
    void drop(PodSlot slot) {
        slots.remove(slot.key);
    }

    /** Whether a pod has its name or waits for it; takes the lock, for threads that do not have it. */
    synchronized boolean isKnown(String uid) {
        return byUid.containsKey(uid) || slots.values().stream().anyMatch(slot -> slot.awaits(uid));
    }

    // ---- what an earlier agent had begun

    /** Notes that a pod began under an earlier agent; of several times the first counts. */
    void hasBegun(String uid, Instant when) {
        begun.merge(uid, when, (one, other) -> one.isBefore(other) ? one : other);
    }

    boolean isBegun(String uid) {
        return begun.containsKey(uid);
    }

    /** When it began under an earlier agent; null if it did not, or if it was claimed. */
    @Nullable Instant begunAt(String uid) {
        return begun.get(uid);
    }

    /** When it began under an earlier agent, asked once by whoever goes on with it; null if it did not. */
    @Nullable Instant claimBegun(String uid) {
        return begun.remove(uid);
    }
}
