package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.HugepageLimit;
import dev.gantry.cri.v1.LinuxContainerResources;
import org.junit.jupiter.api.Test;

class LimitsTest {
    private static HugepageLimit pages(String size, long limit) {
        return HugepageLimit.newBuilder().setPageSize(size).setLimit(limit).build();
    }

    @Test
    void aChangeReplacesWhatItSetsAndKeepsTheRest() {
        LinuxContainerResources current = LinuxContainerResources.newBuilder()
                .setCpuShares(512)
                .setOomScoreAdj(100)
                .setMemoryLimitInBytes(1 << 20)
                .putUnified("memory.high", "1000")
                .addHugepageLimits(pages("2MB", 1))
                .addHugepageLimits(pages("1GB", 2))
                .build();
        LinuxContainerResources update = LinuxContainerResources.newBuilder()
                .setMemoryLimitInBytes(2 << 20)
                .setOomScoreAdj(-900)
                .putUnified("memory.low", "500")
                .addHugepageLimits(pages("2MB", 3))
                .build();

        LinuxContainerResources merged = Limits.merged(Limits.merged(current, update), update);

        assertThat(merged)
                .isEqualTo(LinuxContainerResources.newBuilder()
                        .setCpuShares(512)
                        .setOomScoreAdj(100)
                        .setMemoryLimitInBytes(2 << 20)
                        .putUnified("memory.high", "1000")
                        .putUnified("memory.low", "500")
                        .addHugepageLimits(pages("1GB", 2))
                        .addHugepageLimits(pages("2MB", 3))
                        .build());
    }
}
