package dev.gantry.runtime;

import dev.gantry.cgroups.CgroupStats;
import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.cri.v1.MetricType;
import dev.gantry.linux.FileSystemStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * The metrics of a container, under the names and with the labels that cAdvisor gave them. CRI's values are whole numbers: seconds
 * are cut. What this machine does not measure has a descriptor and no value.
 */
final class MetricTable {
    private static final long MICROS = 1_000_000;

    private MetricTable() {}

    /**
     * One look at a running container.
     *
     * @param writableBytes of its writable layer, as last counted
     * @param fileSystem the one that holds it
     * @param deviceNames from {@code major:minor} to the name below {@code /dev}
     */
    record Look(
            Instant now,
            Instant startedAt,
            CgroupStats cgroup,
            ProcessFacts processes,
            LinuxContainerResources resources,
            OptionalLong writableBytes,
            FileSystemStatus fileSystem,
            Map<String, String> deviceNames) {}

    /**
     * A value of a metric.
     *
     * @param labels what its own labels say, in their order
     */
    record Value(long value, List<String> labels) {}

    /**
     * A metric.
     *
     * @param labels those beside the labels that every metric has
     */
    record Entry(String name, String help, MetricType type, List<String> labels, Function<Look, List<Value>> values) {}

    static final List<Entry> ALL = all();

    private static List<Entry> all() {
        List<Entry> all = new ArrayList<>();
        processor(all);
        memory(all);
        disk(all);
        processes(all);
        pressure(all);
        limits(all);
        return List.copyOf(all);
    }

    // ---- short forms

    private static void counter(List<Entry> all, String name, String help, Function<Look, Long> value) {
        all.add(new Entry(name, help, MetricType.COUNTER, List.of(), look -> one(value.apply(look))));
    }

    private static void gauge(List<Entry> all, String name, String help, Function<Look, Long> value) {
        all.add(new Entry(name, help, MetricType.GAUGE, List.of(), look -> one(value.apply(look))));
    }

    private static List<Value> one(long value) {
        return List.of(new Value(value, List.of()));
    }

    private static List<Value> some(OptionalLong value) {
        return value.isPresent() ? one(value.getAsLong()) : List.of();
    }

    private static void ofMemory(
            List<Entry> all,
            String name,
            String help,
            MetricType type,
            Function<CgroupStats.MemoryUse, OptionalLong> value) {
        all.add(new Entry(
                name,
                help,
                type,
                List.of(),
                look -> look.cgroup().memory().map(value).map(MetricTable::some).orElse(List.of())));
    }

    // ---- the table

    private static void processor(List<Entry> all) {
        all.add(new Entry(
                "container_cpu_usage_seconds_total",
                "Cumulative cpu time consumed in seconds.",
                MetricType.COUNTER,
                List.of("cpu"),
                look -> List.of(new Value(look.cgroup().cpu().usageMicros() / MICROS, List.of("total")))));
        counter(
                all,
                "container_cpu_user_seconds_total",
                "Cumulative user cpu time consumed in seconds.",
                look -> look.cgroup().cpu().userMicros() / MICROS);
        counter(
                all,
                "container_cpu_system_seconds_total",
                "Cumulative system cpu time consumed in seconds.",
                look -> look.cgroup().cpu().systemMicros() / MICROS);
        counter(
                all,
                "container_cpu_cfs_periods_total",
                "Number of elapsed enforcement period intervals.",
                look -> look.cgroup().cpu().periods());
        counter(
                all,
                "container_cpu_cfs_throttled_periods_total",
                "Number of throttled period intervals.",
                look -> look.cgroup().cpu().throttledPeriods());
        counter(
                all,
                "container_cpu_cfs_throttled_seconds_total",
                "Total time duration the container has been throttled, in seconds.",
                look -> look.cgroup().cpu().throttledMicros() / MICROS);
    }

