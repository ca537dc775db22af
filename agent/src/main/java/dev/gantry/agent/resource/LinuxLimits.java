package dev.gantry.agent.resource;

import dev.gantry.agent.resource.ResourcePolicy.SwapBehavior;
import dev.gantry.cgroups.CpuWeight;
import dev.gantry.cri.v1.HugepageLimit;
import dev.gantry.cri.v1.LinuxContainerResources;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.math.BigDecimal;
import java.math.BigInteger;

/** Limits of pods and containers in CRI's form, by the kubelet's formulas. Pure. */
public final class LinuxLimits {
    private static final long MIN_SHARES = 2;
    private static final long MAX_SHARES = 262_144;

    /** The kernel refuses less ({@code min_bw_quota_period_us}). */
    private static final long MIN_QUOTA_MICROS = 1_000;

    private static final long PAGE_BYTES = 4096;

    private final NodeResources node;
    private final ResourcePolicy policy;

    public LinuxLimits(NodeResources node, ResourcePolicy policy) {
        this.node = node;
        this.policy = policy;
    }

    // ---- pod

    /** Of the pod as a whole: its share is what it requests; a limit holds only if the pod, or every container, has one. */
    public LinuxContainerResources pod(Pod pod) {
        PodSpec spec = pod.getSpec();
        Amounts requests = PodAmounts.requests(spec);
        Amounts limits = PodAmounts.limits(spec);
        Qos qos = Qos.of(spec);
        long shares = qos == Qos.BEST_EFFORT ? MIN_SHARES : shares(requests.get(Amounts.CPU));
        LinuxContainerResources.Builder result =
                LinuxContainerResources.newBuilder().setCpuShares(shares);
        if (PodAmounts.isLimited(spec, Amounts.CPU)) {
            quota(result, limits.get(Amounts.CPU));
        }
        if (PodAmounts.isLimited(spec, Amounts.MEMORY)) {
            // Swap is a matter of the containers: the pod's cgroup only must not be in their way.
            result.setMemoryLimitInBytes(limits.get(Amounts.MEMORY)).setMemorySwapLimitInBytes(-1);
        }
        hugePages(result, requests);
        if (policy.unified()) {
            // Pods are weighed against each other in proportion to their requests, containers by the runtime's own
            // curve.
            result.putUnified(
                    "cpu.weight", Long.toString(CpuWeight.ofRequest(shares).value()));
            // CRI has no field for it; the kubelet writes the pod's cgroup itself
            // (pkg/kubelet/cm/pod_container_manager_linux.go).
            policy.podPidsLimit().ifPresent(limit -> result.putUnified("pids.max", Long.toString(limit)));
            protectMemory(result, qos, requests.get(Amounts.MEMORY));
        }
        return result.build();
    }

    // ---- container

    /** Of one container. */
    public LinuxContainerResources container(Pod pod, Container container) {
        PodSpec spec = pod.getSpec();
        Amounts requests = PodAmounts.requests(container);
        Amounts limits = PodAmounts.limits(container);
        long cpuLimit = limitOr(spec, limits, Amounts.CPU);
        long memoryLimit = limitOr(spec, limits, Amounts.MEMORY);
        LinuxContainerResources.Builder result = LinuxContainerResources.newBuilder()
                // An unset request means the limit; set to 0 it means the least.
                .setCpuShares(shares(requests.has(Amounts.CPU) ? requests.get(Amounts.CPU) : cpuLimit))
                .setOomScoreAdj(OomScore.adj(pod, container, node.memoryBytes()));
        if (cpuLimit > 0) {
            quota(result, cpuLimit);
        }
        long swap = swapBytes(pod, requests.get(Amounts.MEMORY), limits.get(Amounts.MEMORY));
        if (memoryLimit > 0) {
            result.setMemoryLimitInBytes(memoryLimit).setMemorySwapLimitInBytes(memoryLimit + swap);
        }
        hugePages(result, limits);
        if (policy.unified()) {
            // Also where memory is not limited.
            result.putUnified("memory.swap.max", Long.toString(swap));
            // One process killed for want of memory takes the container with it.
            result.putUnified("memory.oom.group", policy.singleProcessOomKill() ? "0" : "1");
            protectMemory(result, Qos.of(spec), requests.get(Amounts.MEMORY));
            throttleMemory(result, requests.get(Amounts.MEMORY), memoryLimit);
        }
        return result.build();
    }

