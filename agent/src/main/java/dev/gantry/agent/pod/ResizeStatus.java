package dev.gantry.agent.pod;

import dev.gantry.agent.resource.Admission.Rejected;
import dev.gantry.agent.resource.Amounts;
import dev.gantry.agent.resource.LinuxLimits;
import dev.gantry.agent.resource.ResizeRules;
import dev.gantry.agent.time.Timestamps;
import dev.gantry.cri.v1.LinuxContainerResources;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What a pod's status says of resources and their change (KEP-1287). Pure. */
final class ResizeStatus {
    static final String PENDING = "PodResizePending";
    static final String IN_PROGRESS = "PodResizeInProgress";

    private ResizeStatus() {}

    /** Sets what is allocated to the pod, if its spec has resources of its own, and for each container that runs, and what is in force. */
    static void resources(
            PodStatus status, Pod allocated, Map<String, LinuxContainerResources> inForce, LinuxLimits limits) {
        ResourceRequirements ofPod = allocated.getSpec().getResources();
        if (ofPod != null) {
            status.setAllocatedResources(ofPod.getRequests());
            status.setResources(ofPod);
        }
        Map<String, Container> byName = new LinkedHashMap<>();
        ResizeRules.resizable(allocated.getSpec()).forEach(container -> byName.put(container.getName(), container));
        Stream.of(status.getContainerStatuses(), status.getInitContainerStatuses())
                .filter(all -> all != null)
                .flatMap(List::stream)
                .forEach(one -> {
                    Container container = byName.get(one.getName());
                    boolean running = one.getState() != null && one.getState().getRunning() != null;
                    if (container != null && running && container.getResources() != null) {
                        Map<String, Quantity> requests =
                                container.getResources().getRequests();
                        one.setAllocatedResources(requests == null || requests.isEmpty() ? null : requests);
                        one.setResources(inForce(allocated, container, inForce.get(id(one)), limits));
                    }
                });
    }

    private static String id(ContainerStatus status) {
        String id = status.getContainerID() == null ? "" : status.getContainerID();
        return id.substring(id.lastIndexOf('/') + 1);
    }

    /** The spec's own words where they are in force, else what the kernel's values come to. */
    private static ResourceRequirements inForce(
            Pod pod, Container container, @Nullable LinuxContainerResources now, LinuxLimits limits) {
        ResourceRequirements spec = container.getResources();
        if (now == null || ResizePlan.isSame(now, limits.container(pod, container))) {
            return spec;
        }
        Amounts requests = Amounts.of(spec.getRequests());
        if (requests.has(Amounts.CPU)) {
            // up, since shares were rounded down
            requests = requests.with(Amounts.CPU, (now.getCpuShares() * 1000 + 1023) / 1024);
        }
        Amounts limited = Amounts.of(spec.getLimits());
        if (now.getCpuQuota() > 0 && now.getCpuPeriod() > 0) {
            limited = limited.with(Amounts.CPU, now.getCpuQuota() * 1000 / now.getCpuPeriod());
        }
        if (now.getMemoryLimitInBytes() > 0) {
            limited = limited.with(Amounts.MEMORY, now.getMemoryLimitInBytes());
        }
        ResourceRequirements result = new ResourceRequirements();
        result.setRequests(requests.quantities());
        result.setLimits(limited.quantities());
        return result;
    }

    /**
     * Adds the conditions of a resize that has not been completed.
     *
     * @param desired whose generation they are about
     * @param pending why it has not begun
     * @param error why it does not get on
     */
    static void conditions(
            PodStatus status,
            @Nullable PodStatus before,
            Pod desired,
            Optional<Rejected> pending,
            boolean inProgress,
            Optional<String> error,
            Instant now) {
        List<PodCondition> conditions =
                new ArrayList<>(status.getConditions() == null ? List.of() : status.getConditions());
        pending.ifPresent(why -> conditions.add(condition(PENDING, why.reason(), why.message(), before, desired, now)));
        if (inProgress || error.isPresent()) {
            String reason = error.isPresent() ? "Error" : "";
            conditions.add(condition(IN_PROGRESS, reason, error.orElse(""), before, desired, now));
        }
        status.setConditions(conditions);
    }

    private static PodCondition condition(
            String type, String reason, String message, @Nullable PodStatus before, Pod desired, Instant now) {
        PodCondition condition = new PodCondition();
        condition.setType(type);
        condition.setStatus("True");
        condition.setObservedGeneration(desired.getMetadata().getGeneration());
        if (!reason.isEmpty()) {
            condition.setReason(reason);
        }
        if (!message.isEmpty()) {
            condition.setMessage(message);
        }
        String since = before == null || before.getConditions() == null
                ? null
                : before.getConditions().stream()
                        .filter(one -> type.equals(one.getType()))
                        .map(PodCondition::getLastTransitionTime)
                        .findFirst()
                        .orElse(null);
        condition.setLastTransitionTime(since == null ? Timestamps.format(now) : since);
        return condition;
    }
}
