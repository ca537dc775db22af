package dev.gantry.runtime;

import dev.gantry.cgroups.Cgroup;
import dev.gantry.cgroups.CgroupStats;
import dev.gantry.cri.v1.ContainerAttributes;
import dev.gantry.cri.v1.ContainerStats;
import dev.gantry.cri.v1.CpuUsage;
import dev.gantry.cri.v1.FilesystemIdentifier;
import dev.gantry.cri.v1.FilesystemUsage;
import dev.gantry.cri.v1.IoUsage;
import dev.gantry.cri.v1.LinuxPodSandboxStats;
import dev.gantry.cri.v1.MemoryUsage;
import dev.gantry.cri.v1.NetworkInterfaceUsage;
import dev.gantry.cri.v1.NetworkUsage;
import dev.gantry.cri.v1.PodSandboxAttributes;
import dev.gantry.cri.v1.PodSandboxStats;
import dev.gantry.cri.v1.ProcessUsage;
import dev.gantry.cri.v1.PsiData;
import dev.gantry.cri.v1.PsiStats;
import dev.gantry.cri.v1.SwapUsage;
import dev.gantry.cri.v1.UInt64Value;
import dev.gantry.images.Snapshot;
import dev.gantry.images.StoreUsage;
import dev.gantry.netns.NetworkNames;
import dev.gantry.runtime.pause.Pause;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What containers and pods use, read when asked. Only the disk usage of a writable layer is remembered, since counting
 * it means walking it: it is counted anew in the background when it is asked for and old.
 */
final class Stats {
    private static final Logger LOG = LoggerFactory.getLogger(Stats.class);
    private static final Duration DISK_AGE = Duration.ofSeconds(60);
    private static final Duration SHORTEST_RATE = Duration.ofMillis(500);

    private final Machine machine;
    private final Path imageDirectory;
    private final Map<String, Disk> disks = new ConcurrentHashMap<>();
    private final Map<String, CpuSample> samples = new ConcurrentHashMap<>();

    private record Disk(Instant at, StoreUsage usage) {}

    private record CpuSample(Instant at, long nanos, long nanoCores) {}

    Stats(Machine machine, Path imageDirectory) {
        this.machine = machine;
        this.imageDirectory = imageDirectory;
    }

    /** Empty if it is gone meanwhile. */
    Optional<ContainerStats> tryOf(Container container) {
        try {
            return Optional.of(of(container));
        } catch (IOException e) {
            LOG.debug("No statistics of {}", container, e);
            return Optional.empty();
        }
    }

    Optional<PodSandboxStats> tryOf(Sandbox sandbox) {
        try {
            return Optional.of(of(sandbox));
        } catch (IOException e) {
            LOG.debug("No statistics of pod sandbox {}", sandbox.id(), e);
            return Optional.empty();
        }
    }

    ContainerStats of(Container container) throws IOException {
        ContainerStats.Builder stats = ContainerStats.newBuilder()
                .setAttributes(ContainerAttributes.newBuilder()
                        .setId(container.id())
                        .setMetadata(container.config().getMetadata())
                        .putAllLabels(container.config().getLabelsMap())
                        .putAllAnnotations(container.config().getAnnotationsMap()));
        disk(container).ifPresent(stats::setWritableLayer);
        if (container.isRunning()) {
            Instant now = machine.clock().instant();
            CgroupStats measured = container.cgroup().stats();
            stats.setCpu(cpu(container.id(), now, measured));
            stats.setMemory(memory(now, measured).orElseGet(() -> processMemory(now, processes(container.cgroup()))));
            swap(now, measured).ifPresent(stats::setSwap);
            io(now, measured).ifPresent(stats::setIo);
        } else {
            samples.remove(container.id());
        }
        return stats.build();
    }

