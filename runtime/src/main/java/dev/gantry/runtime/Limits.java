package dev.gantry.runtime;

import dev.gantry.cgroups.CgroupResources;
import dev.gantry.cgroups.DeviceFilter;
import dev.gantry.cgroups.DeviceRule;
import dev.gantry.cri.v1.HugepageLimit;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.runtime.spec.DeviceNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** From CRI's resources to cgroups'. */
public final class Limits {
    private Limits() {}

    /**
     * As cgroups take them; {@code oom_score_adj} is no limit of a cgroup and left out.
     *
     * @throws IllegalArgumentException naming a field that cannot be
     */
    public static CgroupResources of(LinuxContainerResources resources) {
        Map<String, Long> hugepages = new TreeMap<>();
        for (HugepageLimit limit : resources.getHugepageLimitsList()) {
            hugepages.put(limit.getPageSize(), limit.getLimit());
        }
        return CgroupResources.builder()
                .cpuShares(resources.getCpuShares())
                .cpuQuota(resources.getCpuQuota(), resources.getCpuPeriod())
                .memoryLimitBytes(resources.getMemoryLimitInBytes())
                .memorySwapLimitBytes(resources.getMemorySwapLimitInBytes())
                .cpusetCpus(resources.getCpusetCpus())
                .cpusetMems(resources.getCpusetMems())
                .hugepageLimits(hugepages)
                .unified(resources.getUnifiedMap())
                .build();
    }

    static DeviceFilter devices(List<DeviceNode> devices, boolean all) {
        if (all) {
            return DeviceFilter.ALLOW_ALL;
        }
        List<DeviceRule> rules = new ArrayList<>();
        for (DeviceNode device : devices) {
            rules.add(DeviceRule.allow("%s %d:%d %s"
                    .formatted(device.block() ? "b" : "c", device.major(), device.minor(), device.access())));
        }
        return DeviceFilter.DEFAULT.with(rules);
    }

    /**
     * What is in force after a change: fields that the change leaves at zero stay, as CRI has it. The processes keep
     * the score that they began with.
     *
     * @param update may change only some
     */
    static LinuxContainerResources merged(LinuxContainerResources current, LinuxContainerResources update) {
        Map<String, HugepageLimit> hugepages = new TreeMap<>();
        current.getHugepageLimitsList().forEach(limit -> hugepages.put(limit.getPageSize(), limit));
        update.getHugepageLimitsList().forEach(limit -> hugepages.put(limit.getPageSize(), limit));
        return current.toBuilder()
                .mergeFrom(update)
                .setOomScoreAdj(current.getOomScoreAdj())
                .clearHugepageLimits()
                .addAllHugepageLimits(hugepages.values())
                .build();
    }
}
