package dev.gantry.agent.cri;

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
                id, sandboxId, name, restartCount, createdAt, told, image, imageId, logPath, user, annotations);
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
}