    PodSandboxStats of(Sandbox sandbox) throws IOException {
        Instant now = machine.clock().instant();
        Cgroup cgroup = sandbox.cgroup().cgroup();
        CgroupStats measured = cgroup.stats();
        LinuxPodSandboxStats.Builder linux = LinuxPodSandboxStats.newBuilder().setCpu(cpu(sandbox.id(), now, measured));
        List<Integer> processes = processes(cgroup);
        linux.setMemory(memory(now, measured).orElseGet(() -> processMemory(now, processes)));
        io(now, measured).ifPresent(linux::setIo);
        linux.setProcess(ProcessUsage.newBuilder()
                .setTimestamp(Times.nanos(now))
                .setProcessCount(number(
                        measured.pids().isPresent() ? measured.pids().get().current() : processes.size())));
        if (!sandbox.hostNetwork()) {
            network(sandbox, now).ifPresent(linux::setNetwork);
        }
        for (Container container : sandbox.containers()) {
            if (container.isRunning()) {
                tryOf(container).ifPresent(linux::addContainers);
            }
        }
        return PodSandboxStats.newBuilder()
                .setAttributes(PodSandboxAttributes.newBuilder()
                        .setId(sandbox.id())
                        .setMetadata(sandbox.config().getMetadata())
                        .putAllLabels(sandbox.config().getLabelsMap())
                        .putAllAnnotations(sandbox.config().getAnnotationsMap()))
                .setLinux(linux)
                .build();
    }

    private CpuUsage cpu(String id, Instant now, CgroupStats measured) {
        long nanos = measured.cpu().usageNanos();
        CpuUsage.Builder usage =
                CpuUsage.newBuilder().setTimestamp(Times.nanos(now)).setUsageCoreNanoSeconds(number(nanos));
        CpuSample sample = samples.compute(id, (key, previous) -> next(previous, now, nanos));
        if (sample.nanoCores >= 0) {
            usage.setUsageNanoCores(number(sample.nanoCores));
        }
        measured.cpuPressure().map(Stats::pressure).ifPresent(usage::setPsi);
        return usage.build();
    }

    /** A rate needs two measurements that are not too close. */
    private static CpuSample next(@Nullable CpuSample previous, Instant now, long nanos) {
        if (previous == null || nanos < previous.nanos) {
            return new CpuSample(now, nanos, -1);
        }
        Duration elapsed = Duration.between(previous.at, now);
        if (elapsed.compareTo(SHORTEST_RATE) < 0) {
            return previous;
        }
        double cores = (double) (nanos - previous.nanos) / elapsed.toNanos();
        return new CpuSample(now, nanos, Math.round(cores * 1e9));
    }

    private static Optional<MemoryUsage> memory(Instant now, CgroupStats measured) {
        return measured.memory().map(memory -> {
            MemoryUsage.Builder usage = MemoryUsage.newBuilder()
                    .setTimestamp(Times.nanos(now))
                    .setWorkingSetBytes(number(memory.workingSetBytes()))
                    .setUsageBytes(number(memory.usageBytes()))
                    .setRssBytes(number(memory.anonymousBytes()))
                    .setPageFaults(number(memory.pageFaults()))
                    .setMajorPageFaults(number(memory.majorPageFaults()));
            memory.availableBytes().ifPresent(bytes -> usage.setAvailableBytes(number(bytes)));
            measured.memoryPressure().map(Stats::pressure).ifPresent(usage::setPsi);
            return usage.build();
        });
    }

    private static List<Integer> processes(Cgroup cgroup) {
        try {
            return cgroup.allProcesses();
        } catch (IOException e) {
            LOG.debug("Could not list the processes of {}", cgroup, e);
            return List.of();
        }
    }

    /** Where the memory controller is missing: what the processes have mapped, without page cache. */
    private MemoryUsage processMemory(Instant now, List<Integer> pids) {
        ProcessFacts facts = ProcessFacts.memoryOf(machine.linux().files(), pids);
        return MemoryUsage.newBuilder()
                .setTimestamp(Times.nanos(now))
                .setWorkingSetBytes(number(facts.residentBytes()))
                .setUsageBytes(number(facts.residentBytes()))
                .setRssBytes(number(facts.anonymousBytes()))
                .build();
    }

    private static Optional<SwapUsage> swap(Instant now, CgroupStats measured) {
        return measured.memory()
                .filter(memory -> memory.swapBytes().isPresent())
                .map(memory -> {
                    long used = memory.swapBytes().getAsLong();
                    SwapUsage.Builder usage = SwapUsage.newBuilder()
                            .setTimestamp(Times.nanos(now))
                            .setSwapUsageBytes(number(used));
                    memory.swapLimitBytes()
                            .ifPresent(limit -> usage.setSwapAvailableBytes(number(Math.max(0, limit - used))));
                    return usage.build();
                });
    }

