package dev.gantry.cgroups;

/**
 * The value of {@code cpu.weight}, 1 to 10000; the kernel's default is 100.
 *
 * <p>Two curves, as in Kubernetes. Pods and classes of pods are weighed in proportion to what they request
 * ({@link #ofRequest}): a pod of 500m gets 2.5 times what one of 200m gets. Containers have the curve of runc 1.4 and
 * crun 1.23 ({@link #ofShares}), by which 1024 shares (one CPU) are the default weight. Only siblings compete, and
 * siblings are of one kind.
 *
 * @see <a href="https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files">cpu.weight</a>
 */
public record CpuWeight(long value) {
    private static final long MIN_SHARES = 2;
    private static final long MAX_SHARES = 262_144;
    private static final long MAX_WEIGHT = 10_000;

    public CpuWeight {
        if (value < 1 || value > MAX_WEIGHT) {
            throw new IllegalArgumentException("cpu.weight is not 1 to 10000: " + value);
        }
    }

    /** From shares as CRI and cgroup v1 count them; what is outside 2 to 262144 is clamped. */
    public static CpuWeight ofShares(long shares) {
        if (shares <= MIN_SHARES) {
            return new CpuWeight(1);
        }
        if (shares >= MAX_SHARES) {
            return new CpuWeight(MAX_WEIGHT);
        }
        double log = Math.log((double) shares) / Math.log(2);
        double exact = Math.pow(10, (log * log + 125 * log) / 612 - 7.0 / 34);
        // what is a whole number but for the last bits of a double is not rounded up
        return new CpuWeight((long) Math.ceil(exact - 1e-9));
    }

    /** Of a pod or a class of pods: a straight line from 2 shares, which are 1, to 262144, which are 10000. */
    public static CpuWeight ofRequest(long shares) {
        long clamped = Math.max(MIN_SHARES, Math.min(MAX_SHARES, shares));
        return new CpuWeight(1 + (clamped - MIN_SHARES) * (MAX_WEIGHT - 1) / (MAX_SHARES - MIN_SHARES));
    }

    /** Shares of a CPU request in thousandths of a CPU, as the kubelet computes them: never below 2. */
    public static long sharesOfMilliCpu(long milliCpu) {
        return Math.max(MIN_SHARES, Math.min(MAX_SHARES, milliCpu * 1024 / 1000));
    }
}
