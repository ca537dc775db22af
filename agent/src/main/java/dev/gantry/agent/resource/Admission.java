package dev.gantry.agent.resource;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerPort;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Whether a pod fits on this node beside those that are there: a function of the pods and of what the node has. Never asked about
 * a pod that runs already.
 */
public final class Admission {
    private static final String ANY_ADDRESS = "0.0.0.0";

    private Admission() {}

    /**
     * A pod that wants to run, or does.
     *
     * @param isStatic whether it comes from a manifest: such a pod is critical, whatever its priority
     */
    public record Contender(Pod pod, boolean isStatic) {
        String uid() {
            return pod.getMetadata().getUid();
        }

        boolean isCritical() {
            return isStatic || Priorities.isCritical(pod);
        }

        Amounts requests() {
            return PodAmounts.requests(pod.getSpec());
        }

        String name() {
            return pod.getMetadata().getNamespace() + "/" + pod.getMetadata().getName();
        }
    }

    /** The answer. */
    public sealed interface Verdict {}

    /** It fits. */
    public record Admitted() implements Verdict {}

    /**
     * It fits once these have ended.
     *
     * @param uids of pods that give way, none of them critical unless of lower priority
     */
    public record Preempts(List<String> uids) implements Verdict {
        public Preempts {
            uids = List.copyOf(uids);
        }
    }

    /**
     * It does not fit.
     *
     * @param reason of the pod's status, as the kubelet spells it: {@code OutOfcpu}, {@code NodePorts}
     */
    public record Rejected(String reason, String message) implements Verdict {}

    /** A resource of which there is too little. */
    record Shortage(String resource, long requested, long used, long capacity) {
        String message() {
            return "Node didn't have enough resource: %s, requested: %d, used: %d, capacity: %d"
                    .formatted(resource, requested, used, capacity);
        }

        long missing() {
            return requested - (capacity - used);
        }
    }

    /**
     * Decides.
     *
     * @param others that run, are about to, or are on their way out
     */
    public static Verdict decide(
            Contender pod, Collection<Contender> others, NodeResources node, ResourcePolicy policy) {
        List<Shortage> shortages = shortages(pod, others, node, policy);
        Optional<Rejected> ports = takenPort(pod, others);
        if (ports.isPresent() && (shortages.isEmpty() || pod.isCritical())) {
            // No preemption frees a port.
            return ports.get();
        }
        if (shortages.isEmpty()) {
            return new Admitted();
        }
        List<Contender> yielding =
                others.stream().filter(other -> Preemption.yields(other, pod)).toList();
        if (!pod.isCritical() || yielding.isEmpty()) {
            // The kubelet calls the second an UnexpectedAdmissionError; on a node of static pods alone it is the usual
            // case.
            Shortage first = shortages.get(0);
            return new Rejected("OutOf" + first.resource(), first.message());
        }
        return Preemption.choose(yielding, shortages);
    }

    /** Why a pod that runs cannot have what it asks for: {@code Infeasible} is never, {@code Deferred} is not now. */
    public static Verdict resize(
            Contender pod, Collection<Contender> others, NodeResources node, ResourcePolicy policy) {
        List<Shortage> ever = shortages(pod, List.of(), node, policy);
        if (!ever.isEmpty()) {
            Shortage first = ever.get(0);
            return new Rejected(
                    "Infeasible",
                    "Node didn't have enough capacity: %s, requested: %d, capacity: %d"
                            .formatted(first.resource(), first.requested(), first.capacity()));
        }
        List<Shortage> now = shortages(pod, others, node, policy);
        return now.isEmpty()
                ? new Admitted()
                : new Rejected("Deferred", now.get(0).message());
    }

    private static List<Shortage> shortages(
            Contender pod, Collection<Contender> others, NodeResources node, ResourcePolicy policy) {
        Amounts allocatable = node.allocatable();
        List<Shortage> shortages = new ArrayList<>();
        if (others.size() + 1 > allocatable.get(Amounts.PODS)) {
            shortages.add(new Shortage(Amounts.PODS, 1, others.size(), allocatable.get(Amounts.PODS)));
        }
        Amounts requests = pod.requests();
        Amounts used = others.stream().map(Contender::requests).reduce(Amounts.NONE, Amounts::plus);
        List<String> standard = List.of(Amounts.CPU, Amounts.MEMORY, Amounts.EPHEMERAL_STORAGE);
        Stream<String> further = requests.values().keySet().stream().filter(name -> !standard.contains(name));
        Stream.concat(standard.stream(), further).forEach(name -> {
            boolean counts = !name.equals(Amounts.EPHEMERAL_STORAGE)
                    || (policy.ephemeralStorage() && allocatable.has(Amounts.EPHEMERAL_STORAGE));
            long requested = requests.get(name);
            if (counts && requested > 0 && requested > allocatable.get(name) - used.get(name)) {
                shortages.add(new Shortage(name, requested, used.get(name), allocatable.get(name)));
            }
        });
        return shortages;
    }

    // ---- host ports

    /** A port of the host that one of a pod's containers wants. */
    private record HostPort(String protocol, String address, int port) {
        boolean conflictsWith(HostPort other) {
            return port == other.port
                    && protocol.equals(other.protocol)
                    && (address.equals(other.address)
                            || address.equals(ANY_ADDRESS)
                            || other.address.equals(ANY_ADDRESS));
        }
    }

    private static Optional<Rejected> takenPort(Contender pod, Collection<Contender> others) {
        for (HostPort wanted : hostPorts(pod.pod().getSpec())) {
            for (Contender other : others) {
                if (hostPorts(other.pod().getSpec()).stream().anyMatch(wanted::conflictsWith)) {
                    return Optional.of(new Rejected(
                            "NodePorts",
                            "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports (%d/%s is used by %s)"
                                    .formatted(wanted.port(), wanted.protocol(), other.name())));
                }
            }
        }
        return Optional.empty();
    }

    private static List<HostPort> hostPorts(PodSpec spec) {
        Stream<Container> sidecars = PodAmounts.initContainers(spec).stream().filter(PodAmounts::isSidecar);
        return Stream.concat(PodAmounts.containers(spec).stream(), sidecars)
                .flatMap(container ->
                        container.getPorts() == null ? Stream.<ContainerPort>empty() : container.getPorts().stream())
                .filter(port -> port.getHostPort() != null && port.getHostPort() > 0)
                .map(port -> new HostPort(
                        port.getProtocol() == null ? "TCP" : port.getProtocol(),
                        port.getHostIP() == null || port.getHostIP().isEmpty() ? ANY_ADDRESS : port.getHostIP(),
                        port.getHostPort()))
                .toList();
    }
}
