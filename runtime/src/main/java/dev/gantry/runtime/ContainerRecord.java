package dev.gantry.runtime;

import dev.gantry.cri.v1.LinuxContainerResources;
import dev.gantry.runtime.spec.ContainerSpec;
import dev.gantry.runtime.spec.ProcessContext;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What must survive us of a container, beside its configuration. Each change is a new record, written before the change
 * is told.
 *
 * @param imageId {@code sha256:…}
 * @param imageRef what it was made from, as a name with a digest; the id if the image has none
 * @param imageTag what people call its image, {@code docker.io/library/busybox:1}; empty if it has no such name
 * @param context what its processes get
 * @param stopSignal the kernel's number
 * @param resources in force
 * @param removing whether it is being removed, which the next start finishes
 * @param killAt when a stop under way ends its patience
 * @param notices what it could not be given as asked
 */
record ContainerRecord(
        ContainerPhase phase,
        Instant createdAt,
        String imageId,
        String imageRef,
        String imageTag,
        ProcessContext context,
        ContainerSpec.PidMode pid,
        int stopSignal,
        LinuxContainerResources resources,
        boolean removing,
        Optional<Instant> killAt,
        List<String> notices) {
    ContainerRecord {
        notices = List.copyOf(notices);
    }

    ContainerRecord in(ContainerPhase next) {
        return changed(next, resources, removing, killAt, notices);
    }

    ContainerRecord withResources(LinuxContainerResources changed) {
        return changed(phase, changed, removing, killAt, notices);
    }

    ContainerRecord beingRemoved() {
        return changed(phase, resources, true, killAt, notices);
    }

    ContainerRecord toBeKilledAt(Instant at) {
        return changed(phase, resources, removing, Optional.of(at), notices);
    }

    ContainerRecord withNotices(List<String> all) {
        return changed(phase, resources, removing, killAt, all);
    }

    /** All that can change in a container's life; the rest is what it was made of. */
    private ContainerRecord changed(
            ContainerPhase next,
            LinuxContainerResources inForce,
            boolean toBeRemoved,
            Optional<Instant> killTime,
            List<String> said) {
        return new ContainerRecord(
                next,
                createdAt,
                imageId,
                imageRef,
                imageTag,
                context,
                pid,
                stopSignal,
                inForce,
                toBeRemoved,
                killTime,
                said);
    }
}
