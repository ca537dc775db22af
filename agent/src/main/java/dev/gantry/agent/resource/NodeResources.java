package dev.gantry.agent.resource;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a node has and how much of it pods may request.
 *
 * @param capacity of the machine: cpu, memory, ephemeral-storage, huge pages by size, and {@code pods}
 * @param swapBytes size of all swap space
 * @param kubeReserved for this agent
 * @param systemReserved for everything else that is no pod
 * @param evictionHard what is never given away: memory, and ephemeral-storage
 */
public record NodeResources(
        Amounts capacity, long swapBytes, Amounts kubeReserved, Amounts systemReserved, Amounts evictionHard) {
    /** As the kubelet's {@code maxPods}. */
    public static final int DEFAULT_MAX_PODS = 110;

    /** A machine of which nothing is reserved. */
    public static NodeResources of(long memoryBytes, int cpus) {
        return new NodeResources(
                new Amounts(Map.of(
                        Amounts.CPU, cpus * 1000L, Amounts.MEMORY, memoryBytes, Amounts.PODS, (long) DEFAULT_MAX_PODS)),
                0,
                Amounts.NONE,
                Amounts.NONE,
                Amounts.NONE);
    }

    public long memoryBytes() {
        return capacity.get(Amounts.MEMORY);
    }

    /** What pods may request together. Huge pages are memory that nothing else can use. */
    public Amounts allocatable() {
        Amounts free = capacity.minus(kubeReserved).minus(systemReserved).minus(evictionHard);
        return free.with(Amounts.MEMORY, Math.max(0, free.get(Amounts.MEMORY) - hugePages()));
    }

    /** What the pods' cgroup is limited to: the hard eviction threshold lies within, so that eviction comes before the kernel does. */
    public Amounts enforced() {
        return capacity.minus(kubeReserved).minus(systemReserved);
    }

    private long hugePages() {
        return capacity.values().entrySet().stream()
                .filter(entry -> entry.getKey().startsWith(Amounts.HUGE_PAGES))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    /** Sizes of huge pages that the machine knows, as in {@code hugepages-2Mi}. */
    List<String> hugePageResources() {
        return capacity.values().keySet().stream()
                .filter(name -> name.startsWith(Amounts.HUGE_PAGES))
                .toList();
    }

    /** What is reserved and not there, in words; empty if all is well. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>();
        Amounts reserved = kubeReserved.plus(systemReserved).plus(evictionHard);
        for (String name : reserved.values().keySet()) {
            if (capacity.has(name) && reserved.get(name) > capacity.get(name)) {
                problems.add(
                        "resource \"%s\" has a reservation of %s but capacity of %s; expected capacity >= reservation: reduce kubeReserved, systemReserved or evictionHard"
                                .formatted(name, text(name, reserved), text(name, capacity)));
            }
        }
        return problems;
    }

    private static String text(String name, Amounts amounts) {
        return name.equals(Amounts.CPU) ? amounts.get(name) + "m" : Long.toString(amounts.get(name));
    }
}
