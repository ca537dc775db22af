package dev.gantry.agent.config;

import dev.gantry.agent.resource.Amounts;
import dev.gantry.agent.resource.EvictionThreshold;
import dev.gantry.agent.resource.NodeResources;
import dev.gantry.agent.resource.ResourcePolicy;
import dev.gantry.agent.rotation.RotationPolicy;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What the configuration says of resources.
 *
 * @param evictionHard by signal, such as {@code memory.available}
 * @param maxPods 0 or more
 * @param podsPerCore empty for no such limit
 * @param enforcePods whether the pods' cgroup is limited to what is not reserved
 */
public record ResourceConfig(
        ResourcePolicy policy,
        Amounts kubeReserved,
        Amounts systemReserved,
        Map<String, EvictionThreshold> evictionHard,
        int maxPods,
        OptionalInt podsPerCore,
        boolean enforcePods,
        RotationPolicy logs) {
    /** Which signal keeps which resource from being given away. */
    private static final Map<String, String> WITHHELD =
            Map.of("memory.available", Amounts.MEMORY, "nodefs.available", Amounts.EPHEMERAL_STORAGE);

    public ResourceConfig {
        evictionHard = Map.copyOf(evictionHard);
    }

    /**
     * Applied to a machine.
     *
     * @param machine its capacity, without {@code pods}
     */
    public NodeResources of(Amounts machine, long swapBytes) {
        long pods = maxPods;
        if (podsPerCore.isPresent()) {
            pods = Math.min(pods, machine.get(Amounts.CPU) / 1000 * podsPerCore.getAsInt());
        }
        Amounts withheld = Amounts.NONE;
        for (Map.Entry<String, String> entry : WITHHELD.entrySet()) {
            EvictionThreshold threshold = evictionHard.get(entry.getKey());
            String name = entry.getValue();
            if (threshold != null && machine.has(name)) {
                withheld = withheld.with(name, threshold.of(machine.get(name)));
            }
        }
        return new NodeResources(machine.with(Amounts.PODS, pods), swapBytes, kubeReserved, systemReserved, withheld);
    }
}
