package dev.gantry.agent.pod;

import dev.gantry.agent.event.PodReference;
import dev.gantry.agent.time.Timestamps;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One name on this node: the pod that has it, and the one that waits for it. Guarded by the lock of the {@link PodTable}. */
final class PodSlot {
    final PodKey key;

    /** The pod that has the name: its worker ends before the next one starts. */
    @Nullable Occupant current;

    /** A pod that an earlier agent was ending: it gets the name first. */
    @Nullable Wanted restored;

    /** What is wanted once the name is free. */
    @Nullable Wanted next;

    /** The uid of a pod that is gone and whose files are being removed: another one of this uid would have them in the same places. */
    @Nullable String clearing;

    /** What has the name next. */
    @Nullable Wanted waiting() {
        return restored != null ? restored : next;
    }

    /** Whether a pod of this uid waits for the name. */
    boolean awaits(String uid) {
        return Stream.of(Optional.ofNullable(restored), Optional.ofNullable(next))
                .flatMap(Optional::stream)
                .anyMatch(wanted -> wanted.pod().getMetadata().getUid().equals(uid));
    }

    /** The pod that others see here: not one that was found and that nobody wants; empty if they see none. */
    Optional<Occupant> visible() {
        return shown == null || current == null || current.orphan ? Optional.empty() : Optional.of(current);
    }

    /** As last shown to watchers; null if they see nothing here. */
    @Nullable Pod shown;

    PodSlot(PodKey key) {
        this.key = key;
    }

    /**
     * A pod that a source wants.
     *
     * @param deletion set if it was on its way out already under an earlier agent
     */
    record Wanted(Pod pod, PodSource source, @Nullable Deletion deletion) {
        Wanted(Pod pod, PodSource source) {
            this(pod, source, null);
        }
    }

    /** A pod and what became of it. */
    static final class Occupant {
        Pod pod;
        final PodSource source;

        /** Found in the runtime and wanted by nobody so far: shown to nobody. */
        final boolean orphan;

        /** Null for a pod that was refused: it has a status and nothing to do. */
        @Nullable PodWorker worker;

        PodStatus status;

        @Nullable Deletion deletion;

        @Nullable PodCondition manifestProblem;

        /** Set for a pod of a file that did not fit: it is tried again when there is more room. */
        boolean turnedAway;

        /** Conditions that somebody else has reported of it. */
        List<PodCondition> reported = List.of();

        /** Whether it was told to end as failed: it makes room for another, or takes more than it may. */
        boolean expelled;

        Occupant(Pod pod, PodSource source, boolean orphan, PodStatus status) {
            this.pod = pod;
            this.source = source;
            this.orphan = orphan;
            this.status = status;
        }

        String uid() {
            return pod.getMetadata().getUid();
        }

        boolean isFinal() {
            return PodSlot.isFinal(status);
        }

        PodReference reference() {
            return PodReference.of(pod);
        }

        /** The pod as the API shows it, with this version. */
        Pod snapshot(String resourceVersion) {
            PodStatus shown = status;
            if (manifestProblem != null) {
                shown = copy(status);
                List<PodCondition> conditions =
                        new ArrayList<>(status.getConditions() == null ? List.of() : status.getConditions());
                conditions.add(manifestProblem);
                shown.setConditions(conditions);
            }
            return PodSlot.snapshot(pod, shown, deletion, resourceVersion);
        }

        private static PodStatus copy(PodStatus from) {
            PodStatus to = new PodStatus();
            to.setPhase(from.getPhase());
            to.setReason(from.getReason());
            to.setMessage(from.getMessage());
            to.setObservedGeneration(from.getObservedGeneration());
            to.setStartTime(from.getStartTime());
            to.setHostIP(from.getHostIP());
            to.setHostIPs(from.getHostIPs());
            to.setPodIP(from.getPodIP());
            to.setPodIPs(from.getPodIPs());
            to.setQosClass(from.getQosClass());
            to.setContainerStatuses(from.getContainerStatuses());
            to.setInitContainerStatuses(from.getInitContainerStatuses());
            to.setEphemeralContainerStatuses(from.getEphemeralContainerStatuses());
            to.setAllocatedResources(from.getAllocatedResources());
            to.setResize(from.getResize());
            to.setResources(from.getResources());
            return to;
        }
    }

    static Pod snapshot(Pod pod, PodStatus status, @Nullable Deletion deletion, String resourceVersion) {
        ObjectMeta metadata = copy(pod.getMetadata());
        metadata.setResourceVersion(resourceVersion);
        metadata.setDeletionTimestamp(null);
        metadata.setDeletionGracePeriodSeconds(null);
        if (deletion != null) {
            metadata.setDeletionTimestamp(Timestamps.format(deletion.deadline()));
            metadata.setDeletionGracePeriodSeconds(deletion.gracePeriodSeconds());
        }
        return new Pod("v1", "Pod", metadata, pod.getSpec(), status);
    }

    /** A copy whose own fields can be set; maps and lists are shared. */
    static ObjectMeta copy(ObjectMeta from) {
        ObjectMeta to = new ObjectMeta();
        to.setName(from.getName());
        to.setGenerateName(from.getGenerateName());
        to.setNamespace(from.getNamespace());
        to.setUid(from.getUid());
        to.setGeneration(from.getGeneration());
        to.setCreationTimestamp(from.getCreationTimestamp());
        to.setDeletionTimestamp(from.getDeletionTimestamp());
        to.setDeletionGracePeriodSeconds(from.getDeletionGracePeriodSeconds());
        to.setLabels(from.getLabels());
        to.setAnnotations(from.getAnnotations());
        to.setOwnerReferences(from.getOwnerReferences());
        to.setFinalizers(from.getFinalizers());
        return to;
    }

    /** The status that a pod came with, or that of one that nobody has looked at. */
    static PodStatus statusOf(Pod pod) {
        if (pod.getStatus() != null && pod.getStatus().getPhase() != null) {
            return pod.getStatus();
        }
        PodStatus status = new PodStatus();
        status.setPhase("Pending");
        return status;
    }

    /** Whether a pod of this status has ended for good. */
    static boolean isFinal(PodStatus status) {
        return Decision.Phase.SUCCEEDED.text().equals(status.getPhase())
                || Decision.Phase.FAILED.text().equals(status.getPhase());
    }

    /** Whether a pod of the API ends with the agent that made it. */
    static boolean isTransient(Pod pod) {
        return annotation(pod, PodEngine.TRANSIENT_ANNOTATION).equals("true");
    }

    /** The value of an annotation; empty if the pod has none of this name. */
    static String annotation(Pod pod, String name) {
        Map<String, String> annotations = pod.getMetadata().getAnnotations();
        return annotations == null ? "" : annotations.getOrDefault(name, "");
    }
}
