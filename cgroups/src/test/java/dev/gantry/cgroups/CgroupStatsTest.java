package dev.gantry.cgroups;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class CgroupStatsTest {
    @Test
    void cpuTimeAndThrottling() {
        CgroupStats.Cpu cpu = CgroupStats.cpu(CgroupStats.keyed("""
                usage_usec 2500000
                user_usec 2000000
                system_usec 500000
                nr_periods 10
                nr_throttled 3
                throttled_usec 1234
                """));
        assertThat(cpu).isEqualTo(new CgroupStats.Cpu(2_500_000, 2_000_000, 500_000, 10, 3, 1234));
        assertThat(cpu.usageNanos()).isEqualTo(2_500_000_000L);
    }

    @Test
    void theWorkingSetIsWhatCannotBeGivenBackAtOnce() {
        CgroupStats.MemoryUse use = CgroupStats.memory(
                1000,
                Map.of("inactive_file", 300L, "anon", 500L, "file", 400L, "file_mapped", 50L, "kernel", 60L),
                Map.of("max", 7L, "oom_kill", 1L),
                OptionalLong.of(2000),
                OptionalLong.of(1500),
                OptionalLong.empty(),
                OptionalLong.empty());
        assertThat(use.workingSetBytes()).isEqualTo(700);
        assertThat(use.availableBytes()).hasValue(1300);
        assertThat(use.anonymousBytes()).isEqualTo(500);
        assertThat(use.mappedFileBytes()).isEqualTo(50);
        assertThat(use.kernelBytes()).isEqualTo(60);
        assertThat(use.peakBytes()).hasValue(1500);
        assertThat(use.limitHits()).isEqualTo(7);
        assertThat(use.oomKills()).isEqualTo(1);
    }

    @Test
    void theWorkingSetIsNeverNegative() {
        // the two files are not read in the same instant
        CgroupStats.MemoryUse use = CgroupStats.memory(
                100,
                Map.of("inactive_file", 300L),
                Map.of(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty(),
                OptionalLong.empty());
        assertThat(use.workingSetBytes()).isZero();
        assertThat(use.availableBytes()).isEmpty();
    }

    @Test
    void ioIsCountedByDevice() {
        assertThat(CgroupStats.io("""
                        8:0 rbytes=100 wbytes=200 rios=1 wios=2 dbytes=0 dios=0
                        7:1
                        254:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0
                        """).devices())
                .containsExactly(
                        new CgroupStats.DeviceIo(8, 0, 100, 200, 1, 2), new CgroupStats.DeviceIo(254, 0, 1, 2, 3, 4));
        assertThat(CgroupStats.io("").devices()).isEmpty();
    }

    @Test
    void pressure() {
        CgroupStats.Pressure pressure = CgroupStats.pressure("""
                some avg10=1.53 avg60=0.87 avg300=0.20 total=4711
                full avg10=0.00 avg60=0.00 avg300=0.01 total=12
                """);
        assertThat(pressure.some()).isEqualTo(new CgroupStats.Stall(1.53, 0.87, 0.2, 4711));
        assertThat(pressure.full().totalMicros()).isEqualTo(12);
    }

    @Test
    void cpuPressureOfOldKernelsHasOneLine() {
        assertThat(CgroupStats.pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
                        .full())
                .isEqualTo(CgroupStats.Stall.NONE);
    }
}
