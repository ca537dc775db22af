package dev.gantry.cgroups;

import java.util.OptionalLong;

/**
 * The value of {@code cpu.max}: {@code "$QUOTA $PERIOD"}, both in microseconds; no quota is written {@code max}.
 *
 * @param quotaMicros CPU time the cgroup may use in each period, at least 1 ms; empty for no limit
 * @param periodMicros length of a period, 1 ms to 1 s
 * @see <a href="https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files">cpu.max</a>
 */
public record CpuMax(OptionalLong quotaMicros, long periodMicros) {
    public static final long DEFAULT_PERIOD_MICROS = 100_000;

    /** The kernel refuses less with EINVAL: {@code min_bw_quota_period_us}. */
    private static final long MIN_MICROS = 1_000;

    private static final long MAX_PERIOD_MICROS = 1_000_000;

    public CpuMax {
        if (quotaMicros.isPresent() && quotaMicros.getAsLong() < MIN_MICROS) {
            throw new IllegalArgumentException("CPU quota is below 1000 us: " + quotaMicros.getAsLong());
        }
        if (periodMicros < MIN_MICROS || periodMicros > MAX_PERIOD_MICROS) {
            throw new IllegalArgumentException("CPU period is not 1000 to 1000000 us: " + periodMicros);
        }
    }

    /** From CRI's fields: a quota of 0 or less is no limit, a period of 0 the default. */
    public static CpuMax ofCri(long quotaMicros, long periodMicros) {
        return new CpuMax(
                quotaMicros <= 0 ? OptionalLong.empty() : OptionalLong.of(quotaMicros),
                periodMicros == 0 ? DEFAULT_PERIOD_MICROS : periodMicros);
    }

    /** From a limit in thousandths of a CPU, as the kubelet computes it: below 10 it is raised to 10; 0 is no limit. */
    public static CpuMax ofMilliCpu(long milliCpu) {
        return ofCri(
                milliCpu == 0 ? 0 : Math.max(MIN_MICROS, milliCpu * DEFAULT_PERIOD_MICROS / 1000),
                DEFAULT_PERIOD_MICROS);
    }

    @Override
    public String toString() {
        return (quotaMicros.isPresent() ? Long.toString(quotaMicros.getAsLong()) : "max") + " " + periodMicros;
    }
}
