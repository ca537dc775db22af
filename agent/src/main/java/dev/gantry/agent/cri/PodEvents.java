package dev.gantry.agent.cri;

import dev.gantry.cri.v1.ContainerEventResponse;
import dev.gantry.cri.v1.VersionResponse;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells whose containers changed in the runtime: by its events where it has them (GetContainerEvents came with containerd 1.7), and
 * otherwise by comparing its lists every second.
 *
 * <pre>
 *   events ──unimplemented, or ended five times without one──▶ lists
 *      ▲────────the runtime was away and is back────────────────┘
 * </pre>
 *
 * <p>containerd 1.7 hands each event to one client, and the first after a client has left to that one: its lists are compared, too,
 * until an event has come. containerd 2 waits for a client that does not read, with all pods: nothing here may hold up the stream.
 */
public final class PodEvents implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(PodEvents.class);

    /** As the kubelet's generic PLEG. */
    private static final Duration PERIOD = Duration.ofSeconds(1);

    /** As the kubelet's evented PLEG. */
    private static final int ATTEMPTS = 5;

    private final CriRuntime runtime;
    private final Consumer<String> changed;
    private final Runnable missed;
    private final ScheduledExecutorService timers;
    private Map<String, String> listed = Map.of();
    private String lastFailure = "";
    private int endings;
    private boolean listFailed;
    private int subscription;
    private boolean heard;
    private boolean closed;
    private @Nullable AutoCloseable stream;
    private @Nullable ScheduledFuture<?> next;

    private PodEvents(CriRuntime runtime, Consumer<String> changed, Runnable missed, ScheduledExecutorService timers) {
        this.runtime = runtime;
        this.changed = changed;
        this.missed = missed;
        this.timers = timers;
    }

    /**
     * Begins.
     *
     * @param changed takes the uid of a pod; on the transport's thread, like {@code missed}
     * @param missed hears that any pod may have changed unseen
     */
    public static PodEvents start(
            CriRuntime runtime, Consumer<String> changed, Runnable missed, ScheduledExecutorService timers) {
        PodEvents events = new PodEvents(runtime, changed, missed, timers);
        events.subscribe();
        return events;
    }

    private void subscribe() {
        int mine;
        synchronized (this) {
            if (closed) {
                return;
            }
            mine = ++subscription;
            heard = false;
        }
        AutoCloseable opened = runtime.events(this::event, this::ended);
        synchronized (this) {
            if (!closed) {
                stream = opened;
            }
        }
        if (!isCurrent(mine)) {
            close(opened);
            return;
        }
        runtime.version().whenComplete((version, failure) -> {
            if (failure == null && losesEvents(version)) {
                listUntilHeard(mine);
            }
        });
    }

    private static boolean losesEvents(VersionResponse version) {
        return version.getRuntimeName().equals("containerd")
                && version.getRuntimeVersion().matches("v?1\\..*");
    }

    private synchronized boolean isCurrent(int number) {
        return !closed && number == subscription;
    }

    private void listUntilHeard(int mine) {
        synchronized (this) {
            if (heard || !isCurrent(mine)) {
                return;
            }
        }
        runtime.podStates().whenComplete((states, failure) -> {
            if (failure == null && isCurrent(mine)) {
                tell(states);
            }
            later(() -> listUntilHeard(mine));
        });
    }

    private void event(ContainerEventResponse event) {
        synchronized (this) {
            endings = 0;
            heard = true;
            lastFailure = "";
        }
        String uid = event.getPodSandboxStatus().getMetadata().getUid();
        if (uid.isEmpty() && event.getContainersStatusesCount() > 0) {
            uid = event.getContainersStatuses(0).getLabelsOrDefault(Labels.POD_UID, "");
        }
        changed.accept(uid);
    }

    private void ended(CriException why) {
        boolean giveUp;
        boolean known;
        synchronized (this) {
            if (closed) {
                return;
            }
            subscription++;
            endings++;
            giveUp = why.isUnimplemented() || endings >= ATTEMPTS;
            known = lastFailure.equals(why.getMessage());
            lastFailure = String.valueOf(why.getMessage());
        }
        if (giveUp) {
            log.atInfo()
                    .addKeyValue("err", why.getMessage())
                    .addKeyValue("period", PERIOD)
                    .log("The container runtime sends no events, listing its containers instead");
            list();
            return;
        }
        if (!known) {
            log.atWarn()
                    .addKeyValue("err", why.getMessage())
                    .addKeyValue("retryIn", PERIOD)
                    .log("Lost container events, subscribing again");
        }
        later(() -> {
            subscribe();
            missed.run();
        });
    }

    private synchronized void later(Runnable task) {
        if (!closed) {
            next = timers.schedule(task, PERIOD.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    private void list() {
        runtime.podStates().whenComplete((states, failure) -> {
            if (failure == null) {
                compare(states);
            } else {
                synchronized (this) {
                    listFailed = true;
                }
                later(this::list);
            }
        });
    }

    private void compare(Map<String, String> now) {
        boolean back;
        synchronized (this) {
            back = listFailed;
            listFailed = false;
            endings = back ? 0 : endings;
        }
        tell(now);
        // Another version may have come back, which has events.
        later(back ? this::subscribe : this::list);
    }

    private void tell(Map<String, String> now) {
        Set<String> uids = new HashSet<>(now.keySet());
        synchronized (this) {
            Map<String, String> before = listed;
            uids.addAll(before.keySet());
            uids.removeIf(uid -> now.getOrDefault(uid, "").equals(before.getOrDefault(uid, "")));
            listed = now;
        }
        uids.forEach(changed);
    }

    @Override
    public void close() {
        AutoCloseable opened;
        synchronized (this) {
            closed = true;
            opened = stream;
            if (next != null) {
                next.cancel(false);
            }
        }
        close(opened);
    }

    private static void close(@Nullable AutoCloseable stream) {
        if (stream != null) {
            try {
                stream.close();
            } catch (Exception e) {
                throw new IllegalStateException("cancelling a call cannot fail", e);
            }
        }
    }
}
