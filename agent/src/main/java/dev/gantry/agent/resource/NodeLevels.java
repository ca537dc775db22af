package dev.gantry.agent.resource;

import dev.gantry.cgroups.CgroupResources;
import dev.gantry.cgroups.CpuWeight;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the cgroups above the pods get: the one of all pods what the node does not reserve, the one of burstable pods a share of the CPU as
 * large as their requests together, the one of best-effort pods the least. Pure.
 *
 * @param pods of all pods; empty of limits where the node does not enforce what is allocatable
 */
public record NodeLevels(CgroupResources pods, CgroupResources burstable, CgroupResources bestEffort) {
    /**
     * Computed from the pods that run or are about to.
     *
     * @param enforced whether {@code enforceNodeAllocatable} has {@code pods}
     */
    public static NodeLevels of(
            Collection<PodSpec> running, NodeResources node, ResourcePolicy policy, boolean enforced) {
        long burstableCpu = 0;
        long burstableMemory = 0;
        long guaranteedMemory = 0;
        for (PodSpec spec : running) {
            Amounts requests = PodAmounts.requests(spec);
            switch (Qos.of(spec)) {
                case BURSTABLE -> {
                    burstableCpu = sum(burstableCpu, requests.get(Amounts.CPU));
                    burstableMemory = sum(burstableMemory, requests.get(Amounts.MEMORY));
                }
                case GUARANTEED -> guaranteedMemory = sum(guaranteedMemory, requests.get(Amounts.MEMORY));
                case BEST_EFFORT -> {
                    // it requests nothing
                }
            }
        }
        Map<String, String> pods = new TreeMap<>();
        Map<String, String> burstable = new TreeMap<>();
        burstable.put("cpu.weight", weight(LinuxLimits.shares(burstableCpu)));
        if (policy.tieredReservation()) {
            pods.put("memory.min", Long.toString(sum(guaranteedMemory, burstableMemory)));
            burstable.put("memory.low", Long.toString(burstableMemory));
        }
        return new NodeLevels(
                pods(node, pods, enforced),
                CgroupResources.builder().unified(burstable).build(),
                CgroupResources.builder()
                        .unified(Map.of("cpu.weight", weight(LinuxLimits.shares(0))))
                        .build());
    }

    private static CgroupResources pods(NodeResources node, Map<String, String> unified, boolean enforced) {
        Amounts most = node.enforced();
        unified.put("cpu.weight", weight(LinuxLimits.shares(most.get(Amounts.CPU))));
        CgroupResources.Builder result = CgroupResources.builder();
        if (!enforced) {
            // As it was before somebody switched it on.
            return result.unified(unified)
                    .memoryLimitBytes(-1)
                    .memorySwapLimitBytes(-1)
                    .pidsLimit(-1)
                    .build();
        }
        result.memoryLimitBytes(most.get(Amounts.MEMORY)).memorySwapLimitBytes(-1);
        if (most.has(Amounts.PID)) {
            result.pidsLimit(most.get(Amounts.PID));
        }
        return result.unified(unified).build();
    }

    private static String weight(long shares) {
        return Long.toString(CpuWeight.ofRequest(shares).value());
    }

    private static long sum(long one, long two) {
        long sum = one + two;
        return sum < 0 ? Long.MAX_VALUE : sum;
    }
}
