package dev.gantry.agent.resource;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.resource.ResourcePolicy.SwapBehavior;
import dev.gantry.cgroups.Cgroup;
import dev.gantry.cgroups.SliceManager;
import dev.gantry.linux.Linux;
import dev.gantry.testing.FakeCgroups;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeLevelsTest {
    private static final NodeResources NODE = new NodeResources(
            new Amounts(Map.of("cpu", 4000L, "memory", 8L << 30, "pid", 32768L)),
            0,
            new Amounts(Map.of("cpu", 500L, "memory", 1L << 30, "pid", 768L)),
            new Amounts(Map.of("cpu", 500L)),
            new Amounts(Map.of("memory", 100L << 20)));

    private static List<PodSpec> pods(String requests) {
        List<PodSpec> specs = new ArrayList<>();
        for (String one : requests.isEmpty() ? new String[0] : requests.split("\\|", -1)) {
            boolean guaranteed = one.startsWith("=");
            String amounts = guaranteed ? one.substring(1) : one;
            specs.add(Specs.pod(amounts, guaranteed ? amounts : "{}").getSpec());
        }
        return specs;
    }

    @ParameterizedTest(name = "{0}: burstable pods weigh {1}")
    @CsvSource(
            delimiter = ';',
            value = {
                "''; 1",
                "{}; 1",
                "{cpu: 200m}; 8",
                "{cpu: 200m}|{cpu: 500m}|{}; 28",
                "={cpu: 2, memory: 1Gi}|{cpu: 500m}; 20",
                "{cpu: 100000}; 10000",
            })
    void burstablePodsTogetherWeighWhatTheyRequest(String requests, String weight) {
        NodeLevels levels = NodeLevels.of(pods(requests), NODE, ResourcePolicy.DEFAULT, true);

        assertThat(levels.burstable().unified()).containsOnly(Map.entry("cpu.weight", weight));
        assertThat(levels.bestEffort().unified()).containsOnly(Map.entry("cpu.weight", "1"));
    }

    @Test
    void allPodsTogetherHaveWhatIsNotReserved() {
        NodeLevels levels = NodeLevels.of(List.of(), NODE, ResourcePolicy.DEFAULT, true);

        assertThat(levels.pods().memoryLimitBytes()).isEqualTo(7L << 30);
        assertThat(levels.pods().memorySwapLimitBytes()).isEqualTo(-1);
        assertThat(levels.pods().pidsLimit()).hasValue(32_000);
        // 3000m
        assertThat(levels.pods().unified()).containsOnly(Map.entry("cpu.weight", "118"));
    }

    @Test
    void whatIsNotEnforcedIsNotLimited() {
        NodeLevels levels = NodeLevels.of(List.of(), NODE, ResourcePolicy.DEFAULT, false);

        assertThat(levels.pods().memoryLimitBytes()).isEqualTo(-1);
        assertThat(levels.pods().pidsLimit()).hasValue(-1);
    }

    @Test
    void requestedMemoryIsKeptForThePodsIfThatIsConfigured() {
        ResourcePolicy tiered = new ResourcePolicy(
                true,
                true,
                100_000,
                false,
                OptionalDouble.of(0.9),
                true,
                SwapBehavior.NO_SWAP,
                OptionalLong.empty(),
                true);

        NodeLevels levels =
                NodeLevels.of(pods("{memory: 1Gi}|={cpu: 1, memory: 2Gi}|={cpu: 1, memory: 64Mi}"), NODE, tiered, true);

        assertThat(levels.pods().unified()).containsEntry("memory.min", Long.toString((3L << 30) + (64L << 20)));
        assertThat(levels.burstable().unified()).containsEntry("memory.low", Long.toString(1L << 30));
    }

    private final List<String> events = new ArrayList<>();

    private NodeCgroups cgroups(FakeCgroups linux, Path top) throws IOException {
        Cgroup root = new Cgroup(linux, top.toString());
        Cgroup pods = root.child("kubepods");
        List<Cgroup> levels = List.of(root, pods, pods.child("burstable"), pods.child("besteffort"));
        for (Cgroup level : levels) {
            level.create();
            level.enable(root.controllers());
        }
        return new NodeCgroups(
                levels.get(1),
                levels.get(2),
                levels.get(3),
                SliceManager.NONE,
                NODE,
                ResourcePolicy.DEFAULT,
                true,
                (warning, reason, message) -> events.add((warning ? "Warning " : "Normal ") + reason + ": " + message));
    }

    @Test
    void theCgroupsFollowThePods(@TempDir Path top) throws IOException {
        FakeCgroups linux = new FakeCgroups(Linux.system(), top, "cpu", "memory", "pids");
        NodeCgroups cgroups = cgroups(linux, top);

        cgroups.update(pods("{cpu: 200m}"));
        assertThat(linux.read(top.resolve("kubepods/memory.max"))).isEqualTo(Long.toString(7L << 30));
        assertThat(linux.read(top.resolve("kubepods/pids.max"))).isEqualTo("32000");
        assertThat(linux.read(top.resolve("kubepods/burstable/cpu.weight"))).isEqualTo("8");
        assertThat(linux.read(top.resolve("kubepods/besteffort/cpu.weight"))).isEqualTo("1");

        cgroups.update(pods("{cpu: 200m}|{cpu: 500m}"));
        assertThat(linux.read(top.resolve("kubepods/burstable/cpu.weight"))).isEqualTo("28");
        assertThat(cgroups.missing()).isEmpty();
        assertThat(events)
                .containsExactly("Normal NodeAllocatableEnforced: Updated Node Allocatable limit across pods");
    }

    @Test
    void whatTheMachineCannotLimitIsTold(@TempDir Path top) throws IOException {
        FakeCgroups linux = new FakeCgroups(Linux.system(), top, "cpu");
        NodeCgroups cgroups = cgroups(linux, top);

        cgroups.update(pods("{cpu: 500m}"));

        assertThat(cgroups.missing())
                .extracting(missing -> missing.what())
                .contains("cgroup controller memory", "cgroup controller pids");
        assertThat(linux.read(top.resolve("kubepods/burstable/cpu.weight"))).isEqualTo("20");
        cgroups.update(pods("{cpu: 200m}"));
        assertThat(events)
                .singleElement()
                .satisfies(event -> assertThat(event)
                        .startsWith(
                                "Warning FailedNodeAllocatableEnforcement: Failed to update Node Allocatable Limits [\"kubepods\"]: cgroup controller memory: ")
                        .contains("; cgroup controller pids: "));
    }
}
