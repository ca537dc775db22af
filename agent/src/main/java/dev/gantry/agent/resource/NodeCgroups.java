package dev.gantry.agent.resource;

import dev.gantry.agent.event.NodeEventSink;
import dev.gantry.cgroups.Cgroup;
import dev.gantry.cgroups.CgroupException;
import dev.gantry.cgroups.CgroupResources;
import dev.gantry.cgroups.CgroupTree;
import dev.gantry.cgroups.Missing;
import dev.gantry.cgroups.QosClass;
import dev.gantry.cgroups.SliceManager;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The cgroups above the pods, kept as {@link NodeLevels} says. Writes what has changed; what the kernel refuses is said once, and is
 * tried again with the next change. Not for use by several threads at once.
 */
public final class NodeCgroups {
    private static final Logger LOG = LoggerFactory.getLogger(NodeCgroups.class);

    private final Cgroup pods;
    private final Cgroup burstable;
    private final Cgroup bestEffort;
    private final SliceManager slices;
    private final NodeResources node;
    private final ResourcePolicy policy;
    private final boolean enforced;
    private final NodeEventSink events;
    private final Map<String, CgroupResources> written = new HashMap<>();
    private Map<String, Missing> missing = Map.of();
    private String lastRefusal = "";
    /** Whether the events say how it came out. */
    private boolean told;

    /** Of these three cgroups, which are there. */
    NodeCgroups(
            Cgroup pods,
            Cgroup burstable,
            Cgroup bestEffort,
            SliceManager slices,
            NodeResources node,
            ResourcePolicy policy,
            boolean enforced,
            NodeEventSink events) {
        this.pods = pods;
        this.burstable = burstable;
        this.bestEffort = bestEffort;
        this.slices = slices;
        this.node = node;
        this.policy = policy;
        this.enforced = enforced;
        this.events = events;
    }

    /**
     * Of a node's tree; makes what is not there yet.
     *
     * @param slices is told of the limits, too
     * @param enforced whether the pods together are limited to what is not reserved
     * @param events hear once that they are, and why not
     */
    public static NodeCgroups of(
            CgroupTree tree,
            SliceManager slices,
            NodeResources node,
            ResourcePolicy policy,
            boolean enforced,
            NodeEventSink events)
            throws CgroupException {
        return new NodeCgroups(
                tree.pods(),
                tree.qos(QosClass.BURSTABLE),
                tree.qos(QosClass.BEST_EFFORT),
                slices,
                node,
                policy,
                enforced,
                events);
    }

    /** Sets the levels for these pods. */
    public void update(Collection<PodSpec> running) {
        NodeLevels levels = NodeLevels.of(running, node, policy, enforced);
        Map<String, Missing> found = new LinkedHashMap<>(missing);
        try {
            write(pods, levels.pods(), found);
            written(found.values());
            write(burstable, levels.burstable(), found);
            write(bestEffort, levels.bestEffort(), found);
            lastRefusal = "";
        } catch (CgroupException e) {
            String message = String.valueOf(e.getMessage());
            if (!message.equals(lastRefusal)) {
                LOG.atWarn()
                        .addKeyValue("err", message)
                        .log("Could not limit the pods' cgroups, retrying with the next pod");
                if (enforced && !told) {
                    failed(message);
                }
            }
            lastRefusal = message;
        }
        missing = found;
    }

    /** The kernel took the limits of all pods; what it does not have is not in force. */
    private void written(Collection<Missing> absent) {
        if (!enforced || told) {
            return;
        }
        told = true;
        if (absent.isEmpty()) {
            events.record(false, "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods");
        } else {
            failed(absent.stream().map(Missing::toString).collect(Collectors.joining("; ")));
        }
    }

    private void failed(String why) {
        events.record(
                true,
                "FailedNodeAllocatableEnforcement",
                "Failed to update Node Allocatable Limits [\"kubepods\"]: " + why);
    }

    private void write(Cgroup level, CgroupResources wanted, Map<String, Missing> found) throws CgroupException {
        if (!wanted.equals(written.get(level.path()))) {
            slices.apply(level.path(), wanted);
            level.apply(wanted).forEach(one -> found.put(one.what(), one));
            written.put(level.path(), wanted);
        }
    }

    /** What this machine cannot limit. */
    public Collection<Missing> missing() {
        return List.copyOf(missing.values());
    }
}
