package dev.gantry.runtime.spec;

import dev.gantry.linux.Errno;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.LinuxCapability;
import dev.gantry.linux.Prctl;
import dev.gantry.runtime.program.ProgramBuilder;
import dev.gantry.runtime.program.Value;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The last steps of every process of a container: it gives up what it may not keep, and becomes its program. */
final class ProcessSteps {
    // asm-generic/ioctls.h
    private static final long TIOCSCTTY = 0x540E;
    private static final long TIOCSPTLCK = 0x40045431;
    private static final long TIOCGPTPEER = 0x5441;

    private static final int CLOSE_RANGE_CLOEXEC = 4;
    private static final long ALL_FDS = 0xffff_ffffL;
    private static final int INT_BYTES = 4;

    private final ProgramBuilder program;
    private final ProcessContext context;

    ProcessSteps(ProgramBuilder program, ProcessContext context) {
        this.program = program;
        this.context = context;
    }

    /** While a process of ours is visible in a container it must not be one that the container can trace. */
    void hideFromTracing() {
        program.prctl(Prctl.PR_SET_DUMPABLE, "PR_SET_DUMPABLE", 0)
                .named("keep the container from tracing this process");
    }

    /** Before leaving the runtime's view of /proc. */
    void setOomScore(Value proc) {
        if (context.oomScoreAdj().isEmpty()) {
            return;
        }
        int score = context.oomScoreAdj().getAsInt();
        Value file = program.openat(proc, "self/oom_score_adj", Fcntl.O_WRONLY, 0)
                .named("open oom_score_adj")
                .result("oom_score_adj");
        program.write(file, Integer.toString(score))
                .named("set oom_score_adj to " + score)
                .tolerate(Errno.EACCES, Errno.EPERM);
        program.close(file);
    }

    /** Profile and label of the program that the process, or its child, executes. */
    void enterSecurityModules(Value proc) {
        context.appArmorProfile().ifPresent(profile -> {
            Value file = program.openat(proc, "self/attr/apparmor/exec", Fcntl.O_WRONLY, 0)
                    .named("open the AppArmor attribute")
                    .result("attr");
            program.write(file, "exec " + profile).named("change to AppArmor profile " + profile + " on exec");
            program.close(file);
        });
        context.seLinuxLabel().ifPresent(label -> {
            Value file = program.openat(proc, "self/attr/exec", Fcntl.O_WRONLY, 0)
                    .named("open the SELinux attribute")
                    .result("attr");
            program.write(file, label).named("change to SELinux label " + label + " on exec");
            program.close(file);
        });
    }

    /**
     * Opens a terminal and makes it the standard descriptors and the controlling terminal.
     *
     * @param pts where {@code ptmx} is
     * @return the terminal's end of the process
     */
    Value openTerminal(Value pts) {
        Value master = program.openat(pts, "ptmx", Fcntl.O_RDWR | Fcntl.O_NOCTTY, 0)
                .named("open a terminal")
                .result("master");
        program.ioctl(master, TIOCSPTLCK, "TIOCSPTLCK", program.buffer(INT_BYTES, "unlocked"))
                .named("unlock the terminal");
        Value terminal = program.ioctl(
                        master, TIOCGPTPEER, "TIOCGPTPEER", Fcntl.O_RDWR | Fcntl.O_NOCTTY | Fcntl.O_CLOEXEC)
                .named("open the process' end of the terminal")
                .result("terminal");
        if (!context.user().isRoot()) {
            program.fchownat(terminal, "", context.user().uid(), -1, Fcntl.AT_EMPTY_PATH)
                    .named("give the terminal to the user");
        }
        program.sendTerminal(master).named("hand the terminal to pause");
        return terminal;
    }

    void adoptTerminal(Value terminal) {
        program.ioctl(terminal, TIOCSCTTY, "TIOCSCTTY", 0).named("make it the controlling terminal");
        for (int fd = 0; fd <= 2; fd++) {
            program.dup3(terminal, fd, 0).named("make the terminal descriptor " + fd);
        }
    }

    /**
     * Programs open /dev/stdout anew, as the user. Never for a descriptor that may be the host's /dev/null; as the host's
     * root, before the pod's users are joined.
     */
    void ownStdio(List<Integer> pipes) {
        int uid = context.user().uid();
        int owner = context.users().map(maps -> maps.user(uid)).orElse(uid);
        if (owner == 0) {
            return;
        }
        for (int fd : pipes) {
            program.fchownat(Value.of(fd), "", owner, -1, Fcntl.AT_EMPTY_PATH)
                    .named("give descriptor " + fd + " to the user")
                    .ignore(Errno.EINVAL, Errno.EPERM, Errno.EROFS);
        }
    }

    void newSession() {
        program.setsid().named("become a session leader").ignore(Errno.EPERM);
        program.joinNewSessionKeyring()
                .named("leave the runtime's keyring")
                .ignore(Errno.ENOSYS, Errno.EPERM, Errno.EDQUOT, Errno.EOPNOTSUPP);
    }

    /** The directory is opened inside the root and by no magic link, so that no leaked descriptor can be its way out. */
    void enterWorkingDirectory() {
        String directory = context.workingDirectory();
        if (directory.equals("/")) {
            program.chdir("/");
            return;
        }
        program.chdir("/");
        Value cwd = program.openat2(
                        Value.AT_FDCWD,
                        directory.substring(1),
                        Fcntl.O_PATH | Fcntl.O_DIRECTORY,
                        0,
                        Fcntl.RESOLVE_IN_ROOT | Fcntl.RESOLVE_NO_MAGICLINKS)
                .named("open working directory " + directory)
                .result("cwd");
        program.fchdir(cwd).named("change to working directory " + directory);
        program.checkWorkingDirectory();
    }

    void becomeUser() {
        if (context.noNewPrivileges()) {
            program.setNoNewPrivs().named("gain no privileges from programs");
        } else {
            // Without no_new_privs the kernel wants CAP_SYS_ADMIN for a filter, which is about to go.
            installFilter();
        }
        for (LinuxCapability capability : EnumSet.allOf(LinuxCapability.class)) {
            if (!context.bounding().contains(capability)) {
                program.dropBounding(capability)
                        .named("drop " + capability)
                        // Not known to this kernel.
                        .ignore(Errno.EINVAL);
            }
        }
        program.setKeepCapabilities(true);
        program.setgroups(context.user().groups()).named("set the supplementary groups");
        program.setresgid(context.user().gid())
                .named("become group " + context.user().gid());
        program.setresuid(context.user().uid())
                .named("become user " + context.user().uid());
        program.setKeepCapabilities(false);
        long own = mask(context.bounding());
        program.capset(own, own, mask(context.ambient())).named("set the capabilities");
        program.clearAmbient().ignore(Errno.EINVAL);
        for (LinuxCapability capability : context.ambient()) {
            program.raiseAmbient(capability).named("raise ambient " + capability);
        }
        if (context.noNewPrivileges()) {
            installFilter();
        }
    }

    private void installFilter() {
        if (!context.seccompFilter().isEmpty()) {
            program.seccomp(context.seccompFilter().toByteArray(), context.seccompFlags())
                    .named("install the seccomp filter");
        }
    }

    void execute(List<String> arguments) {
        program.umask(0022);
        program.closeRange(3, ALL_FDS, CLOSE_RANGE_CLOEXEC).named("let the program inherit nothing");
        program.execvp(arguments.get(0), context.path(), arguments, context.environment());
    }

    private static long mask(Set<LinuxCapability> set) {
        return LinuxCapability.maskOf(set);
    }
}
