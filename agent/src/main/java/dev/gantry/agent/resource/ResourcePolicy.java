package dev.gantry.agent.resource;

import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * How a node turns requests and limits into limits of the kernel; the fields of {@code KubeletConfiguration} of the same names.
 *
 * @param unified whether the runtime's machine has cgroup v2, so that files of it may be asked for
 * @param cpuCfsQuota whether CPU limits are enforced
 * @param cpuCfsQuotaPeriodMicros 1000 to 1000000
 * @param singleProcessOomKill whether a process that is killed for want of memory leaves the rest of its container running
 * @param memoryThrottlingFactor 0 to 1: how far between request and limit a container is slowed down (KEP-2570); empty: never
 * @param tieredReservation whether requested memory is kept from being reclaimed (KEP-2570)
 * @param podPidsLimit processes and threads that one pod may have; empty for no limit of its own
 * @param ephemeralStorage whether requests and limits of it count
 */
public record ResourcePolicy(
        boolean unified,
        boolean cpuCfsQuota,
        long cpuCfsQuotaPeriodMicros,
        boolean singleProcessOomKill,
        OptionalDouble memoryThrottlingFactor,
        boolean tieredReservation,
        SwapBehavior swapBehavior,
        OptionalLong podPidsLimit,
        boolean ephemeralStorage) {
    private static final long MIN_PERIOD_MICROS = 1_000;
    private static final long MAX_PERIOD_MICROS = 1_000_000;

    /** The kubelet's defaults on a machine with cgroup v2. */
    public static final ResourcePolicy DEFAULT = new ResourcePolicy(
            true,
            true,
            100_000,
            false,
            OptionalDouble.empty(),
            false,
            SwapBehavior.NO_SWAP,
            OptionalLong.empty(),
            true);

    public ResourcePolicy {
        if (cpuCfsQuotaPeriodMicros < MIN_PERIOD_MICROS || cpuCfsQuotaPeriodMicros > MAX_PERIOD_MICROS) {
            throw new IllegalArgumentException(
                    "cpuCFSQuotaPeriod is not 1 ms to 1 s: " + cpuCfsQuotaPeriodMicros + " us");
        }
    }

    /** Who may use swap space (KEP-2400). */
    public enum SwapBehavior {
        /** Nobody. */
        NO_SWAP,
        /** Burstable pods, in proportion to what they request of the machine's memory. */
        LIMITED_SWAP
    }

    /** With another limit of processes. */
    public ResourcePolicy withPodPidsLimit(OptionalLong limit) {
        return new ResourcePolicy(
                unified,
                cpuCfsQuota,
                cpuCfsQuotaPeriodMicros,
                singleProcessOomKill,
                memoryThrottlingFactor,
                tieredReservation,
                swapBehavior,
                limit,
                ephemeralStorage);
    }

    /** For a runtime on another kind of machine. */
    public ResourcePolicy withUnified(boolean is) {
        return new ResourcePolicy(
                is,
                cpuCfsQuota,
                cpuCfsQuotaPeriodMicros,
                singleProcessOomKill,
                memoryThrottlingFactor,
                tieredReservation,
                swapBehavior,
                podPidsLimit,
                ephemeralStorage);
    }
}