    private static void memory(List<Entry> all) {
        ofMemory(
                all,
                "container_memory_usage_bytes",
                "Current memory usage in bytes, including all memory regardless of when it was accessed.",
                MetricType.GAUGE,
                memory -> OptionalLong.of(memory.usageBytes()));
        ofMemory(
                all,
                "container_memory_working_set_bytes",
                "Current working set in bytes.",
                MetricType.GAUGE,
                memory -> OptionalLong.of(memory.workingSetBytes()));
        ofMemory(
                all,
                "container_memory_rss",
                "Size of RSS in bytes.",
                MetricType.GAUGE,
                memory -> OptionalLong.of(memory.anonymousBytes()));
        ofMemory(
                all,
                "container_memory_cache",
                "Number of bytes of page cache memory.",
                MetricType.GAUGE,
                memory -> OptionalLong.of(memory.fileBytes()));
        ofMemory(
                all,
                "container_memory_mapped_file",
                "Size of memory mapped files in bytes.",
                MetricType.GAUGE,
                memory -> OptionalLong.of(memory.mappedFileBytes()));
        ofMemory(
                all,
                "container_memory_kernel_usage",
                "Size of kernel memory allocated in bytes.",
                MetricType.GAUGE,
                memory -> OptionalLong.of(memory.kernelBytes()));
        ofMemory(
                all,
                "container_memory_swap",
                "Container swap usage in bytes.",
                MetricType.GAUGE,
                CgroupStats.MemoryUse::swapBytes);
        ofMemory(
                all,
                "container_memory_max_usage_bytes",
                "Maximum memory usage recorded in bytes.",
                MetricType.GAUGE,
                CgroupStats.MemoryUse::peakBytes);
        ofMemory(
                all,
                "container_memory_failcnt",
                "Number of times memory usage hit the limit.",
                MetricType.COUNTER,
                memory -> OptionalLong.of(memory.limitHits()));
        ofMemory(
                all,
                "container_oom_events_total",
                "Count of out of memory events observed for the container.",
                MetricType.COUNTER,
                memory -> OptionalLong.of(memory.oomKills()));
        all.add(new Entry(
                "container_memory_failures_total",
                "Cumulative count of memory allocation failures.",
                MetricType.COUNTER,
                List.of("failure_type", "scope"),
                look -> look.cgroup()
                        .memory()
                        .map(memory -> List.of(
                                new Value(memory.pageFaults(), List.of("pgfault", "container")),
                                new Value(memory.majorPageFaults(), List.of("pgmajfault", "container"))))
                        .orElse(List.of())));
    }

    private static void disk(List<Entry> all) {
        all.add(new Entry(
                "container_fs_usage_bytes",
                "Number of bytes that are consumed by the container on this filesystem.",
                MetricType.GAUGE,
                List.of("device"),
                look -> look.writableBytes().isPresent()
                        ? List.of(new Value(look.writableBytes().getAsLong(), List.of("")))
                        : List.of()));
        file(
                all,
                "container_fs_limit_bytes",
                "Number of bytes that can be consumed by the container on this filesystem.",
                look -> look.fileSystem().totalBytes());
        file(
                all,
                "container_fs_inodes_total",
                "Number of inodes.",
                look -> look.fileSystem().inodes());
        file(
                all,
                "container_fs_inodes_free",
                "Number of available inodes.",
                look -> look.fileSystem().freeInodes());
        device(
                all,
                "container_fs_reads_bytes_total",
                "Cumulative count of bytes read.",
                CgroupStats.DeviceIo::readBytes);
        device(
                all,
                "container_fs_writes_bytes_total",
                "Cumulative count of bytes written.",
                CgroupStats.DeviceIo::writtenBytes);
        device(all, "container_fs_reads_total", "Cumulative count of reads completed.", CgroupStats.DeviceIo::reads);
        device(all, "container_fs_writes_total", "Cumulative count of writes completed.", CgroupStats.DeviceIo::writes);
        all.add(new Entry(
                "container_blkio_device_usage_total",
                "Blkio device bytes usage.",
                MetricType.COUNTER,
                List.of("device", "major", "minor", "operation"),
                MetricTable::blockUse));
    }

    private static void file(List<Entry> all, String name, String help, Function<Look, Long> value) {
        all.add(new Entry(
                name,
                help,
                MetricType.GAUGE,
                List.of("device"),
                look -> List.of(new Value(value.apply(look), List.of("")))));
    }

    private static void device(List<Entry> all, String name, String help, Function<CgroupStats.DeviceIo, Long> value) {
        all.add(new Entry(name, help, MetricType.COUNTER, List.of("device"), look -> {
            List<Value> values = new ArrayList<>();
            for (CgroupStats.DeviceIo device : devices(look)) {
                values.add(new Value(value.apply(device), List.of(name(look, device))));
            }
            return values;
        }));
    }

    private static List<Value> blockUse(Look look) {
        List<Value> values = new ArrayList<>();
        for (CgroupStats.DeviceIo device : devices(look)) {
            String name = name(look, device);
            String major = Integer.toString(device.major());
            String minor = Integer.toString(device.minor());
            values.add(new Value(device.readBytes(), List.of(name, major, minor, "Read")));
            values.add(new Value(device.writtenBytes(), List.of(name, major, minor, "Write")));
        }
        return values;
    }

