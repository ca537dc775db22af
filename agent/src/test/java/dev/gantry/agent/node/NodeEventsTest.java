package dev.gantry.agent.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.NodeCondition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeEventsTest {
    @TempDir
    Path state;

    private final List<String> recorded = new ArrayList<>();
    private final NodeEvents events = new NodeEvents(
            "node-1",
            (warning, reason, message) -> recorded.add((warning ? "Warning " : "Normal ") + reason + ": " + message));

    /** {@code MemoryPressure=True}, several of them separated by blanks. */
    private static List<NodeCondition> conditions(String text) {
        return Stream.of(text.split(" "))
                .filter(one -> !one.isEmpty())
                .map(one -> {
                    NodeCondition condition = new NodeCondition();
                    condition.setType(one.substring(0, one.indexOf('=')));
                    condition.setStatus(one.substring(one.indexOf('=') + 1));
                    return condition;
                })
                .toList();
    }

    @ParameterizedTest(name = "from \"{0}\" to \"{1}\": {2}")
    @CsvSource({
        "'', MemoryPressure=False, NodeHasSufficientMemory",
        "'', MemoryPressure=True, NodeHasInsufficientMemory",
        "MemoryPressure=False, MemoryPressure=True, NodeHasInsufficientMemory",
        "MemoryPressure=True, MemoryPressure=False, NodeHasSufficientMemory",
        "MemoryPressure=True, MemoryPressure=True, ''",
        "MemoryPressure=False, MemoryPressure=False, ''",
        "'', DiskPressure=False, NodeHasNoDiskPressure",
        "DiskPressure=False, DiskPressure=True, NodeHasDiskPressure",
        "DiskPressure=True, DiskPressure=False, NodeHasNoDiskPressure",
        "'', PIDPressure=False, NodeHasSufficientPID",
        "PIDPressure=False, PIDPressure=True, NodeHasInsufficientPID",
        "PIDPressure=True, PIDPressure=False, NodeHasSufficientPID",
        "'', Ready=False, ''",
        "'', Ready=True, NodeReady",
        "Ready=False, Ready=True, NodeReady",
        "Ready=True, Ready=False, NodeNotReady",
        "Ready=True, Ready=True, ''",
        "gantry.dev/LimitsEnforced=True, gantry.dev/LimitsEnforced=False, ''",
        "MemoryPressure=False DiskPressure=False Ready=True, MemoryPressure=False DiskPressure=True Ready=False,"
                + " NodeHasDiskPressure NodeNotReady",
    })
    void aConditionThatChangesIsAnEvent(String before, String now, String reasons) {
        assertThat(String.join(" ", NodeEvents.reasons(conditions(before), conditions(now))))
                .isEqualTo(reasons);
    }

    @Test
    void theMessageIsTheKubelets() {
        events.changed(conditions("Ready=True"), conditions("Ready=False"));

        assertThat(recorded).containsExactly("Normal NodeNotReady: Node node-1 status is now: NodeNotReady");
    }

    @Test
    void anotherBootIdIsAReboot() throws IOException {
        Path file = state.resolve("boot-id");

        events.started("boot-1", file);
        events.started("boot-1", file);
        events.started("", file);
        assertThat(recorded).hasSize(3).containsOnly("Normal Starting: Starting kubelet.");
        assertThat(file).hasContent("boot-1");

        recorded.clear();
        events.started("boot-2", file);
        events.started("boot-2", file);
        assertThat(recorded)
                .containsExactly(
                        "Normal Starting: Starting kubelet.",
                        "Warning Rebooted: Node node-1 has been rebooted, boot id: boot-2",
                        "Normal Starting: Starting kubelet.");
    }

    @Test
    void aFileThatCannotBeReadKeepsNobodyFromStarting() throws IOException {
        events.started("boot-1", Files.createDirectory(state.resolve("boot-id")));

        assertThat(recorded).containsExactly("Normal Starting: Starting kubelet.");
    }
}
