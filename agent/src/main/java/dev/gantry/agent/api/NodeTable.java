package dev.gantry.agent.api;

import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeAddress;
import io.fabric8.kubernetes.api.model.NodeSystemInfo;
import java.time.Instant;
import java.util.List;

/** The columns of {@code kubectl get nodes}. */
final class NodeTable {
    static final Table<Node> TABLE = new Table<>(
            List.of(
                    new Table.Column("Name", "string", 0, "Name of the node"),
                    new Table.Column("Status", "string", 0, "Whether it runs pods"),
                    new Table.Column("Roles", "string", 0, "What it does in a cluster"),
                    new Table.Column("Age", "string", 0, "Time since its first start"),
                    new Table.Column("Version", "string", 0, "Version of the agent"),
                    new Table.Column("Internal-IP", "string", 1, "Its address"),
                    new Table.Column("External-IP", "string", 1, "Its address for others"),
                    new Table.Column("OS-Image", "string", 1, "Its operating system"),
                    new Table.Column("Kernel-Version", "string", 1, "Its kernel"),
                    new Table.Column("Container-Runtime", "string", 1, "What runs its containers")),
            NodeTable::cells);

    private NodeTable() {}

    private static List<String> cells(Node node, Instant now) {
        NodeSystemInfo info = node.getStatus().getNodeInfo();
        boolean ready = node.getStatus().getConditions().stream()
                .anyMatch(condition -> condition.getType().equals("Ready")
                        && condition.getStatus().equals("True"));
        return List.of(
                node.getMetadata().getName(),
                ready ? "Ready" : "NotReady",
                "<none>",
                PodTable.age(node.getMetadata().getCreationTimestamp(), now),
                info.getKubeletVersion(),
                node.getStatus().getAddresses().stream()
                        .filter(address -> address.getType().equals("InternalIP"))
                        .map(NodeAddress::getAddress)
                        .findFirst()
                        .orElse("<none>"),
                "<none>",
                info.getOsImage(),
                info.getKernelVersion(),
                info.getContainerRuntimeVersion());
    }
}
