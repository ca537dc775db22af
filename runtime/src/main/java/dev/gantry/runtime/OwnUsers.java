package dev.gantry.runtime;

import dev.gantry.linux.MountFlags;
import dev.gantry.linux.Sched;
import dev.gantry.runtime.pause.LogHealth;
import dev.gantry.runtime.pause.PauseLauncher;
import dev.gantry.runtime.pause.PauseListener;
import dev.gantry.runtime.pause.PauseSpec;
import dev.gantry.runtime.pause.PodNamespace;
import dev.gantry.runtime.pause.ProcessExit;
import dev.gantry.runtime.pause.UserMaps;
import dev.gantry.runtime.program.Program;
import dev.gantry.runtime.program.ProgramBuilder;
import dev.gantry.runtime.spec.SpecException;
import dev.gantry.runtime.spec.UserSteps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether pods can have users of their own on this machine. Kernels, security modules and file systems have many ways to
 * say no, so it is tried: a pause with users of its own mounts the image store with their ids. Once, when first asked.
 */
final class OwnUsers {
    private static final String STAGE = "/proc";

    private final PauseLauncher pauses;
    private final Path images;
    private final Path run;
    private boolean tried;
    private Optional<String> obstacle = Optional.empty();

    /**
     * Tries nothing yet.
     *
     * @param images on the file system of the layers
     * @param run for a temporary directory
     */
    OwnUsers(PauseLauncher pauses, Path images, Path run) {
        this.pauses = pauses;
        this.images = images;
        this.run = run;
    }

    /** What is in the way; empty if they can. */
    synchronized Optional<String> obstacle() {
        if (!tried) {
            tried = true;
            obstacle = attempt().map(reason -> "users of a pod's own (hostUsers: false) cannot be had here: " + reason);
        }
        return obstacle;
    }

    /** Fails if they cannot. */
    void require() throws SpecException {
        Optional<String> reason = obstacle();
        if (reason.isPresent()) {
            throw SpecException.unsupported("userns_options: %s", reason.get());
        }
    }

    private Optional<String> attempt() {
        try {
            Path directory = Files.createTempDirectory(run, "users-");
            try {
                Path upper = Files.createDirectory(directory.resolve("upper"));
                Path work = Files.createDirectory(directory.resolve("work"));
                pauses.launch(spec(directory.resolve("pause.sock"), upper, work), new Unheard())
                        .kill();
                return Optional.empty();
            } finally {
                RunDirectory.deleteTree(directory);
            }
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private PauseSpec spec(Path socket, Path upper, Path work) {
        UserMaps maps = new UserMaps(1 << 16, 1 << 16, 1 << 16, 1 << 16);
        ProgramBuilder program = Program.builder();
        UserSteps users = new UserSteps(program, maps);
        users.open();
        program.unshare(Sched.CLONE_NEWNS).named("leave the host's mount namespace");
        program.mount(null, "/", null, MountFlags.MS_REC | MountFlags.MS_PRIVATE, null)
                .named("keep mounts from spreading to the host");
        users.mountLayers(
                images.toString(),
                "lowerdir=.,upperdir=%s,workdir=%s".formatted(upper, work),
                STAGE,
                "mount a trial of layers");
        return new PauseSpec(
                socket,
                EnumSet.of(PodNamespace.IPC, PodNamespace.PID),
                Optional.of(maps),
                Optional.empty(),
                program.build(),
                List.of());
    }

    /** Ends before it has anything to say. */
    private static final class Unheard implements PauseListener {
        @Override
        public void exited(ProcessExit exit) {}

        @Override
        public void logChanged(String id, LogHealth health) {}

        @Override
        public void attachmentCut(String id) {}

        @Override
        public void disconnected(@Nullable IOException cause) {}
    }
}
