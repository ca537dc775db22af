package dev.gantry.agent.oom;

import dev.gantry.agent.event.EventSink;
import dev.gantry.agent.event.NodeEventSink;
import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.oom.OomRecord.Place;
import dev.gantry.cgroups.Cgroup;
import dev.gantry.cgroups.CgroupEvents;
import dev.gantry.cgroups.CgroupException;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Linux;
import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells of every process that the kernel kills for want of memory in a pod, also of those whose container lives on.
 *
 * <ul>
 *   <li>The victim's name and number are in the kernel's log, whatever runtime the container has.
 *   <li>Where that cannot be read, the counters of the containers' cgroups tell that something was killed, and the event says why it
 *       tells no more.
 * </ul>
 */
public final class OomEvents implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(OomEvents.class);

    private final EventSink events;
    private final NodeEventSink nodeEvents;
    private final Owners owners;
    private final EventLoop loop;
    private final Map<String, CgroupEvents.Subscription> watched = new HashMap<>();
    private @Nullable KernelLog log;
    private @Nullable CgroupEvents cgroups;
    private String unreadable = "";

    /** Whose a container is. */
    public record Owner(PodReference pod, Optional<String> container) {}

    /** Knows the pods of this node. */
    public interface Owners {
        /** The pod, and the container if it is known already; empty if the pod is none of this agent's. */
        Optional<Owner> of(String podUid, String containerId);
    }

    /** A container that runs, and its cgroup. */
    public record Watched(String podUid, String containerId, Cgroup cgroup) {}

    private OomEvents(EventSink events, NodeEventSink nodeEvents, Owners owners, EventLoop loop) {
        this.events = events;
        this.nodeEvents = nodeEvents;
        this.owners = owners;
        this.loop = loop;
    }

    /**
     * Begins. Cannot fail: without the kernel's log it makes do with counters.
     *
     * @param loop its thread reads the log
     * @param nodeEvents hear of victims that are in no pod, when the machine as a whole ran out of memory
     */
    public static OomEvents start(
            Linux linux, EventLoop loop, EventSink events, NodeEventSink nodeEvents, Owners owners) throws IOException {
        OomEvents oom = new OomEvents(events, nodeEvents, owners, loop);
        try {
            oom.log = KernelLog.open(linux, loop, oom::logged);
        } catch (ErrnoException e) {
            oom.unreadable = String.valueOf(e.getMessage());
            oom.cgroups = new CgroupEvents(linux, loop);
            LOG.atWarn()
                    .addKeyValue("err", oom.unreadable)
                    .log(
                            "Could not read the kernel's log, events of out-of-memory kills will not name the victims; give the agent CAP_SYSLOG, or set kernel.dmesg_restrict=0");
        }
        return oom;
    }

    /** Whether the containers' cgroups have to be {@link #watch watched}. */
    public boolean needsCgroups() {
        return cgroups != null;
    }

    /** From now on these containers are watched, and no others. */
    public void watch(Collection<Watched> running) {
        loop.execute(() -> {
            CgroupEvents from = cgroups;
            if (from == null) {
                return;
            }
            Set<String> ids = new HashSet<>();
            for (Watched container : running) {
                ids.add(container.containerId());
                watched.computeIfAbsent(
                        container.containerId(), id -> from.watch(container.cgroup(), new Counter(container)));
            }
            watched.entrySet().removeIf(entry -> {
                boolean gone = !ids.contains(entry.getKey());
                if (gone) {
                    entry.getValue().close();
                }
                return gone;
            });
        });
    }

    /** A message of the kernel's log. */
    void logged(String message) {
        Optional<OomRecord> record = OomRecord.parse(message);
        if (record.isEmpty()) {
            return;
        }
        OomRecord kill = record.get();
        Optional<Place> place = kill.place();
        Optional<Owner> owner = place.flatMap(at -> owners.of(at.podUid(), at.containerId()));
        if (owner.isPresent()) {
            events.record(owner.get().pod(), owner.get().container(), true, kill.reason(), kill.message());
        } else if (kill.system()) {
            nodeEvents.record(true, kill.reason(), kill.message());
        }
    }

    /** Counts the kills in one container's cgroup. On the loop's thread. */
    private final class Counter implements CgroupEvents.Listener {
        private final Watched container;
        private long counted;

        Counter(Watched container) {
            this.container = container;
            try {
                // What an earlier agent told.
                counted = container.cgroup().oomKills();
            } catch (CgroupException e) {
                // The cgroup is gone already, and nothing more is killed in it.
                counted = Long.MAX_VALUE;
            }
        }

        @Override
        public void oomKilled(long total) {
            if (total > counted) {
                killed(container, total - counted);
                counted = total;
            }
        }
    }

    /** Processes were killed in a container, and nobody says which. */
    void killed(Watched container, long count) {
        owners.of(container.podUid(), container.containerId())
                .ifPresent(owner -> events.record(
                        owner.pod(),
                        owner.container(),
                        true,
                        "OOMKilling",
                        "Memory cgroup out of memory: Killed %d %s; which is not known: %s"
                                .formatted(count, count == 1 ? "process" : "processes", unreadable)));
    }

    @Override
    public void close() {
        if (log != null) {
            log.close();
        }
        if (cgroups != null) {
            cgroups.close();
        }
    }
}
