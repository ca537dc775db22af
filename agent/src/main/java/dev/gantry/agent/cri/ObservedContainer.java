package dev.gantry.agent.cri;

import dev.gantry.cri.v1.Container;
import dev.gantry.cri.v1.ContainerStatus;
import dev.gantry.cri.v1.Signal;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One run of a container, as the runtime tells it.
 *
 * @param restartCount 0 for the first run of this name in this pod
 * @param image as the pod's spec named it
 * @param imageId what runs, by the runtime's id or digest
 * @param logPath absolute; may be empty
 * @param stopSignal that it is asked to end with, {@code SIGTERM}; empty if the runtime does not tell
 * @param user uid, gid and groups the process began with, if the runtime tells
 */
public record ObservedContainer(
        String id,
        String sandboxId,
        String name,
        int restartCount,
        Instant createdAt,
        ContainerRun run,
        String image,
        String imageId,
        String logPath,
        String stopSignal,
        Optional<User> user,
        Map<String, String> annotations) {
    public ObservedContainer {
        annotations = Map.copyOf(annotations);
    }

    /** Identity of a process at its start. */
    public record User(long uid, long gid, List<Long> supplementalGroups) {
        public User {
            supplementalGroups = List.copyOf(supplementalGroups);
        }
    }

    /** The same run, ended with this message. */
    public ObservedContainer withMessage(String message) {
        ContainerRun told = run instanceof ContainerRun.Exited exited
                ? new ContainerRun.Exited(
                        exited.startedAt(), exited.finishedAt(), exited.exitCode(), exited.reason(), message)
                : run;
        return new ObservedContainer(
                id,
                sandboxId,
                name,
                restartCount,
                createdAt,
                told,
                image,
                imageId,
                logPath,
                stopSignal,
                user,
                annotations);
    }

    public boolean isRunning() {
        return run instanceof ContainerRun.Running;
    }

    public boolean isExited() {
        return run instanceof ContainerRun.Exited;
    }

    /** The definition it was made from; see {@link Labels#definitionHash}. */
    public String definitionHash() {
        return annotations.getOrDefault(Labels.CONTAINER_HASH, "");
    }

    static ObservedContainer of(Container listed, ContainerStatus status) {
        return new ObservedContainer(
                status.getId(),
                listed.getPodSandboxId(),
                status.getLabelsOrDefault(
                        Labels.CONTAINER_NAME, status.getMetadata().getName()),
                restartCount(status),
                Instant.ofEpochSecond(0, status.getCreatedAt()),
                ContainerRun.of(status),
                status.getImage().getUserSpecifiedImage().isEmpty()
                        ? status.getImage().getImage()
                        : status.getImage().getUserSpecifiedImage(),
                status.getImageRef().isEmpty() ? status.getImageId() : status.getImageRef(),
                status.getLogPath(),
                stopSignal(status),
                user(status),
                status.getAnnotationsMap());
    }

    /** As the API spells it: CRI has {@code SIGNAL_SIGRTMINPLUS3} for {@code SIGRTMIN+3}. */
    private static String stopSignal(ContainerStatus status) {
        return status.getStopSignal() == Signal.SIGNAL_RUNTIME_DEFAULT || status.getStopSignal() == Signal.UNRECOGNIZED
                ? ""
                : status.getStopSignal()
                        .name()
                        .substring("SIGNAL_".length())
                        .replace("PLUS", "+")
                        .replace("MINUS", "-");
    }

    static Optional<User> user(ContainerStatus status) {
        if (!status.getUser().hasLinux()) {
            return Optional.empty();
        }
        var linux = status.getUser().getLinux();
        return Optional.of(new User(linux.getUid(), linux.getGid(), linux.getSupplementalGroupsList()));
    }

    private static int restartCount(ContainerStatus status) {
        try {
            return Integer.parseInt(status.getAnnotationsOrDefault(Labels.RESTART_COUNT, ""));
        } catch (NumberFormatException e) {
            // Made by someone else: CRI's attempt means the same.
            return status.getMetadata().getAttempt();
        }
    }
}
