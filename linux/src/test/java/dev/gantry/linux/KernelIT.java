package dev.gantry.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** What of the real kernel needs root. Each test that mounts does so in a mount namespace of its own. */
@EnabledIf(value = "isRoot", disabledReason = "needs root with CAP_SYS_ADMIN")
class KernelIT {
    private final Linux linux = Linux.system();
    private final Mounts mounts = linux.mounts();
    private final FileCalls files = linux.files();

    @TempDir
    Path directory;

    static boolean isRoot() throws ErrnoException {
        return Linux.system().security().capget().isEffective(LinuxCapability.CAP_SYS_ADMIN);
    }

    @Test
    void mountsOfAFreshThreadStayItsOwn() throws IOException {
        String target = Files.createDirectory(directory.resolve("m")).toString();
        privately(() -> {
            mounts.mount("none", target, "tmpfs", MountFlags.MS_NOSUID, "size=1m,mode=0700");
            assertThat(mounts.mountInfo()).extracting(MountInfo::mountPoint).contains(target);
            files.writeFully(files.open(target + "/x", Fcntl.O_CREAT | Fcntl.O_WRONLY, 0600), new byte[] {1});
            mounts.umount2(target, MountFlags.MNT_DETACH);
            assertThat(mounts.mountInfo()).extracting(MountInfo::mountPoint).doesNotContain(target);
        });
        assertThat(mounts.mountInfo()).extracting(MountInfo::mountPoint).doesNotContain(target);
    }

    @Test
    void theNewMountCallsMakeSetAndMoveADetachedMount() throws IOException {
        String target = Files.createDirectory(directory.resolve("m")).toString();
        privately(() -> {
            try (Fd context = mounts.fsopen("tmpfs")) {
                mounts.fsconfigString(context, "mode", "0755");
                mounts.fsconfigFlag(context, "ro");
                mounts.fsconfigCreate(context);
                try (Fd mount = mounts.fsmount(context, MountFlags.MOUNT_ATTR_NOSUID)) {
                    mounts.mountSetattr(mount, 0, MountFlags.MOUNT_ATTR_NOEXEC, 0);
                    mounts.moveMount(mount, "", Fd.AT_FDCWD, target, MountFlags.MOVE_MOUNT_F_EMPTY_PATH);
                }
            }
            Optional<MountInfo> mount = MountInfo.of(target, mounts.mountInfo());
            assertThat(mount.orElseThrow().options()).contains("nosuid", "noexec");
            assertThat(mount.orElseThrow().superOptions()).contains("ro");
            try (Fd copy = mounts.openTree(Fd.AT_FDCWD, target, MountFlags.OPEN_TREE_CLONE)) {
                assertThat(files.fstat(copy).isDirectory()).isTrue();
            }
        });
    }

    @Test
    void aRefusedOptionCarriesTheKernelsOwnWords() throws IOException {
        privately(() -> {
            try (Fd context = mounts.fsopen("tmpfs")) {
                assertThatExceptionOfType(ErrnoException.class)
                        .isThrownBy(() -> mounts.fsconfigString(context, "nonsense", "1"))
                        .withMessageContaining("fsconfig(")
                        .withMessageContaining("FSCONFIG_SET_STRING, \"nonsense\", \"1\"): EINVAL")
                        .withMessageContaining("Unknown parameter 'nonsense'");
            }
        });
    }

