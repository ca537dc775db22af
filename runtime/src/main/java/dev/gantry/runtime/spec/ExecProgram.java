package dev.gantry.runtime.spec;

import dev.gantry.linux.Fcntl;
import dev.gantry.linux.MountFlags;
import dev.gantry.linux.Sched;
import dev.gantry.runtime.program.Program;
import dev.gantry.runtime.program.ProgramBuilder;
import dev.gantry.runtime.program.Value;
import java.util.List;

/** Writes the program of a process that joins a running container. */
public final class ExecProgram {
    private static final long NAMESPACES = Sched.CLONE_NEWNS
            | Sched.CLONE_NEWCGROUP
            | Sched.CLONE_NEWUTS
            | Sched.CLONE_NEWIPC
            | Sched.CLONE_NEWPID
            | Sched.CLONE_NEWNET;

    private ExecProgram() {}

    /**
     * Writes the program. One descriptor goes with it: a pidfd of the container's first process.
     *
     * @param pipes which standard descriptors are pipes of ours
     */
    public static Program write(
            ProcessContext container, List<String> arguments, boolean terminal, List<Integer> pipes) {
        ProgramBuilder program = Program.builder();
        ProcessContext context = terminal ? container.withTerminal() : container;
        ProcessSteps process = new ProcessSteps(program, context);
        Value target = program.passedFd("container");
        process.hideFromTracing();
        // A view of /proc that the container cannot have tampered with.
        Value proc = ownProc(program);
        process.setOomScore(proc);
        // The kernel keeps both for the sibling as well.
        process.enterSecurityModules(proc);
        if (!terminal) {
            process.ownStdio(pipes);
        }
        if (context.users().isPresent()) {
            program.setns(target, NAMESPACES | Sched.CLONE_NEWUSER).named("join the container's namespaces and users");
            new UserSteps(program, context.users().get()).becomeRoot();
            process.hideFromTracing();
        } else {
            program.setns(target, NAMESPACES).named("join the container's namespaces");
        }
        program.forkSibling(0).named("be born in its PID namespace");
        process.newSession();
        if (terminal) {
            Value pts = program.openat2(
                            Value.AT_FDCWD,
                            "/dev/pts",
                            Fcntl.O_PATH | Fcntl.O_DIRECTORY,
                            0,
                            Fcntl.RESOLVE_NO_SYMLINKS | Fcntl.RESOLVE_NO_MAGICLINKS)
                    .named("open /dev/pts")
                    .result("pts");
            process.adoptTerminal(process.openTerminal(pts));
        }
        process.enterWorkingDirectory();
        process.becomeUser();
        process.execute(arguments);
        return program.build();
    }

    private static Value ownProc(ProgramBuilder program) {
        Value context = program.fsopen("proc").result("procfs");
        program.fsconfigCreate(context).named("create procfs");
        Value mount = program.fsmount(
                        context,
                        MountFlags.MOUNT_ATTR_NOSUID | MountFlags.MOUNT_ATTR_NODEV | MountFlags.MOUNT_ATTR_NOEXEC)
                .result("proc");
        program.close(context);
        return mount;
    }
}
