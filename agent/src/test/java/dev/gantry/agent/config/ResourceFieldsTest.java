package dev.gantry.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.gantry.agent.resource.Amounts;
import dev.gantry.agent.resource.NodeResources;
import dev.gantry.agent.resource.ResourcePolicy;
import dev.gantry.agent.resource.ResourcePolicy.SwapBehavior;
import dev.gantry.agent.rotation.RotationPolicy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResourceFieldsTest {
    private static final Amounts MACHINE = new Amounts(
            Map.of("cpu", 4000L, "memory", 8L << 30, "ephemeral-storage", 100L << 30, "hugepages-2Mi", 512L << 20));

    @TempDir
    Path root;

    private AgentConfig load(String yaml) throws IOException, ConfigException {
        Files.writeString(root.resolve("config.yaml"), yaml);
        return AgentConfig.load(NodePaths.under(root), Map.of("hostname-override", "n"));
    }

    @Test
    void withoutAnythingTheKubeletsDefaultsHold() throws IOException, ConfigException {
        ResourceConfig config = load("nodeName: n\n").resources();
        NodeResources node = config.of(MACHINE, 0);

        assertThat(config.policy()).isEqualTo(ResourcePolicy.DEFAULT);
        assertThat(config.logs()).isEqualTo(RotationPolicy.DEFAULT);
        assertThat(config.enforcePods()).isTrue();
        assertThat(node.capacity().get("pods")).isEqualTo(110);
        assertThat(node.allocatable().values())
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "cpu",
                        4000L,
                        "memory",
                        (8L << 30) - (100L << 20) - (512L << 20),
                        "ephemeral-storage",
                        90L << 30,
                        "hugepages-2Mi",
                        512L << 20,
                        "pods",
                        110L));
        assertThat(node.enforced().get("memory")).isEqualTo(8L << 30);
    }

    @Test
    void everyFieldIsRead() throws IOException, ConfigException {
        AgentConfig whole = load("""
                maxPods: 50
                podsPerCore: 10
                podPidsLimit: 4096
                cpuCFSQuota: false
                cpuCFSQuotaPeriod: 20ms
                singleProcessOOMKill: true
                localStorageCapacityIsolation: false
                featureGates: {MemoryQoS: true, ContextualLogging: true}
                memoryThrottlingFactor: 0.8
                memoryReservationPolicy: TieredReservation
                memorySwap: {swapBehavior: LimitedSwap}
                kubeReserved: {cpu: 200m, memory: 256Mi, pid: 100}
                systemReserved: {cpu: 1, memory: 1Gi, ephemeral-storage: 1Gi}
                evictionHard: {memory.available: 5%, nodefs.available: 1Gi}
                enforceNodeAllocatable: [none]
                containerLogMaxSize: 1Mi
                containerLogMaxFiles: 3
                containerLogMaxWorkers: 2
                containerLogMonitorInterval: 5s
                """);
        ResourceConfig config = whole.resources();
        NodeResources node = config.of(MACHINE, 1L << 30);

        assertThat(config.policy())
                .isEqualTo(new ResourcePolicy(
                        true,
                        false,
                        20_000,
                        true,
                        OptionalDouble.of(0.8),
                        true,
                        SwapBehavior.LIMITED_SWAP,
                        OptionalLong.of(4096),
                        false));
        assertThat(config.logs()).isEqualTo(new RotationPolicy(1 << 20, 3, 2, Duration.ofSeconds(5)));
        assertThat(config.enforcePods()).isFalse();
        assertThat(node.swapBytes()).isEqualTo(1L << 30);
        assertThat(node.capacity().get("pods")).isEqualTo(40);
        assertThat(node.enforced().get("cpu")).isEqualTo(2800);
        assertThat(node.allocatable().get("memory"))
                .isEqualTo((8L << 30) - (8L << 30) / 20 - (256L << 20) - (1L << 30) - (512L << 20));
        assertThat(node.allocatable().get("ephemeral-storage")).isEqualTo(98L << 30);
        assertThat(whole.warnings()).singleElement().asString().endsWith("featureGates.ContextualLogging");
    }

    @Test
    void whatIsSetOfEvictionReplacesTheDefaultsUnlessTheyAreMerged() throws IOException, ConfigException {
        String own = "evictionHard: {memory.available: 1Gi}\n";

        assertThat(load(own).resources().of(MACHINE, 0).allocatable().get("ephemeral-storage"))
                .isEqualTo(100L << 30);
        NodeResources merged =
                load(own + "mergeDefaultEvictionSettings: true\n").resources().of(MACHINE, 0);
        assertThat(merged.allocatable().get("ephemeral-storage")).isEqualTo(90L << 30);
        assertThat(merged.evictionHard().get("memory")).isEqualTo(1L << 30);
    }

    @Test
    void moreThanThereIsCannotBeReserved() throws IOException, ConfigException {
        NodeResources node = load("kubeReserved: {cpu: 3}\nsystemReserved: {cpu: 1500m}\n")
                .resources()
                .of(MACHINE, 0);

        assertThat(node.problems())
                .containsExactly(
                        "resource \"cpu\" has a reservation of 4500m but capacity of 4000m; expected capacity >= reservation: reduce kubeReserved, systemReserved or evictionHard");
        assertThat(node.allocatable().get("cpu")).isZero();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "maxPods: -1                              | 1:10: maxPods: expected a whole number from 0 to 2147483647, found -1",
                "containerLogMaxFiles: 1                  | 1:23: containerLogMaxFiles: expected a whole number from 2 to 2147483647, found 1",
                "containerLogMaxWorkers: 0                | 1:25: containerLogMaxWorkers: expected a whole number from 1 to 64, found 0",
                "containerLogMonitorInterval: 1s          | 1:30: containerLogMonitorInterval: expected a duration of 3s or more, found 1s",
                "cpuCFSQuotaPeriod: 2s                    | 1:20: cpuCFSQuotaPeriod: expected a duration from 1ms to 1s, as the kernel takes it, found 2s",
                "kubeReserved: {disk: 1Gi}                | 1:15: kubeReserved[disk]: can not be reserved; expected one of cpu, memory, ephemeral-storage, pid",
                "systemReserved: {cpu: lots}              | 1:17: systemReserved[cpu]: expected an amount like 500m or 1Gi, found 'lots'",
                "systemReserved: 500m                     | 1:17: systemReserved: expected an object like {cpu: 500m}",
                "systemReserved: {cpu: [1]}               | 1:18: systemReserved: expected a name with one value",
                "systemReserved: {cpu: 1, cpu: 2}         | 1:26: systemReserved[cpu]: is there twice",
                "evictionHard: {memory: 1Gi}              | 1:15: evictionHard[memory]: unknown signal; expected one of memory.available, nodefs.available, nodefs.inodesFree, imagefs.available, imagefs.inodesFree, containerfs.available, containerfs.inodesFree, pid.available",
                "evictionHard: {memory.available: 101%}   | 1:15: evictionHard[memory.available]: expected an amount like 100Mi or a part like 10%, found '101%'",
                "featureGates: {MemoryQoS: maybe}         | 1:15: featureGates[MemoryQoS]: expected true or false, found 'maybe'",
                "enforceNodeAllocatable: [everything]     | 1:25: enforceNodeAllocatable: expected none or pods, found 'everything'",
                "memorySwap: {swapBehavior: UnlimitedSwap} | 1:28: memorySwap.swapBehavior: expected one of NoSwap, LimitedSwap, found 'UnlimitedSwap'",
            })
    void aMistakeIsToldWithItsPlace(String yaml, String error) {
        ConfigException e = catchThrowableOfType(ConfigException.class, () -> load(yaml + "\n"));

        assertThat(e.errors()).isEqualTo(List.of(root.resolve("config.yaml") + ":" + error));
    }
}