    /** A container without a limit of its own has the pod's (KEP-2837). */
    private static long limitOr(PodSpec spec, Amounts own, String name) {
        return own.get(name) > 0 || spec.getResources() == null
                ? own.get(name)
                : Amounts.of(spec.getResources().getLimits()).get(name);
    }

    // ---- formulas

    /** Shares as CRI counts them, 2 to 262144. */
    public static long shares(long milliCpu) {
        // The bound is below what could overflow.
        return Math.max(MIN_SHARES, Math.min(MAX_SHARES, Math.min(milliCpu, MAX_SHARES * 1000) * 1024 / 1000));
    }

    private void quota(LinuxContainerResources.Builder result, long milliCpu) {
        long period = policy.cpuCfsQuotaPeriodMicros();
        long quota = Math.max(MIN_QUOTA_MICROS, Math.min(milliCpu, MAX_SHARES * 1000) * period / 1000);
        result.setCpuPeriod(period).setCpuQuota(policy.cpuCfsQuota() ? quota : -1);
    }

    /**
     * What a container may swap: its part of the machine's memory, of the machine's swap. Critical pods, pods of other classes, and containers whose memory is
     * sized exactly do not swap (KEP-2400).
     */
    private long swapBytes(Pod pod, long memoryRequest, long memoryLimit) {
        boolean swaps = policy.swapBehavior() == SwapBehavior.LIMITED_SWAP
                && policy.unified()
                && Qos.of(pod.getSpec()) == Qos.BURSTABLE
                && !Priorities.isCritical(pod)
                && memoryRequest != memoryLimit;
        return swaps && node.memoryBytes() > 0 ? part(memoryRequest, node.swapBytes(), node.memoryBytes()) : 0;
    }

    private static long part(long of, long times, long by) {
        return BigInteger.valueOf(of)
                .multiply(BigInteger.valueOf(times))
                .divide(BigInteger.valueOf(by))
                .longValue();
    }

    /** What is not requested of a size is not to be had. */
    private void hugePages(LinuxContainerResources.Builder result, Amounts amounts) {
        for (String name : node.hugePageResources()) {
            result.addHugepageLimits(hugePages(name, amounts.get(name)));
        }
        amounts.values().forEach((name, bytes) -> {
            if (name.startsWith(Amounts.HUGE_PAGES) && !node.capacity().has(name)) {
                result.addHugepageLimits(hugePages(name, bytes));
            }
        });
    }

    /** {@code hugepages-2Mi} is {@code 2MB} in the names of the kernel's files. */
    private static HugepageLimit hugePages(String name, long bytes) {
        String size = name.substring(Amounts.HUGE_PAGES.length());
        return HugepageLimit.newBuilder()
                .setPageSize(size.endsWith("i") ? size.substring(0, size.length() - 1) + "B" : size)
                .setLimit(bytes)
                .build();
    }

    /** What is requested is not reclaimed: never for guaranteed pods, not before anything else for burstable ones. */
    private void protectMemory(LinuxContainerResources.Builder result, Qos qos, long request) {
        if (policy.tieredReservation() && request > 0 && qos != Qos.BEST_EFFORT) {
            result.putUnified(qos == Qos.GUARANTEED ? "memory.min" : "memory.low", Long.toString(request));
        }
    }

    /** Where a container begins to be slowed down: a part of the way from its request to what it may have. */
    private void throttleMemory(LinuxContainerResources.Builder result, long request, long limit) {
        if (policy.memoryThrottlingFactor().isEmpty() || request == limit) {
            return;
        }
        long most = limit > 0 ? limit : node.allocatable().get(Amounts.MEMORY);
        BigDecimal way = BigDecimal.valueOf(most - request)
                .multiply(BigDecimal.valueOf(policy.memoryThrottlingFactor().getAsDouble()));
        long high = BigDecimal.valueOf(request).add(way).longValue() / PAGE_BYTES * PAGE_BYTES;
        if (high > request) {
            result.putUnified("memory.high", Long.toString(high));
        }
    }
}
