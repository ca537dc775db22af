package dev.gantry.agent.resource;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.resource.ResourcePolicy.SwapBehavior;
import dev.gantry.cri.v1.HugepageLimit;
import dev.gantry.cri.v1.LinuxContainerResources;
import io.fabric8.kubernetes.api.model.Pod;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LinuxLimitsTest {
    private static final NodeResources NODE = new NodeResources(
            new Amounts(Map.of("cpu", 4000L, "memory", 8L << 30, "pods", 110L, "hugepages-2Mi", 64L << 20)),
            4L << 30,
            Amounts.NONE,
            new Amounts(Map.of("memory", 1L << 30)),
            Amounts.NONE);

    private static final LinuxLimits LIMITS = new LinuxLimits(NODE, ResourcePolicy.DEFAULT);

    private static LinuxContainerResources container(LinuxLimits limits, Pod pod) {
        return limits.container(pod, Specs.container(pod, "a"));
    }

    @ParameterizedTest(name = "requests {0}, limits {1}: shares {2}, quota {3}, memory {4}")
    @CsvSource(
            delimiter = ';',
            value = {
                "{}; {}; 2; 0; 0",
                "{cpu: 250m}; {cpu: 1500m, memory: 2Gi}; 256; 150000; 2147483648",
                "{}; {cpu: 500m}; 512; 50000; 0",
                "{cpu: 0}; {cpu: 500m}; 2; 50000; 0",
                "{cpu: 1m}; {cpu: 5m}; 2; 1000; 0",
                "{cpu: 1000}; {}; 262144; 0; 0",
                "{memory: 64Mi}; {}; 2; 0; 0",
            })
    void aContainersLimits(String requests, String limits, long shares, long quota, long memory) {
        LinuxContainerResources resources = container(LIMITS, Specs.pod(requests, limits));

        assertThat(resources.getCpuShares()).isEqualTo(shares);
        assertThat(resources.getCpuQuota()).isEqualTo(quota);
        assertThat(resources.getMemoryLimitInBytes()).isEqualTo(memory);
        assertThat(resources.getMemorySwapLimitInBytes()).isEqualTo(memory);
        assertThat(resources.getUnifiedMap())
                .containsOnly(Map.entry("memory.oom.group", "1"), Map.entry("memory.swap.max", "0"));
    }

    @ParameterizedTest(name = "{0}: shares {1}, weight {2}, quota {3}, memory {4}")
    @CsvSource(
            delimiter = ';',
            value = {
                "{containers: [A]}; 2; 1; 0; 0",
                "{containers: [A{cpu: 200m}{}]}; 204; 8; 0; 0",
                "{containers: [A{cpu: 500m}{}]}; 512; 20; 0; 0",
                "{containers: [A{cpu: 500m}{cpu: 1, memory: 1Gi}, B{cpu: 500m}{cpu: 1}]}; 1024; 39; 200000; 0",
                "{containers: [A{cpu: 500m}{cpu: 1}, B{}{}]}; 512; 20; 0; 0",
                "{containers: [A{}{cpu: 1, memory: 1Gi}]}; 1024; 39; 100000; 1073741824",
                "{containers: [A{}{cpu: 1, memory: 1Gi}], initContainers: [B{}{cpu: 3, memory: 512Mi}]}; 3072; 118; 300000; 1073741824",
                "{containers: [A{}{cpu: 1, memory: 1Gi}], initContainers: [B{}{}]}; 1024; 39; 0; 0",
                "{resources: {limits: {cpu: 2, memory: 3Gi}}, containers: [A{}{}]}; 2048; 79; 200000; 3221225472",
            })
    void aPodsLimits(String spec, long shares, long weight, long quota, long memory) {
        String full = spec.replaceAll(
                        "([AB])(\\{[^}]*})(\\{[^}]*})",
                        "{name: $1, image: busybox, resources: {requests: $2, limits: $3}}")
                .replace("[A]", "[{name: A, image: busybox}]")
                .replace("name: A", "name: a")
                .replace("name: B", "name: b");

        LinuxContainerResources resources = LIMITS.pod(Specs.pod(full));

        assertThat(resources.getCpuShares()).isEqualTo(shares);
        assertThat(resources.getUnifiedMap()).containsOnly(Map.entry("cpu.weight", Long.toString(weight)));
        assertThat(resources.getCpuQuota()).isEqualTo(quota);
        assertThat(resources.getMemoryLimitInBytes()).isEqualTo(memory);
        assertThat(resources.getMemorySwapLimitInBytes()).isEqualTo(memory == 0 ? 0 : -1);
    }

    @Test
    void aContainerWithoutALimitOfItsOwnHasThePods() {
        Pod pod = Specs.pod("{resources: {limits: {cpu: 2, memory: 1Gi}}, containers: [%s, %s]}"
                .formatted(Specs.container("a", "{}", "{}"), Specs.container("b", "{}", "{cpu: 1, memory: 256Mi}")));

        assertThat(LIMITS.container(pod, Specs.container(pod, "a")).getCpuQuota())
                .isEqualTo(200_000);
        assertThat(LIMITS.container(pod, Specs.container(pod, "a")).getMemoryLimitInBytes())
                .isEqualTo(1L << 30);
        assertThat(LIMITS.container(pod, Specs.container(pod, "b")).getCpuQuota())
                .isEqualTo(100_000);
        assertThat(LIMITS.container(pod, Specs.container(pod, "b")).getMemoryLimitInBytes())
                .isEqualTo(256L << 20);
    }

    @Test
    void hugePagesThatAreNotRequestedAreNotToBeHad() {
        assertThat(container(LIMITS, Specs.pod("{}", "{}")).getHugepageLimitsList())
                .containsExactly(pages("2MB", 0));
        Pod pod = Specs.pod("{}", "{memory: 1Gi, hugepages-2Mi: 4Mi, hugepages-1Gi: 1Gi}");
        assertThat(container(LIMITS, pod).getHugepageLimitsList())
                .containsExactly(pages("2MB", 4 << 20), pages("1GB", 1 << 30));
        assertThat(LIMITS.pod(pod).getHugepageLimitsList())
                .containsExactly(pages("2MB", 4 << 20), pages("1GB", 1 << 30));
    }

    private static HugepageLimit pages(String size, long bytes) {
        return HugepageLimit.newBuilder().setPageSize(size).setLimit(bytes).build();
    }

    @Test
    void processesAreLimitedForTheWholePod() {
        LinuxLimits limits = new LinuxLimits(NODE, ResourcePolicy.DEFAULT.withPodPidsLimit(OptionalLong.of(100)));
        Pod pod = Specs.pod("{}", "{}");

        assertThat(limits.pod(pod).getUnifiedMap()).containsEntry("pids.max", "100");
        assertThat(container(limits, pod).getUnifiedMap()).doesNotContainKey("pids.max");
    }

    @ParameterizedTest(name = "{0}, requests {1}, limits {2}, priority class {3}: {4} bytes of swap")
    @CsvSource(
            delimiter = ';',
            value = {
                "NO_SWAP; {memory: 1Gi}; {memory: 2Gi}; ''; 0",
                "LIMITED_SWAP; {memory: 1Gi}; {memory: 2Gi}; ''; 536870912",
                "LIMITED_SWAP; {memory: 2Gi}; {}; ''; 1073741824",
                "LIMITED_SWAP; {memory: 1Gi}; {memory: 1Gi}; ''; 0",
                "LIMITED_SWAP; {cpu: 1, memory: 1Gi}; {cpu: 1, memory: 1Gi}; ''; 0",
                "LIMITED_SWAP; {}; {}; ''; 0",
                "LIMITED_SWAP; {memory: 1Gi}; {memory: 2Gi}; system-cluster-critical; 0",
            })
    void burstablePodsSwapInProportionToTheirMemory(
            SwapBehavior behavior, String requests, String limits, String priorityClass, long bytes) {
        Pod pod = Specs.pod(requests, limits);
        pod.getSpec().setPriorityClassName(priorityClass);

        LinuxContainerResources resources = container(new LinuxLimits(NODE, swapping(behavior)), pod);

        assertThat(resources.getUnifiedMap()).containsEntry("memory.swap.max", Long.toString(bytes));
        if (resources.getMemoryLimitInBytes() > 0) {
            assertThat(resources.getMemorySwapLimitInBytes() - resources.getMemoryLimitInBytes())
                    .isEqualTo(bytes);
        }
    }

    private static ResourcePolicy swapping(SwapBehavior behavior) {
        return new ResourcePolicy(
                true, true, 100_000, false, OptionalDouble.empty(), false, behavior, OptionalLong.empty(), true);
    }

    @ParameterizedTest(name = "requests {0}, limits {1}: memory.high {2}, memory.min {3}, memory.low {4}")
    @CsvSource(
            delimiter = ';',
            value = {
                "{}; {}; ; ;",
                "{memory: 1Gi}; {memory: 2Gi}; 2040107008; ; 1073741824",
                // What pods may request is 8 GiB less the reserved 1 GiB and 64 MiB of huge pages.
                "{memory: 1Gi}; {}; 6811549696; ; 1073741824",
                "{memory: 1Gi}; {memory: 1Gi}; ; ; 1073741824",
                "{cpu: 1, memory: 1Gi}; {cpu: 1, memory: 1Gi}; ; 1073741824;",
                "{memory: 0}; {memory: 100Mi}; 94371840; ;",
            })
    void memoryIsProtectedAndThrottled(String requests, String limits, String high, String min, String low) {
        ResourcePolicy policy = new ResourcePolicy(
                true,
                true,
                100_000,
                true,
                OptionalDouble.of(0.9),
                true,
                SwapBehavior.NO_SWAP,
                OptionalLong.empty(),
                true);

        Map<String, String> unified = container(new LinuxLimits(NODE, policy), Specs.pod(requests, limits))
                .getUnifiedMap();

        assertThat(unified.get("memory.high")).isEqualTo(high);
        assertThat(unified.get("memory.min")).isEqualTo(min);
        assertThat(unified.get("memory.low")).isEqualTo(low);
        assertThat(unified).containsEntry("memory.oom.group", "0");
    }

    @Test
    void withoutQuotasALimitOnlyStandsInTheStatus() {
        ResourcePolicy policy = new ResourcePolicy(
                true,
                false,
                50_000,
                false,
                OptionalDouble.empty(),
                false,
                SwapBehavior.NO_SWAP,
                OptionalLong.empty(),
                true);
        Pod pod = Specs.pod("{}", "{cpu: 1}");

        assertThat(container(new LinuxLimits(NODE, policy), pod).getCpuQuota()).isEqualTo(-1);
        assertThat(new LinuxLimits(NODE, policy).pod(pod).getCpuQuota()).isEqualTo(-1);
    }

    @Test
    void onAMachineWithoutCgroupTwoNoFilesOfItAreAskedFor() {
        LinuxLimits limits = new LinuxLimits(
                NODE,
                ResourcePolicy.DEFAULT.withPodPidsLimit(OptionalLong.of(9)).withUnified(false));
        Pod pod = Specs.pod("{}", "{memory: 1Gi}");

        assertThat(limits.pod(pod).getUnifiedMap()).isEmpty();
        assertThat(container(limits, pod).getUnifiedMap()).isEmpty();
        assertThat(container(limits, pod).getMemorySwapLimitInBytes()).isEqualTo(1L << 30);
    }
}