    @Test
    void aMountThatFailsNamesItsOperands() throws IOException {
        privately(() -> {
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> mounts.mount(null, "/nowhere", null, MountFlags.MS_PRIVATE, null))
                    .withMessage("mount(NULL, \"/nowhere\", NULL, MS_PRIVATE, NULL): ENOENT (errno 2, No such file or"
                            + " directory)");
        });
    }

    @Test
    void aNetworkNamespaceOfAFreshThreadIsInheritedByItsChildAndByNobodyElse() throws IOException {
        String host = namespaceOf("thread-self", "net");
        String inside = linux.namespaces().onFreshThread("netns", () -> {
            linux.namespaces().unshare(Sched.CLONE_NEWNET);
            String own = namespaceOf("thread-self", "net");
            try (ChildProcess child = linux.processes()
                    .spawn(SpawnRequest.of("/bin/sleep", "1000").build())) {
                assertThat(namespaceOf(Integer.toString(child.pid()), "net")).isEqualTo(own);
                linux.processes().pidfdSendSignal(child.pidfd(), Signal.SIGKILL);
                linux.processes().waitid(child.pidfd(), Wait.WEXITED);
            }
            return own;
        });
        assertThat(inside).isNotEqualTo(host);
        assertThat(namespaceOf("thread-self", "net")).isEqualTo(host);
    }

    @Test
    void aPidfdIsAWayIntoNamespaces() throws IOException {
        ChildProcess child = linux.namespaces().onFreshThread("uts", () -> {
            linux.namespaces().unshare(Sched.CLONE_NEWUTS | Sched.CLONE_NEWIPC);
            return linux.processes().spawn(SpawnRequest.of("/bin/sleep", "1000").build());
        });
        try (child) {
            String theirs = namespaceOf(Integer.toString(child.pid()), "uts");
            String joined = linux.namespaces().onFreshThread("join", () -> {
                linux.namespaces().setns(child.pidfd(), Sched.CLONE_NEWUTS | Sched.CLONE_NEWIPC);
                return namespaceOf("thread-self", "uts");
            });
            assertThat(joined).isEqualTo(theirs);
            linux.processes().pidfdSendSignal(child.pidfd(), Signal.SIGKILL);
            linux.processes().waitid(child.pidfd(), Wait.WEXITED);
        }
    }

    @Test
    void aChildOfANewPidNamespaceIsItsFirstProcess() throws IOException {
        linux.namespaces().runOnFreshThread("pidns", () -> {
            linux.namespaces().unshare(Sched.CLONE_NEWPID);
            try (ChildProcess child = linux.processes()
                    .spawn(SpawnRequest.of("/bin/sh", "-c", "exit $$").build())) {
                assertThat(linux.processes().waitid(child.pidfd(), Wait.WEXITED))
                        .map(WaitStatus::status)
                        .contains(1);
            }
        });
    }

    @Test
    void aDescriptorOfAnotherProcessCanBeTaken() throws IOException {
        try (FdPair pipe = linux.polling().pipe2(0);
                ChildProcess child = linux.processes()
                        .spawn(SpawnRequest.of("/bin/sleep", "1000")
                                .descriptor(7, pipe.second())
                                .build());
                Fd taken = linux.processes().pidfdGetfd(child.pidfd(), 7)) {
            files.writeFully(taken, new byte[] {5});
            byte[] read = new byte[1];
            assertThat(files.read(pipe.first(), read, 0, 1)).isEqualTo(1);
            assertThat(read[0]).isEqualTo((byte) 5);
            linux.processes().pidfdSendSignal(child.pidfd(), Signal.SIGKILL);
            linux.processes().waitid(child.pidfd(), Wait.WEXITED);
        }
    }

    @Test
    void anExitIsKnownAfterItWasReaped() throws IOException {
        try (ChildProcess child = linux.processes()
                .spawn(SpawnRequest.of("/bin/sh", "-c", "exit 3").build())) {
            linux.processes().waitid(child.pidfd(), Wait.WEXITED);
            // kernels before 6.15 do not keep it
            linux.processes().exitOfPidfd(child.pidfd()).ifPresent(status -> {
                assertThat(status.code()).isEqualTo(Wait.CLD_EXITED);
                assertThat(status.status()).isEqualTo(3);
            });
        }
    }

    @Test
    void deviceNodesOwnersAndTrustedAttributes() throws IOException {
        try (Fd root = files.open(directory.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY)) {
            files.mknodat(root, "null", Stat.S_IFCHR | 0666, 1, 3);
            FileStatus node = files.fstatat(root, "null", Fcntl.AT_SYMLINK_NOFOLLOW);
            assertThat(node.isCharacterDevice()).isTrue();
            assertThat(node.deviceMajor()).isEqualTo(1);
            assertThat(node.deviceMinor()).isEqualTo(3);
            files.fchownat(root, "null", 1234, 5678, Fcntl.AT_SYMLINK_NOFOLLOW);
            assertThat(files.fstatat(root, "null", 0).uid()).isEqualTo(1234);
            assertThat(files.fstatat(root, "null", 0).gid()).isEqualTo(5678);
            files.lsetxattr(directory.toString(), "trusted.gantry", new byte[] {'y'}, Fcntl.XATTR_CREATE);
            assertThat(files.fgetxattr(root, "trusted.gantry")).isPresent();
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> files.fsetxattr(root, "trusted.gantry", new byte[0], Fcntl.XATTR_CREATE))
                    .matches(e -> e.is(Errno.EEXIST));
        }
    }

    @Test
    void capabilitiesAreTheThreads() throws IOException {
        Security security = linux.security();
        linux.namespaces().runOnFreshThread("capabilities", () -> {
            Security.CapabilitySets all = security.capget();
            long less = all.permitted() & ~LinuxCapability.CAP_SYS_ADMIN.mask();
            security.capset(new Security.CapabilitySets(less, less, 0));
            assertThat(security.capget().isEffective(LinuxCapability.CAP_SYS_ADMIN))
                    .isFalse();
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> linux.namespaces().unshare(Sched.CLONE_NEWUTS))
                    .withMessage("unshare(CLONE_NEWUTS): EPERM (errno 1, Operation not permitted)");
        });
        assertThat(security.capget().isEffective(LinuxCapability.CAP_SYS_ADMIN)).isTrue();
        assertThat(security.boundingSet()).contains(LinuxCapability.CAP_CHOWN);
    }

    private String namespaceOf(String process, String kind) throws ErrnoException {
        return files.readlinkat(Fd.AT_FDCWD, "/proc/" + process + "/ns/" + kind);
    }

    private void privately(Namespaces.VoidAction action) throws IOException {
        linux.namespaces().runOnFreshThread("mounts", () -> {
            linux.namespaces().unshare(Sched.CLONE_NEWNS);
            mounts.mount(null, "/", null, MountFlags.MS_REC | MountFlags.MS_PRIVATE, null);
            action.run();
        });
    }
}
