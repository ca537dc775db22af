package dev.gantry.runtime.spec;

import dev.gantry.linux.Errno;
import dev.gantry.linux.Fcntl;
import dev.gantry.runtime.pause.PauseSetup;
import dev.gantry.runtime.pause.UserMaps;
import dev.gantry.runtime.program.Program;
import dev.gantry.runtime.program.ProgramBuilder;
import dev.gantry.runtime.program.Value;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Writes the program that pause executes itself, once, when it is inside the pod's namespaces. */
public final class SandboxProgram {
    /** Kubernetes' size of a pod's /dev/shm. */
    private static final long SHM_BYTES = 64L << 20;

    private SandboxProgram() {}

    /**
     * Writes the program; no descriptors go with it.
     *
     * @param hostname empty: the pod has the host's
     * @param sysctls paths below {@code /proc/sys} and values, see {@link Sysctls}
     * @param oomScoreAdj of pause
     * @param users the pod's own, if it has some
     * @param labels of the pod's containers, if it has some: its shared memory is theirs
     */
    public static Program write(
            String hostname,
            Map<String, String> sysctls,
            OptionalInt oomScoreAdj,
            Optional<UserMaps> users,
            Optional<SeLinuxLabels> labels) {
        ProgramBuilder program = Program.builder();
        if (!hostname.isEmpty()) {
            program.sethostname(hostname).named("set the host name to " + hostname);
        }
        sysctls.forEach((path, value) -> setting(program, path, value));
        oomScoreAdj.ifPresent(score -> {
            Value file = program.openat(Value.AT_FDCWD, "/proc/self/oom_score_adj", Fcntl.O_WRONLY, 0)
                    .result("oom_score_adj");
            program.write(file, Integer.toString(score))
                    .named("set oom_score_adj to " + score)
                    .tolerate(Errno.EACCES, Errno.EPERM);
            program.close(file);
        });
        PauseSetup.addTinyRoot(
                program,
                SHM_BYTES,
                users,
                labels.map(SeLinuxLabels::mountOption).orElse(""));
        return program.build();
    }

    private static void setting(ProgramBuilder program, String path, String value) {
        Value file = program.openat2(
                        Value.AT_FDCWD,
                        "/proc/sys/" + path,
                        Fcntl.O_WRONLY,
                        0,
                        Fcntl.RESOLVE_NO_SYMLINKS | Fcntl.RESOLVE_NO_MAGICLINKS)
                .named("open sysctl " + path)
                .result(path);
        program.write(file, value).named("set sysctl %s to %s".formatted(path, value));
        program.close(file);
    }
}