    private static Optional<IoUsage> io(Instant now, CgroupStats measured) {
        return measured.ioPressure()
                .map(pressure -> IoUsage.newBuilder()
                        .setTimestamp(Times.nanos(now))
                        .setPsi(pressure(pressure))
                        .build());
    }

    private static PsiStats pressure(CgroupStats.Pressure pressure) {
        return PsiStats.newBuilder()
                .setSome(stall(pressure.some()))
                .setFull(stall(pressure.full()))
                .build();
    }

    private static PsiData stall(CgroupStats.Stall stall) {
        return PsiData.newBuilder()
                .setTotal(stall.totalMicros())
                .setAvg10(stall.avg10())
                .setAvg60(stall.avg60())
                .setAvg300(stall.avg300())
                .build();
    }

    private Optional<NetworkUsage> network(Sandbox sandbox, Instant now) throws IOException {
        if (sandbox.pauseIfConnected().isEmpty()) {
            return Optional.empty();
        }
        NetworkUsage.Builder usage = NetworkUsage.newBuilder().setTimestamp(Times.nanos(now));
        for (NetworkDevice device : devices(sandbox)) {
            NetworkInterfaceUsage carried = NetworkInterfaceUsage.newBuilder()
                    .setName(device.name())
                    .setRxBytes(number(device.receivedBytes()))
                    .setRxErrors(number(device.receiveErrors()))
                    .setTxBytes(number(device.sentBytes()))
                    .setTxErrors(number(device.sendErrors()))
                    .build();
            if (device.name().equals(NetworkNames.POD_INTERFACE)) {
                usage.setDefaultInterface(carried);
            }
            usage.addInterfaces(carried);
        }
        return Optional.of(usage.build());
    }

    /** The pod's interfaces without loopback; none if it is gone. */
    List<NetworkDevice> devices(Sandbox sandbox) throws IOException {
        Optional<Pause> pause = sandbox.pauseIfConnected();
        return pause.isEmpty()
                ? List.of()
                : NetworkDevice.parse(machine.linux()
                        .files()
                        .readSmallFile("/proc/%d/net/dev".formatted(pause.get().pid())));
    }

    /** Of the writable layer, as last counted; counts it where it never was. */
    OptionalLong writableBytes(Container container) throws IOException {
        Optional<FilesystemUsage> usage = disk(container);
        return usage.isPresent() ? OptionalLong.of(usage.get().getUsedBytes().getValue()) : OptionalLong.empty();
    }

    private Optional<FilesystemUsage> disk(Container container) throws IOException {
        Instant now = machine.clock().instant();
        Disk known = disks.get(container.id());
        if (known == null) {
            Optional<Disk> counted = count(container);
            counted.ifPresent(disk -> disks.put(container.id(), disk));
            known = counted.orElse(null);
        } else if (Duration.between(known.at, now).compareTo(DISK_AGE) > 0) {
            disks.put(container.id(), new Disk(now, known.usage));
            machine.executor().execute(() -> recount(container));
        }
        return known == null ? Optional.empty() : Optional.of(usage(known.at, known.usage, imageDirectory));
    }

    private Optional<Disk> count(Container container) throws IOException {
        Optional<Snapshot> snapshot = machine.images().snapshot(container.id());
        return snapshot.isEmpty()
                ? Optional.empty()
                : Optional.of(new Disk(machine.clock().instant(), snapshot.get().usage()));
    }

    private void recount(Container container) {
        try {
            count(container).ifPresent(disk -> disks.put(container.id(), disk));
        } catch (IOException e) {
            LOG.debug("Could not count the writable layer of {}", container, e);
        }
    }

    static FilesystemUsage usage(Instant at, StoreUsage usage, Path directory) {
        return FilesystemUsage.newBuilder()
                .setTimestamp(Times.nanos(at))
                .setFsId(FilesystemIdentifier.newBuilder().setMountpoint(directory.toString()))
                .setUsedBytes(number(usage.bytes()))
                .setInodesUsed(number(usage.inodes()))
                .build();
    }

    /** After its removal. */
    void forget(String id) {
        disks.remove(id);
        samples.remove(id);
    }

    static UInt64Value number(long value) {
        return UInt64Value.newBuilder().setValue(value).build();
    }
}
