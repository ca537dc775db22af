package dev.gantry.cgroups;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * One measurement of a cgroup and all below it. What the machine does not measure is empty; CPU time is measured
 * without any controller.
 */
public record CgroupStats(
        Cpu cpu,
        Optional<MemoryUse> memory,
        Optional<Pids> pids,
        Optional<Io> io,
        Optional<Pressure> cpuPressure,
        Optional<Pressure> memoryPressure,
        Optional<Pressure> ioPressure) {

    /**
     * From {@code cpu.stat}.
     *
     * @param throttledPeriods in how many of {@code periods} the quota was used up; both 0 without the controller
     */
    public record Cpu(
            long usageMicros,
            long userMicros,
            long systemMicros,
            long periods,
            long throttledPeriods,
            long throttledMicros) {
        /** As CRI counts it. */
        public long usageNanos() {
            return usageMicros * 1000;
        }
    }

    /**
     * From {@code memory.current} and {@code memory.stat}, in bytes.
     *
     * @param workingSetBytes what cannot be given back at once: usage without the inactive files
     * @param kernelBytes what the kernel itself holds for it: stacks, page tables, slabs
     * @param mappedFileBytes the part of {@code fileBytes} that is mapped
     * @param limitBytes empty for no limit here
     * @param peakBytes the most that was ever used; empty before Linux 5.19
     * @param limitHits how often the limit was reached
     * @param swapBytes empty if swap is not measured
     */
    public record MemoryUse(
            long usageBytes,
            long workingSetBytes,
            long anonymousBytes,
            long fileBytes,
            long kernelBytes,
            long mappedFileBytes,
            long pageFaults,
            long majorPageFaults,
            OptionalLong limitBytes,
            OptionalLong peakBytes,
            OptionalLong swapBytes,
            OptionalLong swapLimitBytes,
            long limitHits,
            long oomKills) {
        /** What is left below the limit; empty for no limit. */
        public OptionalLong availableBytes() {
            return limitBytes.isEmpty()
                    ? OptionalLong.empty()
                    : OptionalLong.of(Math.max(0, limitBytes.getAsLong() - workingSetBytes));
        }
    }

    /** From {@code pids.current} and {@code pids.max}; threads count each. */
    public record Pids(long current, OptionalLong limit) {}

    /**
     * From {@code io.stat}.
     *
     * @param devices those that were read or written
     */
    public record Io(List<DeviceIo> devices) {
        public Io {
            devices = List.copyOf(devices);
        }
    }

    /** What one block device was asked for, in bytes and in operations. */
    public record DeviceIo(int major, int minor, long readBytes, long writtenBytes, long reads, long writes) {}

    /** From a {@code .pressure} file: shares of time in which some, or all, tasks waited for the resource. */
    public record Pressure(Stall some, Stall full) {}

    /**
     * One line of it.
     *
     * @param avg10 percent of the last 10 seconds
     * @param totalMicros since the cgroup was made
     */
    public record Stall(double avg10, double avg60, double avg300, long totalMicros) {
        static final Stall NONE = new Stall(0, 0, 0, 0);
    }

    static CgroupStats read(Cgroup cgroup) throws CgroupException {
        return new CgroupStats(
                cpu(keyed(cgroup.read("cpu.stat"))),
                readMemory(cgroup),
                readPids(cgroup),
                cgroup.readIfPresent("io.stat").map(CgroupStats::io),
                cgroup.readIfPresent("cpu.pressure").map(CgroupStats::pressure),
                cgroup.readIfPresent("memory.pressure").map(CgroupStats::pressure),
                cgroup.readIfPresent("io.pressure").map(CgroupStats::pressure));
    }

    static Cpu cpu(Map<String, Long> stat) {
        return new Cpu(
                stat.getOrDefault("usage_usec", 0L),
                stat.getOrDefault("user_usec", 0L),
                stat.getOrDefault("system_usec", 0L),
                stat.getOrDefault("nr_periods", 0L),
                stat.getOrDefault("nr_throttled", 0L),
                stat.getOrDefault("throttled_usec", 0L));
    }

    private static Optional<MemoryUse> readMemory(Cgroup cgroup) throws CgroupException {
        Optional<String> current = cgroup.readIfPresent("memory.current");
        if (current.isEmpty()) {
            return Optional.empty();
        }
        Map<String, Long> stat = keyed(cgroup.read("memory.stat"));
        return Optional.of(memory(
                Long.parseLong(current.get().strip()),
                stat,
                keyed(cgroup.readIfPresent("memory.events").orElse("")),
                number(cgroup.readIfPresent("memory.max").orElse(null)),
                number(cgroup.readIfPresent("memory.peak").orElse(null)),
                number(cgroup.readIfPresent("memory.swap.current").orElse(null)),
                number(cgroup.readIfPresent("memory.swap.max").orElse(null))));
    }

    static MemoryUse memory(
            long usage,
            Map<String, Long> stat,
            Map<String, Long> events,
            OptionalLong limit,
            OptionalLong peak,
            OptionalLong swap,
            OptionalLong swapLimit) {
        return new MemoryUse(
                usage,
                Math.max(0, usage - stat.getOrDefault("inactive_file", 0L)),
                stat.getOrDefault("anon", 0L),
                stat.getOrDefault("file", 0L),
                stat.getOrDefault("kernel", 0L),
                stat.getOrDefault("file_mapped", 0L),
                stat.getOrDefault("pgfault", 0L),
                stat.getOrDefault("pgmajfault", 0L),
                limit,
                peak,
                swap,
                swapLimit,
                events.getOrDefault("max", 0L),
                events.getOrDefault("oom_kill", 0L));
    }

    private static Optional<Pids> readPids(Cgroup cgroup) throws CgroupException {
        Optional<String> current = cgroup.readIfPresent("pids.current");
        return current.isEmpty()
                ? Optional.empty()
                : Optional.of(new Pids(
                        Long.parseLong(current.get().strip()),
                        number(cgroup.readIfPresent("pids.max").orElse(null))));
    }

    /** Lines such as {@code 8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6}; a device that did nothing has only its number. */
    static Io io(String text) {
        List<DeviceIo> devices = new ArrayList<>();
        for (String line : text.split("\n", -1)) {
            String[] words = line.strip().split(" +", -1);
            String[] numbers = words[0].split(":", -1);
            if (words.length > 1 && numbers.length == 2) {
                Map<String, Long> values = new HashMap<>();
                for (String word : words) {
                    int equals = word.indexOf('=');
                    if (equals > 0) {
                        number(word.substring(equals + 1))
                                .ifPresent(value -> values.put(word.substring(0, equals), value));
                    }
                }
                devices.add(new DeviceIo(
                        Integer.parseInt(numbers[0]),
                        Integer.parseInt(numbers[1]),
                        values.getOrDefault("rbytes", 0L),
                        values.getOrDefault("wbytes", 0L),
                        values.getOrDefault("rios", 0L),
                        values.getOrDefault("wios", 0L)));
            }
        }
        return new Io(devices);
    }

    /** Lines such as {@code some avg10=0.00 avg60=0.00 avg300=0.00 total=0}. */
    static Pressure pressure(String text) {
        Stall some = Stall.NONE;
        Stall full = Stall.NONE;
        for (String line : text.split("\n", -1)) {
            if (line.startsWith("some ")) {
                some = stall(line);
            } else if (line.startsWith("full ")) {
                full = stall(line);
            }
        }
        return new Pressure(some, full);
    }

    private static Stall stall(String line) {
        Map<String, String> values = new HashMap<>();
        for (String word : line.split(" ", -1)) {
            int equals = word.indexOf('=');
            if (equals > 0) {
                values.put(word.substring(0, equals), word.substring(equals + 1));
            }
        }
        return new Stall(
                Double.parseDouble(values.getOrDefault("avg10", "0")),
                Double.parseDouble(values.getOrDefault("avg60", "0")),
                Double.parseDouble(values.getOrDefault("avg300", "0")),
                Long.parseLong(values.getOrDefault("total", "0")));
    }

    /** Lines of a word and a number. */
    static Map<String, Long> keyed(String text) {
        Map<String, Long> values = new HashMap<>();
        for (String line : text.split("\n", -1)) {
            int space = line.indexOf(' ');
            if (space > 0) {
                number(line.substring(space + 1)).ifPresent(value -> values.put(line.substring(0, space), value));
            }
        }
        return values;
    }

    /** Empty for {@code max} and for no file. */
    private static OptionalLong number(@Nullable String text) {
        String word = text == null ? "" : text.strip();
        return word.isEmpty() || !word.chars().allMatch(Character::isDigit)
                ? OptionalLong.empty()
                : OptionalLong.of(Long.parseLong(word));
    }
}
