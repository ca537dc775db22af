package dev.gantry.runtime;

import dev.gantry.cgroups.Cgroup;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerMetadata;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PodSandboxMetadata;
import dev.gantry.linux.Fd;
import dev.gantry.runtime.ContainerPhase.Created;
import dev.gantry.runtime.ContainerPhase.Exited;
import dev.gantry.runtime.ContainerPhase.Running;
import dev.gantry.runtime.pause.ProcessExit;
import dev.gantry.runtime.spec.ContainerSpec;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One container. Changed by its sandbox's queue only; everybody may read the latest record.
 *
 * <p>The record is replaced as a whole, after it has been written to disk.
 */
final class Container {
    private final String id;
    private final String sandboxId;
    private final ContainerConfig config;
    private final Path logPath;
    private final Cgroup cgroup;
    private final CompletableFuture<Exited> ended = new CompletableFuture<>();
    private final CompletableFuture<ProcessExit> reported = new CompletableFuture<>();
    private volatile ContainerRecord record;
    private volatile @Nullable ContainerSpec spec;
    private volatile @Nullable Fd pidfd;

    Container(
            String id,
            String sandboxId,
            PodSandboxConfig pod,
            ContainerConfig config,
            Cgroup cgroup,
            ContainerRecord record) {
        this.id = id;
        this.sandboxId = sandboxId;
        this.config = config;
        this.logPath = logPath(pod, config);
        this.cgroup = cgroup;
        this.record = record;
        if (record.phase() instanceof Exited exited) {
            ended.complete(exited);
        }
    }

    private static Path logPath(PodSandboxConfig pod, ContainerConfig config) {
        return pod.getLogDirectory().isEmpty() || config.getLogPath().isEmpty()
                ? Path.of("")
                : Path.of(pod.getLogDirectory()).resolve(config.getLogPath());
    }

    /** Unique among the containers that exist at one time: what a repeated request is recognised by. */
    static String name(ContainerMetadata container, PodSandboxMetadata pod) {
        return "%s_%s_%s_%s_%d"
                .formatted(
                        container.getName(), pod.getName(), pod.getNamespace(), pod.getUid(), container.getAttempt());
    }

    String id() {
        return id;
    }

    String sandboxId() {
        return sandboxId;
    }

    ContainerConfig config() {
        return config;
    }

    /** Empty if nothing is logged. */
    Optional<Path> logPath() {
        return logPath.toString().isEmpty() ? Optional.empty() : Optional.of(logPath);
    }

    Cgroup cgroup() {
        return cgroup;
    }

    ContainerRecord record() {
        return record;
    }

    ContainerPhase phase() {
        return record.phase();
    }

    boolean isCreated() {
        return record.phase() instanceof Created;
    }

    boolean isRunning() {
        return record.phase() instanceof Running;
    }

    /** Completes when it has exited and that is on disk. */
    CompletableFuture<Exited> ended() {
        return ended;
    }

    /** Completes, ahead of {@link #ended}, when pause has reported the end, exceptionally if pause is gone. */
    CompletableFuture<ProcessExit> reported() {
        return reported;
    }

    /** As compiled at its creation; empty after a restart of the runtime. */
    Optional<ContainerSpec> spec() {
        return Optional.ofNullable(spec);
    }

    void keep(ContainerSpec compiled) {
        spec = compiled;
    }

    /** A handle on its first process while it runs. */
    Optional<Fd> pidfd() {
        return Optional.ofNullable(pidfd);
    }

    void setPidfd(Fd process) {
        pidfd = process;
    }

    /** Only after the record was written. */
    void recorded(ContainerRecord next) {
        record = next;
        if (next.phase() instanceof Exited exited) {
            spec = null;
            Fd process = pidfd;
            pidfd = null;
            if (process != null) {
                process.close();
            }
            ended.complete(exited);
        }
    }

    void forget() {
        Fd process = pidfd;
        pidfd = null;
        if (process != null) {
            process.close();
        }
    }

    /** For messages. */
    @Override
    public String toString() {
        return "container '%s' (%s)".formatted(config.getMetadata().getName(), id.substring(0, 12));
    }
}
