package dev.gantry.agent.node;

import dev.gantry.agent.pod.NodeFacts;
import dev.gantry.agent.resource.Amounts;
import dev.gantry.agent.resource.NodeResources;
import dev.gantry.agent.time.Timestamps;
import dev.gantry.cgroups.Missing;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeAddress;
import io.fabric8.kubernetes.api.model.NodeCondition;
import io.fabric8.kubernetes.api.model.NodeSpec;
import io.fabric8.kubernetes.api.model.NodeStatus;
import io.fabric8.kubernetes.api.model.NodeSystemInfo;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Quantity;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Makes the node's object, as the kubelet words it. Pure. */
public final class NodeObjects {
    /** False where the machine cannot enforce some kind of limit. */
    public static final String LIMITS_CONDITION = "gantry.dev/LimitsEnforced";

    /** False where a part of the pods' network does not work, such as host ports, or what another program's firewall drops. */
    public static final String NETWORK_CONDITION = "gantry.dev/NetworkComplete";

    /** Of which too few are left when a tenth is: the kubelet has no threshold of its own for them. */
    private static final long LEAST_PIDS = 100;

    private NodeObjects() {}

    /**
     * The object.
     *
     * @param before the conditions that it replaces, whose transition times go on where nothing changed
     * @param createdAt when this agent's first start was
     */
    public static Node of(
            NodeFacts facts,
            NodeSystemInfo info,
            NodeObservation seen,
            List<NodeCondition> before,
            Instant createdAt,
            Instant now) {
        ObjectMeta metadata = new ObjectMeta();
        metadata.setName(facts.name());
        metadata.setUid(facts.name());
        metadata.setCreationTimestamp(Timestamps.format(createdAt));
        metadata.setResourceVersion(Long.toString(now.toEpochMilli()));
        metadata.setLabels(new TreeMap<>(Map.of(
                "kubernetes.io/hostname",
                facts.name(),
                "kubernetes.io/os",
                "linux",
                "kubernetes.io/arch",
                info.getArchitecture())));
        NodeStatus status = new NodeStatus();
        status.setCapacity(shown(facts.resources().capacity()));
        status.setAllocatable(shown(facts.resources().allocatable()));
        List<NodeAddress> addresses = new ArrayList<>();
        facts.hostIps().forEach(ip -> addresses.add(new NodeAddress(ip, "InternalIP")));
        addresses.add(new NodeAddress(facts.name(), "Hostname"));
        status.setAddresses(addresses);
        status.setNodeInfo(info);
        status.setConditions(conditions(facts.resources(), seen, before, now));
        return new Node("v1", "Node", metadata, new NodeSpec(), status);
    }

    /** The API knows no capacity of processes. */
    private static Map<String, Quantity> shown(Amounts amounts) {
        Map<String, Quantity> shown = amounts.quantities();
        shown.remove(Amounts.PID);
        return shown;
    }

    /**
     * The conditions alone.
     *
     * @param before as for {@link #of}
     */
    public static List<NodeCondition> conditions(
            NodeResources resources, NodeObservation seen, List<NodeCondition> before, Instant now) {
        List<NodeCondition> conditions = new ArrayList<>();
        boolean memory = seen.memoryAvailable() < resources.evictionHard().get(Amounts.MEMORY);
        conditions.add(pressure(
                "MemoryPressure",
                memory,
                memory ? "KubeletHasInsufficientMemory" : "KubeletHasSufficientMemory",
                memory ? "kubelet has insufficient memory available" : "kubelet has sufficient memory available"));
        boolean disk = seen.storageAvailable() < resources.evictionHard().get(Amounts.EPHEMERAL_STORAGE);
        conditions.add(pressure(
                "DiskPressure",
                disk,
                disk ? "KubeletHasDiskPressure" : "KubeletHasNoDiskPressure",
                disk ? "kubelet has disk pressure" : "kubelet has no disk pressure"));
        boolean pids = seen.pidsAvailable() < LEAST_PIDS;
        conditions.add(pressure(
                "PIDPressure",
                pids,
                pids ? "KubeletHasInsufficientPID" : "KubeletHasSufficientPID",
                pids ? "kubelet has insufficient PID available" : "kubelet has sufficient PID available"));
        conditions.add(limits(seen));
        conditions.add(pressure(
                NETWORK_CONDITION,
                seen.network().isEmpty(),
                seen.network().isEmpty() ? "NothingMissing" : "Limited",
                seen.network().isEmpty() ? "the pods' network is whole" : String.join("; ", seen.network())));
        conditions.add(pressure(
                "Ready",
                seen.unready().isEmpty(),
                seen.unready().isEmpty() ? "KubeletReady" : "KubeletNotReady",
                seen.unready().orElse("kubelet is posting ready status")));
        for (NodeCondition condition : conditions) {
            condition.setLastHeartbeatTime(Timestamps.format(now));
            condition.setLastTransitionTime(before.stream()
                    .filter(one -> one.getType().equals(condition.getType())
                            && one.getStatus().equals(condition.getStatus()))
                    .map(NodeCondition::getLastTransitionTime)
                    .findFirst()
                    .orElse(Timestamps.format(now)));
        }
        return conditions;
    }

    private static NodeCondition limits(NodeObservation seen) {
        boolean all = seen.missing().isEmpty();
        String message = seen.missing().stream().map(Missing::toString).collect(Collectors.joining("; "));
        return pressure(
                LIMITS_CONDITION,
                all,
                all ? "AllEnforced" : "ControllersMissing",
                all ? "every limit of pods and containers is enforced" : message);
    }

    private static NodeCondition pressure(String type, boolean is, String reason, String message) {
        NodeCondition condition = new NodeCondition();
        condition.setType(type);
        condition.setStatus(is ? "True" : "False");
        condition.setReason(reason);
        condition.setMessage(message);
        return condition;
    }
}
