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
        return new ContainerRecord(
                next,
                createdAt,
                imageId,
                imageRef,
                imageTag,
                context,
                pid,
                stopSignal,
                resources,
                removing,
                killAt,
                notices);
    }

    ContainerRecord withResources(LinuxContainerResources changed) {
        return new ContainerRecord(
                phase,
                createdAt,
                imageId,
                imageRef,
                imageTag,
                context,
                pid,
                stopSignal,
                changed,
                removing,
                killAt,
                notices);
    }

    ContainerRecord beingRemoved() {
        return new ContainerRecord(
                phase,
                createdAt,
                imageId,
                imageRef,
                imageTag,
                context,
                pid,
                stopSignal,
                resources,
                true,
                killAt,
                notices);
    }

    ContainerRecord toBeKilledAt(Instant at) {
        return new ContainerRecord(
                phase,
                createdAt,
                imageId,
                imageRef,
                imageTag,
                context,
                pid,
                stopSignal,
                resources,
                removing,
                Optional.of(at),
                notices);
    }

    ContainerRecord withNotices(List<String> all) {
        return new ContainerRecord(
                phase,
                createdAt,
                imageId,
                imageRef,
                imageTag,
                context,
                pid,
                stopSignal,
                resources,
                removing,
                killAt,
                all);
    }
}
