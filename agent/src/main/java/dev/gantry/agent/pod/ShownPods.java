package dev.gantry.agent.pod;

import dev.gantry.agent.pod.PodSlot.Wanted;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What watchers see of the pods: one snapshot per name, each change with a version of its own.
 *
 * <ul>
 *   <li>Guarded by the lock of the {@link PodTable}, but for what listeners do with a change: they are called on one queue, in the order
 *       of changes.
 *   <li>A listener that throws is reported and hears of the next change all the same.
 * </ul>
 */
final class ShownPods {
    private static final Logger log = LoggerFactory.getLogger(ShownPods.class);

    private final Executor queue;
    private final List<Watcher> watchers = new ArrayList<>();
    private long version;

    /**
     * Shows nothing yet.
     *
     * @param queue runs one task at a time, in order
     * @param version above all versions that an earlier agent gave out
     */
    ShownPods(Executor queue, long version) {
        this.queue = queue;
        this.version = version;
    }

    String version() {
        return Long.toString(version);
    }

    /** Shows the pod that has the name, or else the one that waits for it, if it differs from what is shown. */
    void show(PodSlot slot) {
        LongFunction<Pod> snapshot;
        if (slot.current != null && !slot.current.orphan) {
            PodSlot.Occupant occupant = slot.current;
            snapshot = number -> occupant.snapshot(Long.toString(number));
        } else if (slot.waiting() != null) {
            Wanted waiting = Objects.requireNonNull(slot.waiting());
            snapshot = number -> PodSlot.snapshot(
                    waiting.pod(), PodSlot.statusOf(waiting.pod()), waiting.deletion(), Long.toString(number));
        } else {
            hide(slot);
            return;
        }
        Pod now = snapshot.apply(version + 1);
        Pod before = slot.shown;
        if (before != null && !uid(before).equals(uid(now))) {
            hide(slot);
            before = null;
            now = snapshot.apply(version + 1);
        }
        if (before == null || !isSame(before, now)) {
            version++;
            slot.shown = now;
            tell(new PodChange(before == null ? PodChange.Type.ADDED : PodChange.Type.MODIFIED, now));
        }
    }

    /** Tells that what was shown is gone. */
    void hide(PodSlot slot) {
        Pod last = slot.shown;
        if (last != null) {
            slot.shown = null;
            ObjectMeta metadata = PodSlot.copy(last.getMetadata());
            metadata.setResourceVersion(Long.toString(++version));
            Pod gone = new Pod(last.getApiVersion(), last.getKind(), metadata, last.getSpec(), last.getStatus());
            tell(new PodChange(PodChange.Type.DELETED, gone));
        }
    }

    private static String uid(Pod pod) {
        return pod.getMetadata().getUid();
    }

    private static boolean isSame(Pod before, Pod now) {
        ObjectMeta a = before.getMetadata();
        ObjectMeta b = now.getMetadata();
        PodStatus status = before.getStatus();
        return Objects.equals(a.getDeletionTimestamp(), b.getDeletionTimestamp())
                && Objects.equals(a.getDeletionGracePeriodSeconds(), b.getDeletionGracePeriodSeconds())
                && Objects.equals(a.getGeneration(), b.getGeneration())
                && Objects.equals(a.getLabels(), b.getLabels())
                && Objects.equals(a.getAnnotations(), b.getAnnotations())
                && status.equals(now.getStatus());
    }

    private void tell(PodChange change) {
        for (Watcher watcher : watchers) {
            queue.execute(() -> watcher.hear(change));
        }
    }

    /** Tells the listener of all present pods, then of each change. */
    PodEngine.Watch watch(PodTable table, Consumer<PodChange> listener) {
        Watcher watcher = new Watcher(table, listener);
        for (PodSlot slot : table.slots()) {
            Optional.ofNullable(slot.shown)
                    .ifPresent(pod -> queue.execute(() -> watcher.hear(new PodChange(PodChange.Type.ADDED, pod))));
        }
        watchers.add(watcher);
        return watcher;
    }

    /** A listener that hears nothing any more once it is closed. */
    private final class Watcher implements PodEngine.Watch {
        private final PodTable table;
        private final Consumer<PodChange> listener;
        private volatile boolean over;

        Watcher(PodTable table, Consumer<PodChange> listener) {
            this.table = table;
            this.listener = listener;
        }

        void hear(PodChange change) {
            if (over) {
                return;
            }
            try {
                listener.accept(change);
            } catch (RuntimeException e) {
                log.atError()
                        .addKeyValue("pod", PodKey.of(change.pod()))
                        .setCause(e)
                        .log("Could not tell a watcher of a change, going on");
            }
        }

        @Override
        public void close() {
            over = true;
            synchronized (table) {
                watchers.remove(this);
            }
        }
    }
}
