package dev.gantry.cgroups;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * Limits as CRI's {@code LinuxContainerResources} says them, for a container, a pod or a class of pods.
 *
 * @param cpuShares 0 for unset; see {@link CpuWeight}
 * @param cpuQuotaMicros 0 for unset, negative for no limit
 * @param cpuPeriodMicros 0 for the default
 * @param memoryLimitBytes 0 for unset, -1 for no limit
 * @param memorySwapLimitBytes memory and swap together; 0 for unset, which means no swap where memory is limited; -1
 *     for no limit
 * @param pidsLimit negative for no limit; 0 means 1, as in runc
 * @param cpusetCpus list such as {@code 0-3,8}; empty for unset
 * @param hugepageLimits bytes by page size, e.g. {@code 2MB}
 * @param blockIoWeight 10 to 1000 as cgroup v1 counts it; 0 for unset
 * @param unified values by file name, written last and as they are
 */
public record CgroupResources(
        long cpuShares,
        long cpuQuotaMicros,
        long cpuPeriodMicros,
        long memoryLimitBytes,
        long memorySwapLimitBytes,
        OptionalLong pidsLimit,
        String cpusetCpus,
        String cpusetMems,
        Map<String, Long> hugepageLimits,
        int blockIoWeight,
        Map<String, String> unified) {

    public static final CgroupResources NONE = new Builder().build();

    private static final String SWAP = "memory.swap.max";

    private static final Pattern PAGE_SIZE = Pattern.compile("[1-9][0-9]*[KMG]B");
    private static final Pattern UNIFIED_KEY = Pattern.compile("[a-zA-Z0-9_]+(\\.[a-zA-Z0-9_]+)+");
    private static final Pattern CPU_LIST = Pattern.compile("[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*");

    /** These move or end processes and shape the tree: no limits. */
    private static final Set<String> NOT_LIMITS = Set.of(
            "cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.freeze", "cgroup.type", "cgroup.subtree_control");

    /** @throws IllegalArgumentException naming the field, the value and what is expected */
    public CgroupResources {
        hugepageLimits = Collections.unmodifiableMap(new TreeMap<>(hugepageLimits));
        unified = Collections.unmodifiableMap(new TreeMap<>(unified));
        checkMemory(memoryLimitBytes, memorySwapLimitBytes);
        checkList("cpuset_cpus", cpusetCpus);
        checkList("cpuset_mems", cpusetMems);
        if (blockIoWeight != 0 && (blockIoWeight < 10 || blockIoWeight > 1000)) {
            throw new IllegalArgumentException("block I/O weight is not 10 to 1000: " + blockIoWeight);
        }
        for (String size : hugepageLimits.keySet()) {
            if (!PAGE_SIZE.matcher(size).matches()) {
                throw new IllegalArgumentException("huge page size \"%s\": expected e.g. 2MB or 1GB".formatted(size));
            }
        }
        for (String key : unified.keySet()) {
            if (!UNIFIED_KEY.matcher(key).matches() || NOT_LIMITS.contains(key)) {
                throw new IllegalArgumentException(
                        "unified resource \"%s\": expected a file with a limit, e.g. memory.high".formatted(key));
            }
        }
    }

    private static void checkMemory(long limit, long swapLimit) {
        if (limit < -1) {
            throw new IllegalArgumentException("memory limit is negative: " + limit);
        }
        if (swapLimit < -1) {
            throw new IllegalArgumentException("memory and swap limit is negative: " + swapLimit);
        }
        if (swapLimit > 0 && limit <= 0) {
            throw new IllegalArgumentException("memory and swap limit %d without a memory limit".formatted(swapLimit));
        }
        if (swapLimit > 0 && swapLimit < limit) {
            throw new IllegalArgumentException(
                    "memory and swap limit %d is below the memory limit %d".formatted(swapLimit, limit));
        }
    }

    private static void checkList(String field, String list) {
        if (!list.isEmpty() && !CPU_LIST.matcher(list).matches()) {
            throw new IllegalArgumentException("%s \"%s\": expected a list such as 0-3,8".formatted(field, list));
        }
    }

    /**
     * The files to write, in an order that the kernel takes: what is allowed in sum before what is a part of it.
     *
     * @see <a href="https://docs.kernel.org/admin-guide/cgroup-v2.html">the kernel on each file</a>
     */
    List<CgroupWrite> writes() {
        List<CgroupWrite> writes = new ArrayList<>();
        addCpu(writes);
        addMemory(writes);
        pidsLimit.ifPresent(limit ->
                writes.add(CgroupWrite.of("pids.max", limit < 0 ? "max" : Long.toString(Math.max(1, limit)))));
        addHugepages(writes);
        if (blockIoWeight != 0) {
            // BFQ has a scale of its own, which is the one of cgroup v1
            writes.add(CgroupWrite.optional("io.bfq.weight", Integer.toString(blockIoWeight)));
            writes.add(CgroupWrite.reported("io.weight", Long.toString(ioWeight(blockIoWeight))));
        }
        unified.forEach((file, value) -> {
            for (String line : value.strip().split("\n", -1)) {
                writes.add(file.equals(SWAP) ? swapWrite(line) : CgroupWrite.of(file, line));
            }
        });
        return writes;
    }

    private void addCpu(List<CgroupWrite> writes) {
        if (!cpusetCpus.isEmpty()) {
            writes.add(CgroupWrite.of("cpuset.cpus", cpusetCpus));
        }
        if (!cpusetMems.isEmpty()) {
            writes.add(CgroupWrite.of("cpuset.mems", cpusetMems));
        }
        if (cpuShares != 0) {
            writes.add(CgroupWrite.of(
                    "cpu.weight", Long.toString(CpuWeight.ofShares(cpuShares).value())));
        }
        if (cpuQuotaMicros != 0 || cpuPeriodMicros != 0) {
            writes.add(CgroupWrite.of(
                    "cpu.max", CpuMax.ofCri(cpuQuotaMicros, cpuPeriodMicros).toString()));
        }
    }

    private void addMemory(List<CgroupWrite> writes) {
        if (memoryLimitBytes == 0 && memorySwapLimitBytes == 0) {
            return;
        }
        // swap first: a shrinking memory.max then cannot push out more than is allowed in the end
        writes.add(swapWrite());
        if (memoryLimitBytes != 0) {
            writes.add(CgroupWrite.of("memory.max", maxOr(memoryLimitBytes)));
        }
    }

    private CgroupWrite swapWrite() {
        if (memorySwapLimitBytes == -1 || memoryLimitBytes == -1) {
            return swapWrite("max");
        }
        return swapWrite(memorySwapLimitBytes == 0 ? "0" : Long.toString(memorySwapLimitBytes - memoryLimitBytes));
    }

    /** A kernel without swap accounting has no such file, which is as good as 0 and as max. */
    private static CgroupWrite swapWrite(String value) {
        return value.equals("0") || value.equals("max")
                ? CgroupWrite.optional(SWAP, value)
                : CgroupWrite.reported(SWAP, value);
    }

    private void addHugepages(List<CgroupWrite> writes) {
        hugepageLimits.forEach((size, bytes) -> {
            // a size that this machine lacks cannot be used anyway
            String file = "hugetlb." + size + ".max";
            String value = maxOr(bytes);
            writes.add(bytes == 0 ? CgroupWrite.optional(file, value) : CgroupWrite.reported(file, value));
            writes.add(CgroupWrite.optional("hugetlb." + size + ".rsvd.max", value));
        });
    }

    private static String maxOr(long value) {
        return value < 0 ? "max" : Long.toString(value);
    }

    /** The scale 10 to 1000 of cgroup v1 on the scale 1 to 10000 of {@code io.weight}. */
    static long ioWeight(long blockIoWeight) {
        return 1 + (blockIoWeight - 10) * 9999 / 990;
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Collects limits; what is not called stays as the kernel has it. */
    public static final class Builder {
        private long cpuShares;
        private long cpuQuotaMicros;
        private long cpuPeriodMicros;
        private long memoryLimitBytes;
        private long memorySwapLimitBytes;
        private OptionalLong pidsLimit = OptionalLong.empty();
        private String cpusetCpus = "";
        private String cpusetMems = "";
        private Map<String, Long> hugepageLimits = Map.of();
        private int blockIoWeight;
        private Map<String, String> unified = Map.of();

        private Builder() {}

        public Builder cpuShares(long shares) {
            cpuShares = shares;
            return this;
        }

        public Builder cpuQuota(long quotaMicros, long periodMicros) {
            cpuQuotaMicros = quotaMicros;
            cpuPeriodMicros = periodMicros;
            return this;
        }

        public Builder memoryLimitBytes(long bytes) {
            memoryLimitBytes = bytes;
            return this;
        }

        public Builder memorySwapLimitBytes(long bytes) {
            memorySwapLimitBytes = bytes;
            return this;
        }

        public Builder pidsLimit(long limit) {
            pidsLimit = OptionalLong.of(limit);
            return this;
        }

        public Builder cpusetCpus(String list) {
            cpusetCpus = list;
            return this;
        }

        public Builder cpusetMems(String list) {
            cpusetMems = list;
            return this;
        }

        public Builder hugepageLimits(Map<String, Long> bytesBySize) {
            hugepageLimits = bytesBySize;
            return this;
        }

        public Builder blockIoWeight(int weight) {
            blockIoWeight = weight;
            return this;
        }

        public Builder unified(Map<String, String> values) {
            unified = values;
            return this;
        }

        public CgroupResources build() {
            return new CgroupResources(
                    cpuShares,
                    cpuQuotaMicros,
                    cpuPeriodMicros,
                    memoryLimitBytes,
                    memorySwapLimitBytes,
                    pidsLimit,
                    cpusetCpus,
                    cpusetMems,
                    hugepageLimits,
                    blockIoWeight,
                    unified);
        }
    }
}
