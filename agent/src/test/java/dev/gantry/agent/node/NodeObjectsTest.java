package dev.gantry.agent.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.pod.NodeFacts;
import dev.gantry.agent.resource.Amounts;
import dev.gantry.agent.resource.NodeResources;
import dev.gantry.agent.resource.ResourcePolicy;
import dev.gantry.cgroups.Missing;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeCondition;
import io.fabric8.kubernetes.api.model.NodeSystemInfo;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeObjectsTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private static final NodeFacts FACTS = new NodeFacts(
            "node-1",
            List.of("192.0.2.1", "2001:db8::1"),
            new NodeResources(
                    new Amounts(Map.of(
                            "cpu",
                            4000L,
                            "memory",
                            8L << 30,
                            "ephemeral-storage",
                            100L << 30,
                            "pods",
                            110L,
                            "pid",
                            9L)),
                    0,
                    new Amounts(Map.of("cpu", 500L)),
                    Amounts.NONE,
                    new Amounts(Map.of("memory", 100L << 20, "ephemeral-storage", 10L << 30))),
            ResourcePolicy.DEFAULT);

    private static Node node(NodeObservation seen, List<NodeCondition> before, Instant now) {
        NodeSystemInfo info = new NodeSystemInfo();
        info.setArchitecture("amd64");
        return NodeObjects.of(FACTS, info, seen, before, NOW.minusSeconds(60), now);
    }

    private static NodeObservation well() {
        return new NodeObservation(Optional.empty(), 4L << 30, 50L << 30, 30_000, List.of(), List.of());
    }

    private static NodeCondition condition(Node node, String type) {
        return node.getStatus().getConditions().stream()
                .filter(one -> one.getType().equals(type))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void capacityAndAllocatableAreShown() {
        Node node = node(well(), List.of(), NOW);

        assertThat(node.getStatus().getCapacity())
                .hasToString("{cpu=4, ephemeral-storage=104857600Ki, memory=8388608Ki, pods=110}");
        assertThat(node.getStatus().getAllocatable())
                .hasToString("{cpu=3500m, ephemeral-storage=94371840Ki, memory=8286208Ki, pods=110}");
        assertThat(node.getStatus().getAddresses())
                .extracting(address -> address.getType() + " " + address.getAddress())
                .containsExactly("InternalIP 192.0.2.1", "InternalIP 2001:db8::1", "Hostname node-1");
    }

    @ParameterizedTest(name = "{0} MiB of memory, {1} GiB of disk, {2} processes left: {3} {4}")
    @CsvSource({
        "4096, 50, 30000, MemoryPressure, False, KubeletHasSufficientMemory",
        "99, 50, 30000, MemoryPressure, True, KubeletHasInsufficientMemory",
        "100, 50, 30000, MemoryPressure, False, KubeletHasSufficientMemory",
        "4096, 50, 30000, DiskPressure, False, KubeletHasNoDiskPressure",
        "4096, 9, 30000, DiskPressure, True, KubeletHasDiskPressure",
        "4096, 50, 30000, PIDPressure, False, KubeletHasSufficientPID",
        "4096, 50, 99, PIDPressure, True, KubeletHasInsufficientPID",
    })
    void whatRunsOutIsACondition(long memory, long disk, long pids, String type, String status, String reason) {
        Node node = node(
                new NodeObservation(Optional.empty(), memory << 20, disk << 30, pids, List.of(), List.of()),
                List.of(),
                NOW);

        assertThat(condition(node, type).getStatus()).isEqualTo(status);
        assertThat(condition(node, type).getReason()).isEqualTo(reason);
    }

    @Test
    void anAgentThatIsNotWellSaysWhy() {
        Node node = node(
                new NodeObservation(Optional.of("pods: stuck"), 4L << 30, 50L << 30, 30_000, List.of(), List.of()),
                List.of(),
                NOW);

        assertThat(condition(node, "Ready").getStatus()).isEqualTo("False");
        assertThat(condition(node, "Ready").getMessage()).isEqualTo("pods: stuck");
    }

    @Test
    void whatTheMachineCannotLimitIsAConditionWithItsRemedy() {
        Missing missing = new Missing("cgroup controller memory", "this host uses it with cgroup v1", "boot with x");
        Node node = node(
                new NodeObservation(Optional.empty(), 4L << 30, 50L << 30, 30_000, List.of(missing), List.of()),
                List.of(),
                NOW);

        assertThat(condition(node, NodeObjects.LIMITS_CONDITION).getStatus()).isEqualTo("False");
        assertThat(condition(node, NodeObjects.LIMITS_CONDITION).getMessage())
                .isEqualTo("cgroup controller memory: this host uses it with cgroup v1; boot with x");
    }

    @Test
    void whatDoesNotWorkOfTheNetworkIsAConditionWithItsRemedy() {
        assertThat(condition(node(well(), List.of(), NOW), NodeObjects.NETWORK_CONDITION)
                        .getStatus())
                .isEqualTo("True");

        Node node = node(
                new NodeObservation(
                        Optional.empty(), 4L << 30, 50L << 30, 30_000, List.of(), List.of("a is off: b (c)", "d")),
                List.of(),
                NOW);

        assertThat(condition(node, NodeObjects.NETWORK_CONDITION).getStatus()).isEqualTo("False");
        assertThat(condition(node, NodeObjects.NETWORK_CONDITION).getMessage()).isEqualTo("a is off: b (c); d");
    }

    @Test
    void aConditionKeepsItsTimeUntilItChanges() {
        Node first = node(well(), List.of(), NOW);
        Node same = node(well(), first.getStatus().getConditions(), NOW.plusSeconds(10));
        Node other = node(
                new NodeObservation(Optional.empty(), 1, 50L << 30, 30_000, List.of(), List.of()),
                same.getStatus().getConditions(),
                NOW.plusSeconds(20));

        assertThat(condition(same, "MemoryPressure").getLastTransitionTime()).isEqualTo("2026-01-02T03:04:05Z");
        assertThat(condition(same, "MemoryPressure").getLastHeartbeatTime()).isEqualTo("2026-01-02T03:04:15Z");
        assertThat(condition(other, "MemoryPressure").getLastTransitionTime()).isEqualTo("2026-01-02T03:04:25Z");
        assertThat(condition(other, "Ready").getLastTransitionTime()).isEqualTo("2026-01-02T03:04:05Z");
    }
}
