package dev.gantry.cgroups;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CgroupResourcesTest {
    @Test
    void nothingAskedIsNothingWritten() {
        assertThat(CgroupResources.NONE.writes()).isEmpty();
    }

    @ParameterizedTest(name = "memory {0}, with swap {1}: {2}")
    @CsvSource({
        "0, 0, ''",
        "1000, 0, memory.swap.max=0 memory.max=1000",
        "1000, 1000, memory.swap.max=0 memory.max=1000",
        "1000, 3000, memory.swap.max=2000 memory.max=1000",
        "1000, -1, memory.swap.max=max memory.max=1000",
        "-1, 0, memory.swap.max=max memory.max=max",
        "-1, -1, memory.swap.max=max memory.max=max",
        "0, -1, memory.swap.max=max",
    })
    void memoryAndSwap(long limit, long swap, String expected) {
        CgroupResources resources = CgroupResources.builder()
                .memoryLimitBytes(limit)
                .memorySwapLimitBytes(swap)
                .build();
        assertThat(written(resources)).isEqualTo(expected);
    }

    @ParameterizedTest(name = "shares {0}, quota {1}, period {2}: {3}")
    @CsvSource({
        "1024, 0, 0, cpu.weight=100",
        "2, 50000, 100000, cpu.weight=1 cpu.max=50000 100000",
        "0, -1, 100000, cpu.max=max 100000",
        "0, 0, 50000, cpu.max=max 50000",
    })
    void cpu(long shares, long quota, long period, String expected) {
        CgroupResources resources = CgroupResources.builder()
                .cpuShares(shares)
                .cpuQuota(quota, period)
                .build();
        assertThat(written(resources)).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0} processes: {1}")
    @CsvSource({"-1, max", "-5, max", "0, 1", "1, 1", "4096, 4096"})
    void pids(long limit, String value) {
        assertThat(written(CgroupResources.builder().pidsLimit(limit).build())).isEqualTo("pids.max=" + value);
    }

    @Test
    void hugePagesLimitUseAndReservation() {
        CgroupResources resources = CgroupResources.builder()
                .hugepageLimits(Map.of("2MB", 4_194_304L, "1GB", 0L))
                .build();
        assertThat(written(resources))
                .isEqualTo("hugetlb.1GB.max=0 hugetlb.1GB.rsvd.max=0"
                        + " hugetlb.2MB.max=4194304 hugetlb.2MB.rsvd.max=4194304");
        assertThat(resources.writes())
                .extracting(CgroupWrite::ifAbsent)
                .containsExactly(
                        CgroupWrite.IfAbsent.IGNORE,
                        CgroupWrite.IfAbsent.IGNORE,
                        CgroupWrite.IfAbsent.REPORT,
                        CgroupWrite.IfAbsent.IGNORE);
    }

    @ParameterizedTest(name = "{0} is io.weight {1}")
    @CsvSource({"10, 1", "100, 910", "500, 4950", "1000, 10000"})
    void blockIo(int weight, long expected) {
        assertThat(written(CgroupResources.builder().blockIoWeight(weight).build()))
                .isEqualTo("io.bfq.weight=%d io.weight=%d".formatted(weight, expected));
    }

    @Test
    void unifiedValuesComeLastLineByLine() {
        CgroupResources resources = CgroupResources.builder()
                .unified(Map.of("memory.high", "500\n", "io.max", "8:0 rbps=1\n8:16 rbps=2"))
                .cpuShares(2)
                .cpusetCpus("0-1")
                .cpusetMems("0")
                .build();
        assertThat(written(resources))
                .isEqualTo("cpuset.cpus=0-1 cpuset.mems=0 cpu.weight=1"
                        + " io.max=8:0 rbps=1 io.max=8:16 rbps=2 memory.high=500");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../memory.max", "memory/max", "memory", "", "cgroup.procs", "cgroup.kill", "memory.max\n"})
    void unifiedKeysThatAreNoLimitsAreRefusedByName(String key) {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        CgroupResources.builder().unified(Map.of(key, "1")).build())
                .withMessageContaining("unified resource \"" + key + "\"");
    }

    @Test
    void combinationsThatMeanNothingAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> CgroupResources.builder().memorySwapLimitBytes(5).build())
                .withMessage("memory and swap limit 5 without a memory limit");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CgroupResources.builder()
                        .memoryLimitBytes(6)
                        .memorySwapLimitBytes(5)
                        .build())
                .withMessage("memory and swap limit 5 is below the memory limit 6");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CgroupResources.builder().cpusetCpus("0-").build())
                .withMessage("cpuset_cpus \"0-\": expected a list such as 0-3,8");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CgroupResources.builder()
                        .hugepageLimits(Map.of("2 MB", 1L))
                        .build())
                .withMessageContaining("2 MB");
    }

    private static String written(CgroupResources resources) {
        List<String> words = resources.writes().stream()
                .map(write -> write.file() + "=" + write.value())
                .toList();
        return String.join(" ", words);
    }
}
