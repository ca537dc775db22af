package dev.gantry.runtime.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.gantry.linux.Architecture;
import dev.gantry.linux.Errno;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.LinuxCapability;
import dev.gantry.linux.MountFlags;
import dev.gantry.linux.ResourceLimit;
import dev.gantry.linux.Sched;
import dev.gantry.linux.Stat;
import dev.gantry.linux.Syscall;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgramTest {
    private final ProgramBuilder program = Program.builder(Architecture.X86_64);

    @Test
    void explainsAContainerAsStraceWould() {
        // The bits of Fcntl are those of the machine.
        ProgramBuilder program = Program.builder(Architecture.current());
        Value hostMounts = program.passedFd("hostMounts");
        program.setns(hostMounts, Sched.CLONE_NEWNS).named("enter the host's mount namespace");
        program.unshare(Sched.CLONE_NEWNS);
        program.mount(null, "/", null, MountFlags.MS_REC | MountFlags.MS_SLAVE, null);
        program.mount("overlay", "/run/x", "overlay", 0, "lowerdir=a:b,upperdir=u,workdir=w");
        Value root = program.openat(Value.AT_FDCWD, "/run/x", Fcntl.O_PATH | Fcntl.O_DIRECTORY, 0)
                .named("open the root")
                .result("root");
        program.mkdirat(root, "proc", 0755).ignore(Errno.EEXIST);
        Value target = program.openat2(
                        root, "proc", Fcntl.O_PATH, 0, Fcntl.RESOLVE_IN_ROOT | Fcntl.RESOLVE_NO_MAGICLINKS)
                .result("target");
        Value proc = program.fsopen("proc").result("procContext");
        program.fsconfigString(proc, "hidepid", "2");
        program.fsconfigCreate(proc);
        Value mount = program.fsmount(proc, MountFlags.MOUNT_ATTR_NOSUID | MountFlags.MOUNT_ATTR_NODEV)
                .result("proc");
        program.moveMountOnto(mount, target).named("mount proc on /proc");
        program.mountSetattr(root, "", Fcntl.AT_EMPTY_PATH, MountFlags.MOUNT_ATTR_RDONLY, 0, MountFlags.MS_PRIVATE);
        program.prlimit(ResourceLimit.RLIMIT_NOFILE, new ResourceLimit(1024, ResourceLimit.INFINITY));
        program.dropBounding(LinuxCapability.CAP_SYS_ADMIN);
        program.capset(LinuxCapability.CAP_CHOWN.mask(), LinuxCapability.CAP_CHOWN.mask(), 0);
        program.setgroups(List.of(0, -2));
        program.setresuid(1000);
        program.setNoNewPrivs();
        program.seccomp(new byte[16], 0);
        program.closeRange(3, 0xffff_ffffL, 4);
        program.execve("/bin/sh", List.of("sh", "-c", "echo \"hi\"\n"), List.of("PATH=/bin", "SECRET=x"));

        assertThat(program.build().explain()).isEqualTo("""
                         1  setns(hostMounts, CLONE_NEWNS)  # enter the host's mount namespace
                         2  unshare(CLONE_NEWNS)
                         3  mount(NULL, "/", NULL, MS_REC|MS_SLAVE, NULL)
                         4  mount("overlay", "/run/x", "overlay", 0, "lowerdir=a:b,upperdir=u,workdir=w")
                         5  openat(AT_FDCWD, "/run/x", O_PATH|O_DIRECTORY|O_CLOEXEC, 0) = root  # open the root
                         6  mkdirat(root, "proc", 0755) [EEXIST: go on]
                         7  openat2(root, "proc", {O_PATH|O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT}, 24) = target
                         8  fsopen("proc", FSOPEN_CLOEXEC) = procContext
                         9  fsconfig(procContext, FSCONFIG_SET_STRING, "hidepid", "2", 0)
                        10  fsconfig(procContext, FSCONFIG_CMD_CREATE, NULL, NULL, 0)
                        11  fsmount(procContext, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV) = proc
                        12  move_mount(proc, "", target, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)  # mount proc on /proc
                        13  mount_setattr(root, "", AT_EMPTY_PATH, {set=MOUNT_ATTR_RDONLY, clr=0, propagation=MS_PRIVATE}, 32)
                        14  prlimit64(0, 7, {1024, RLIM_INFINITY}, NULL)
                        15  prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0)
                        16  capset({V3, self}, {effective=CAP_CHOWN, permitted=CAP_CHOWN, inheritable=none})
                        17  setgroups(2, [0, 4294967294])
                        18  setresuid(1000, 1000, 1000)
                        19  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
                        20  seccomp(SECCOMP_SET_MODE_FILTER, 0, {len=2})
                        21  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC)
                        22  execve("/bin/sh", ["sh", "-c", "echo \\"hi\\"\\n"], [/* 2 variables */])
                        """);
    }

    @Test
    void explainsBranchesAndChecks() {
        Label directory = program.label("directory");
        Label masked = program.label("masked");
        Buffer status = program.statxBuffer("status");
        program.statx(Value.AT_FDCWD, "/dev/null", Fcntl.AT_SYMLINK_NOFOLLOW, status);
        program.checkType(status, Stat.S_IFCHR);
        program.checkDevice(status, 1, 3).named("check that /dev/null is the null device");
        program.mount("/dev/null", "/proc/kcore", null, MountFlags.MS_BIND, null)
                .ignore(Errno.ENOENT)
                .on(Errno.ENOTDIR, directory)
                .onReported(Errno.EPERM, masked)
                .tolerate(Errno.EROFS);
        program.jump(masked);
        program.place(directory).fail(Errno.EISDIR);
        program.place(masked).chdir("/");
        program.checkWorkingDirectory();

        assertThat(program.build().explain()).isEqualTo("""
                        1  statx(AT_FDCWD, "/dev/null", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, status)
                        2  check(status.stx_mode, 2, 0xf000, 0x2000, EINVAL)
                        3  check(status.stx_rdev, 8, 0xffffffffffffffff, 0x300000001, EINVAL)  # check that /dev/null is the null device
                        4  mount("/dev/null", "/proc/kcore", NULL, MS_BIND, NULL) [ENOENT: go on] [ENOTDIR: go to 6] [EPERM: go to 7 and report] [EROFS: go on and report]
                        5  go to 7
                        6  fail(EISDIR)
                        7  chdir("/")
                        8  getcwd(cwd, 4096)  # find the working directory below the root
                        9  check(cwd.first, 1, 0xff, 0x2f, ENOENT)  # check that it is below the root
                        """);
    }

    @Test
    void looksForAFileInTheDirectoriesOfThePath() {
        program.execvp("nginx", List.of("/usr/bin", "/bin"), List.of("nginx"), List.of());

        assertThat(program.build().explain()).isEqualTo("""
                        1  execve("/usr/bin/nginx", ["nginx"], [/* 0 variables */]) [ENOENT: go on] [ENOTDIR: go on] [EACCES: go to 4]
                        2  execve("/bin/nginx", ["nginx"], [/* 0 variables */]) [ENOENT: go on] [ENOTDIR: go on] [EACCES: go to 5]
                        3  fail(ENOENT)  # find nginx in /usr/bin:/bin
                        4  execve("/bin/nginx", ["nginx"], [/* 0 variables */]) [ENOENT: go on] [ENOTDIR: go on] [EACCES: go on]
                        5  fail(EACCES)  # execute nginx found in /usr/bin:/bin
                        """);
    }

    @Test
    void aFileWithASlashIsNotLookedFor() {
        program.execvp("./run", List.of("/bin"), List.of("run"), List.of());

        Program built = program.build();

        assertThat(built.stepCount()).isEqualTo(1);
        assertThat(built.failure(0, Errno.ENOENT.number()))
                .isEqualTo("step 1, execute ./run: ENOENT (No such file or directory)");
    }

    @Test
    void aFailureNamesTheStepAndTheReason() {
        program.umask(0);
        program.mount("proc", "/proc", "proc", 0, null).named("mount proc on /proc");
        Program built = program.build();

        assertThat(built.failure(1, 1)).isEqualTo("step 2, mount proc on /proc: EPERM (Operation not permitted)");
        assertThat(built.failure(0, 0)).isEqualTo("step 1, umask: the process was killed");
        assertThat(built.failure(1, 600)).isEqualTo("step 2, mount proc on /proc: errno 600");
        assertThat(built.failure(7, 1)).isEqualTo("step 8, unknown step: EPERM (Operation not permitted)");
    }

    @Test
    void encodesAsTheFormatSays() {
        Value passed = program.passedFd("passed");
        Label end = program.label("end");
        program.call(Syscall.READ, passed, program.buffer(4, "space"), Value.of(4))
                .on(Errno.EIO, end)
                .tolerate(Errno.EPERM)
                .result("count");
        program.execve("/x", List.of("a"), List.of());
        program.place(end).fail(Errno.EIO);

        ByteBuffer bytes = ByteBuffer.wrap(program.build().encode()).order(ByteOrder.LITTLE_ENDIAN);

        assertThat(bytes.getInt(0)).isEqualTo(0x31525047);
        assertThat(List.of(bytes.getShort(4), bytes.getShort(6))).containsExactly((short) 1, (short) 62);
        int steps = bytes.getInt(8);
        int relocations = bytes.getInt(12);
        int dataBytes = bytes.getInt(16);
        assertThat(List.of(steps, relocations)).containsExactly(3, 1);
        assertThat(List.of(bytes.getShort(20), bytes.getShort(22))).containsExactly((short) 2, (short) 1);
        int data = 32 + 3 * 80 + 8;
        assertThat(bytes.limit()).isEqualTo(data + dataBytes);
        // read(slot 0, data 0, 4) = slot 1, EIO (silent) to step 2, EPERM to the next
        assertThat(List.of(bytes.getShort(32), bytes.getShort(34), bytes.getShort(36)))
                .containsExactly((short) 0, (short) 0, (short) 1);
        assertThat(List.of(bytes.get(38), bytes.get(39), bytes.get(40), bytes.get(41)))
                .containsExactly((byte) 2, (byte) 1, (byte) 0, (byte) 0);
        assertThat(List.of(bytes.getShort(44), bytes.getShort(46), bytes.getShort(48), bytes.getShort(50)))
                .containsExactly((short) (0x8000 | 5), (short) 2, (short) 1, (short) 0);
        assertThat(List.of(bytes.getLong(64), bytes.getLong(72), bytes.getLong(80)))
                .containsExactly(0L, 0L, 4L);
        // argv: a pointer to "a", then NULL
        int argv = (int) bytes.getLong(112 + 32 + 8);
        assertThat(bytes.getInt(32 + 3 * 80)).isEqualTo(argv);
        assertThat(bytes.get(data + (int) bytes.getLong(data + argv))).isEqualTo((byte) 'a');
        assertThat(bytes.getLong(data + argv + 8)).isZero();
    }

    @Test
    void numbersCallsByTheMachine() {
        ProgramBuilder arm = Program.builder(Architecture.AARCH64);
        arm.chdir("/");

        ByteBuffer bytes = ByteBuffer.wrap(arm.build().encode()).order(ByteOrder.LITTLE_ENDIAN);

        assertThat(bytes.getShort(6)).isEqualTo((short) 183);
        assertThat(bytes.getShort(34)).isEqualTo((short) 49);
    }

    @Test
    void equalStringsAreStoredOnce() {
        program.chdir("/a/long/path/that/is/stored/once");
        int once = program.build().encode().length;
        program.chdir("/a/long/path/that/is/stored/once");

        assertThat(program.build().encode()).hasSize(once + 80);
    }

    @Test
    void refusesWhatCannotBeExecuted() {
        assertThatIllegalArgumentException().isThrownBy(() -> program.chdir("a\0b"));
        assertThatIllegalArgumentException().isThrownBy(() -> program.seccomp(new byte[7], 0));
        program.umask(0);
        assertThatIllegalStateException()
                .isThrownBy(() -> program.passedFd("late"))
                .withMessage("passed descriptor 'late' is declared after the first step");
        program.umask(0).on(Errno.EIO, program.label("nowhere"));
        assertThatIllegalStateException()
                .isThrownBy(() -> program.build().encode())
                .withMessage("label 'nowhere' is not placed");
    }

    @Test
    void goesForwardOnly() {
        Label here = program.label("here");
        program.place(here).umask(0);
        program.jump(here);

        assertThatIllegalStateException()
                .isThrownBy(() -> program.build().encode())
                .withMessage("step 2 goes back to step 1");
    }
}