    private static List<CgroupStats.DeviceIo> devices(Look look) {
        return look.cgroup().io().map(CgroupStats.Io::devices).orElse(List.of());
    }

    private static String name(Look look, CgroupStats.DeviceIo device) {
        String numbers = device.major() + ":" + device.minor();
        String name = look.deviceNames().get(numbers);
        return name == null ? numbers : "/dev/" + name;
    }

    private static void processes(List<Entry> all) {
        gauge(all, "container_processes", "Number of processes running inside the container.", look ->
                (long) look.processes().processes());
        gauge(
                all,
                "container_threads",
                "Number of threads running inside the container.",
                look -> look.processes().threads());
        all.add(new Entry(
                "container_threads_max",
                "Maximum number of threads allowed inside the container, infinity if value is zero.",
                MetricType.GAUGE,
                List.of(),
                look -> one(look.cgroup()
                        .pids()
                        .map(CgroupStats.Pids::limit)
                        .orElse(OptionalLong.empty())
                        .orElse(0))));
        gauge(
                all,
                "container_file_descriptors",
                "Number of open file descriptors for the container.",
                look -> look.processes().files());
        gauge(
                all,
                "container_sockets",
                "Number of open sockets for the container.",
                look -> look.processes().sockets());
        all.add(new Entry(
                "container_ulimits_soft",
                "Soft ulimit values for the container root process. Unlimited if the value is missing.",
                MetricType.GAUGE,
                List.of("ulimit"),
                look -> look.processes().maxOpenFiles().isPresent()
                        ? List.of(new Value(look.processes().maxOpenFiles().getAsLong(), List.of("max_open_files")))
                        : List.of()));
        gauge(
                all,
                "container_start_time_seconds",
                "Start time of the container since unix epoch in seconds.",
                look -> look.startedAt().getEpochSecond());
        gauge(
                all,
                "container_last_seen",
                "Last time a container was seen by the exporter.",
                look -> look.now().getEpochSecond());
    }

    private static void pressure(List<Entry> all) {
        stalled(all, "cpu", "CPU", CgroupStats::cpuPressure);
        stalled(all, "memory", "memory", CgroupStats::memoryPressure);
        stalled(all, "io", "IO", CgroupStats::ioPressure);
    }

    private static void stalled(
            List<Entry> all, String what, String word, Function<CgroupStats, Optional<CgroupStats.Pressure>> of) {
        all.add(new Entry(
                "container_pressure_%s_waiting_seconds_total".formatted(what),
                "Total time duration tasks in the container have waited due to %s congestion.".formatted(word),
                MetricType.COUNTER,
                List.of(),
                look -> of.apply(look.cgroup())
                        .map(pressure -> one(pressure.some().totalMicros() / MICROS))
                        .orElse(List.of())));
        all.add(new Entry(
                "container_pressure_%s_stalled_seconds_total".formatted(what),
                "Total time duration no tasks in the container could make progress due to %s congestion."
                        .formatted(word),
                MetricType.COUNTER,
                List.of(),
                look -> of.apply(look.cgroup())
                        .map(pressure -> one(pressure.full().totalMicros() / MICROS))
                        .orElse(List.of())));
    }

    private static void limits(List<Entry> all) {
        spec(all, "container_spec_cpu_shares", "CPU share of the container.", LinuxContainerResources::getCpuShares);
        all.add(new Entry(
                "container_spec_cpu_quota",
                "CPU quota of the container.",
                MetricType.GAUGE,
                List.of(),
                look -> look.resources().getCpuQuota() > 0
                        ? one(look.resources().getCpuQuota())
                        : List.of()));
        spec(all, "container_spec_cpu_period", "CPU period of the container.", LinuxContainerResources::getCpuPeriod);
        spec(
                all,
                "container_spec_memory_limit_bytes",
                "Memory limit for the container.",
                LinuxContainerResources::getMemoryLimitInBytes);
        spec(
                all,
                "container_spec_memory_swap_limit_bytes",
                "Memory swap limit for the container.",
                LinuxContainerResources::getMemorySwapLimitInBytes);
        all.add(new Entry(
                "container_spec_memory_reservation_limit_bytes",
                "Memory reservation limit for the container.",
                MetricType.GAUGE,
                List.of(),
                look -> {
                    String low = look.resources().getUnifiedMap().getOrDefault("memory.low", "");
                    return low.matches("[0-9]{1,18}") ? one(Long.parseLong(low)) : List.of();
                }));
    }

    private static void spec(List<Entry> all, String name, String help, Function<LinuxContainerResources, Long> value) {
        gauge(all, name, help, look -> Math.max(0, value.apply(look.resources())));
    }
}
