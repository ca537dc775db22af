package dev.gantry.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What of the real kernel needs no privilege. */
class SystemLinuxTest {
    private static final int NO_SUCH_PID = 0x3fffffff; // above the kernel's PID_MAX_LIMIT, 2^22

    private final Linux linux = Linux.system();
    private final FileCalls files = linux.files();

    @TempDir
    Path directory;

    @Test
    void aFailureNamesTheCallItsOperandsAndErrno() {
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> linux.processes().pidfdOpen(NO_SUCH_PID))
                .withMessage("pidfd_open(1073741823, 0): ESRCH (errno 3, No such process)")
                .extracting(ErrnoException::errno)
                .isEqualTo(Errno.ESRCH);
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> files.open("/nowhere", Fcntl.O_RDWR))
                .withMessage("open(\"/nowhere\", O_RDWR): ENOENT (errno 2, No such file or directory)");
    }

    @Test
    void aFailureBelowADescriptorNamesItsDirectory() throws IOException {
        try (Fd root = files.open(directory.toString(), Fcntl.O_PATH | Fcntl.O_DIRECTORY)) {
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> files.openat(root, "missing", Fcntl.O_RDONLY, 0))
                    .withMessage(
                            "open(fd %d<%s>, \"missing\", O_RDONLY): ENOENT (errno 2, No such file or directory)",
                            root.number(), directory);
        }
    }

    @Test
    void aClosedDescriptorIsRefusedAndClosesOnce() throws IOException {
        Fd fd = files.open("/dev/null", Fcntl.O_RDONLY);
        fd.close();
        fd.close();
        assertThatExceptionOfType(IllegalStateException.class).isThrownBy(fd::number);
    }

    @Test
    void everythingIsOpenedCloseOnExec() throws IOException {
        try (Fd fd = files.open("/dev/null", Fcntl.O_RDONLY);
                FdPair pipe = linux.polling().pipe2(0);
                FdPair pair = linux.sockets().socketpair(Socket.AF_UNIX, Socket.SOCK_SEQPACKET);
                Fd memfd = linux.memory().memfdCreate("x", 0);
                Fd copy = files.dup(fd)) {
            for (Fd each : List.of(fd, pipe.first(), pipe.second(), pair.first(), pair.second(), memfd, copy)) {
                assertThat(files.fcntl(each, Fcntl.F_GETFD, 0)).isEqualTo(Fcntl.FD_CLOEXEC);
            }
        }
    }

    @Test
    void filesAreWrittenReadAndDescribed() throws IOException {
        String path = directory.resolve("file").toString();
        byte[] large = new byte[200_000];
        large[199_999] = 7;
        try (Fd file = files.open(path, Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL, 0640)) {
            files.writeFully(file, large);
            files.pwrite(file, ByteBuffer.wrap(new byte[] {1, 2, 3}), 10);
            ByteBuffer direct = ByteBuffer.allocateDirect(5);
            direct.position(1);
            assertThat(files.pread(file, direct, 10)).isEqualTo(4);
            assertThat(direct.get(1)).isEqualTo((byte) 1);
            assertThat(direct.get(3)).isEqualTo((byte) 3);
            files.fchmod(file, 0600);
            files.futimens(file, null, Instant.ofEpochSecond(1_000_000_000, 5));
            FileStatus status = files.fstat(file);
            assertThat(status.isRegularFile()).isTrue();
            assertThat(status.size()).isEqualTo(200_000);
            assertThat(status.permissions()).isEqualTo(0600);
            assertThat(status.modificationTime()).isEqualTo(Instant.ofEpochSecond(1_000_000_000, 5));
            assertThat(status.inode()).isEqualTo(files.lstat(path).inode());
        }
        assertThat(Files.readAllBytes(Path.of(path))).hasSize(200_000).endsWith(7);
    }

    @Test
    void directoriesLinksAndNamesThatAreNotUtf8() throws IOException {
        String name = RawName.decode(new byte[] {'a', (byte) 0xff, (byte) 0xc3, (byte) 0xa4});
        try (Fd root = files.open(directory.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY)) {
            files.mkdirat(root, "d", 0755);
            files.symlinkat("d", root, "l");
            files.openat(root, name, Fcntl.O_CREAT | Fcntl.O_WRONLY, 0644).close();
            files.linkat(root, name, root, "hard", 0);
            assertThat(files.readlinkat(root, "l")).isEqualTo("d");
            assertThat(files.list(root))
                    .extracting(DirectoryEntry::name)
                    .containsExactlyInAnyOrder("d", "l", name, "hard");
            assertThat(files.list(root)).hasSize(4);
            assertThat(files.fstatat(root, "hard", 0).links()).isEqualTo(2);
            files.renameat2(root, name, root, "renamed", Fcntl.RENAME_NOREPLACE);
            files.unlinkat(root, "d", Fcntl.AT_REMOVEDIR);
            assertThat(files.list(root)).hasSize(3);
        }
    }

    @Test
    void openat2StaysInItsRoot() throws IOException {
        try (Fd root = files.open(directory.toString(), Fcntl.O_PATH | Fcntl.O_DIRECTORY)) {
            files.symlinkat("/etc/passwd", root, "escape");
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> files.openat2(root, "escape", Fcntl.O_RDONLY, 0, Fcntl.RESOLVE_IN_ROOT))
                    .matches(e -> e.is(Errno.ENOENT));
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> files.openat2(root, "../x", Fcntl.O_RDONLY, 0, Fcntl.RESOLVE_BENEATH))
                    .withMessageContaining("RESOLVE_BENEATH): EXDEV");
            files.unlinkat(root, "escape", 0);
        }
    }

    @Test
    void attributesOfFiles() throws IOException {
        String path = directory.resolve("file").toString();
        try (Fd file = files.open(path, Fcntl.O_RDWR | Fcntl.O_CREAT, 0600)) {
            assertThat(attribute(file)).isEmpty();
            files.fsetxattr(file, "user.gantry", new byte[] {1, 0, 2}, 0);
            assertThat(files.lgetxattr(path, "user.gantry")).map(List::of).isPresent();
            assertThat(files.lgetxattr(path, "user.gantry").orElseThrow()).containsExactly(1, 0, 2);
            assertThat(files.flistxattr(file)).contains("user.gantry");
            files.fsetxattr(file, "user.gantry", new byte[2000], Fcntl.XATTR_REPLACE);
            assertThat(files.fgetxattr(file, "user.gantry").orElseThrow()).hasSize(2000);
            files.fremovexattr(file, "user.gantry");
            assertThat(files.llistxattr(path)).doesNotContain("user.gantry");
        }
    }

    /** A tmpfs has attributes of users since Linux 6.6. */
    private Optional<byte[]> attribute(Fd file) throws IOException {
        try {
            return files.fgetxattr(file, "user.gantry");
        } catch (ErrnoException e) {
            Assumptions.assumeFalse(e.is(Errno.EOPNOTSUPP), directory + " has no attributes of users");
            throw e;
        }
    }

    @Test
    void aFileIsReplacedWhole() throws IOException {
        String path = directory.resolve("state").toString();
        files.replaceFile(path, "one", 0600, true);
        files.replaceFile(path, "two", 0600, false);
        assertThat(files.readSmallFile(path)).isEqualTo("two");
        assertThat(directory).isDirectoryNotContaining("glob:**.new");
    }

    @Test
    void aSmallWriteDoesNotCreateAndSaysWhatItWrote() {
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(
                        () -> files.writeSmallFile(directory.resolve("cpu.max").toString(), "max 100000"))
                .withMessageContaining("cpu.max")
                .matches(e -> e.is(Errno.ENOENT));
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void aLargeProcFileIsReadToItsEnd() throws IOException {
        String maps = files.readSmallFile("/proc/self/maps");
        assertThat(maps).contains("[stack]").endsWith("\n");
    }

    @Test
    void messagesCarryDescriptors() throws IOException {
        try (FdPair pair = linux.sockets().socketpair(Socket.AF_UNIX, Socket.SOCK_SEQPACKET);
                FdPair pipe = linux.polling().pipe2(0)) {
            linux.sockets().sendMessage(pair.first(), bytes("hello"), List.of(pipe.first(), pipe.second()));
            Sockets.Message message = linux.sockets().receiveMessage(pair.second(), 100, 2, 0);
            assertThat(message.data().array()).isEqualTo(bytes("hello"));
            assertThat(message.truncated()).isFalse();
            assertThat(message.descriptors()).hasSize(2);
            files.writeFully(message.descriptors().get(1), bytes("x"));
            assertThat(files.read(pipe.first(), new byte[10], 0, 10)).isEqualTo(1);
            message.closeDescriptors();
        }
    }

    @Test
    void aMessageThatIsTooLongOrHasTooManyDescriptorsIsMarked() throws IOException {
        try (FdPair pair = linux.sockets().socketpair(Socket.AF_UNIX, Socket.SOCK_SEQPACKET)) {
            linux.sockets().sendMessage(pair.first(), bytes("hello"), List.of());
            assertThat(linux.sockets().receiveMessage(pair.second(), 3, 0, 0))
                    .matches(Sockets.Message::truncated)
                    .extracting(m -> m.data().remaining())
                    .isEqualTo(3);
            linux.sockets().sendMessage(pair.first(), bytes("x"), List.of(pair.first(), pair.first()));
            Sockets.Message message = linux.sockets().receiveMessage(pair.second(), 3, 1, 0);
            assertThat(message.truncated()).isTrue();
            assertThat(message.descriptors()).hasSize(1);
            message.closeDescriptors();
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> linux.sockets().receiveMessage(pair.second(), 3, 0, Socket.MSG_DONTWAIT))
                    .matches(e -> e.is(Errno.EAGAIN));
            pair.first().close();
            assertThat(linux.sockets().receiveMessage(pair.second(), 3, 0, 0).isEnd())
                    .isTrue();
        }
    }

    @Test
    void unixSocketsAtPathsOfAnyLength() throws IOException {
        Path deep = Files.createDirectories(directory.resolve("a".repeat(90)).resolve("b".repeat(90)));
        String path = deep.resolve("s.sock").toString();
        try (Fd listener = linux.sockets().unixListen(path, Socket.SOCK_SEQPACKET, 1);
                Fd client = linux.sockets().unixConnect(path, Socket.SOCK_SEQPACKET);
                Fd server = linux.sockets().accept4(listener, 0)) {
            assertThat(linux.sockets().peerCredentials(client).pid())
                    .isEqualTo(linux.processes().getpid());
            linux.sockets().sendMessage(client, bytes("ping"), List.of());
            assertThat(linux.sockets().receiveMessage(server, 10, 0, 0).data().remaining())
                    .isEqualTo(4);
        }
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> linux.sockets().unixConnect(path, Socket.SOCK_SEQPACKET))
                .withMessageContaining(path)
                .matches(e -> e.is(Errno.ECONNREFUSED));
    }

    @Test
    void aChildRunsWithOnlyTheDescriptorsAndEnvironmentGiven() throws IOException {
        try (FdPair pipe = linux.polling().pipe2(0);
                Fd leaked = files.open("/dev/zero", Fcntl.O_RDONLY)) {
            files.fcntl(leaked, Fcntl.F_SETFD, 0);
            SpawnRequest request = SpawnRequest.of("/bin/sh", "-c", "echo $A $HOME; ls /proc/self/fd | tr '\\n' ' '")
                    .environment("A=b")
                    .descriptor(1, pipe.second())
                    .build();
            try (ChildProcess child = linux.processes().spawn(request)) {
                pipe.second().close();
                String[] output = readAll(pipe.first()).split("\n", -1);
                assertThat(output[0]).isEqualTo("b");
                // 0 1 2 and the directory that ls itself has open
                assertThat(output[1].strip()).isEqualTo("0 1 2 3");
                Optional<WaitStatus> end = linux.processes().waitid(child.pidfd(), Wait.WEXITED);
                assertThat(end).map(WaitStatus::exitCode).contains(0);
                assertThat(end).map(WaitStatus::pid).contains(child.pid());
            }
        }
    }

    @Test
    void aChildHasDefaultSignalDispositionsAndAnEmptyMask() throws IOException {
        String status = outputOf("/bin/cat", "/proc/self/status");
        for (String set : List.of("SigBlk", "SigIgn", "SigCgt")) {
            assertThat(status).contains(set + ":\t0000000000000000");
        }
    }

    @Test
    void descriptorsMaySwapTheirNumbers() throws IOException {
        try (FdPair pipe = linux.polling().pipe2(0);
                Fd source = files.open("/etc/hostname", Fcntl.O_RDONLY)) {
            // each source's own number is the other's target
            int a = pipe.second().number();
            int b = source.number();
            SpawnRequest request = SpawnRequest.of("/bin/sh", "-c", "cat /proc/self/fd/" + a + " > /proc/self/fd/" + b)
                    .descriptor(a, source)
                    .descriptor(b, pipe.second())
                    .build();
            try (ChildProcess child = linux.processes().spawn(request)) {
                pipe.second().close();
                assertThat(readAll(pipe.first())).isEqualTo(Files.readString(Path.of("/etc/hostname")));
                linux.processes().waitid(child.pidfd(), Wait.WEXITED);
            }
        }
    }

    @Test
    void aProgramThatDoesNotExistIsAnErrorOfTheSpawn() {
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> linux.processes()
                        .posixSpawn(SpawnRequest.of("/nowhere", "x").build()))
                .withMessage("posix_spawn(\"/nowhere\", [/nowhere, x]): ENOENT (errno 2, No such file or directory)");
    }

    @Test
    void aSealedProgramRunsAndCannotBeChanged() throws IOException {
        byte[] program = Files.readAllBytes(Path.of("/bin/true").toRealPath());
        try (Fd memfd = linux.memory().sealedProgram("true", program)) {
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> files.pwrite(memfd, ByteBuffer.wrap(new byte[1]), 0))
                    .matches(e -> e.is(Errno.EPERM));
            assertThat(linux.memory().getSeals(memfd) & Fcntl.F_SEAL_SEAL).isEqualTo(Fcntl.F_SEAL_SEAL);
            SpawnRequest request = SpawnRequest.of(memfd, "true").build();
            try (ChildProcess child = linux.processes().spawn(request)) {
                assertThat(linux.processes().waitid(child.pidfd(), Wait.WEXITED))
                        .map(WaitStatus::exitCode)
                        .contains(0);
            }
        }
    }

    @Test
    void aPidfdSignalsWaitsAndKnowsItsPid() throws IOException {
        try (ChildProcess child =
                linux.processes().spawn(SpawnRequest.of("/bin/sleep", "1000").build())) {
            assertThat(linux.processes().pidOfPidfd(child.pidfd())).hasValue(child.pid());
            assertThat(linux.processes().waitid(child.pidfd(), Wait.WEXITED | Wait.WNOHANG))
                    .isEmpty();
            linux.processes().pidfdSendSignal(child.pidfd(), Signal.SIGTERM);
            assertThat(linux.polling().poll(child.pidfd(), Poll.EPOLLIN, 10_000))
                    .isEqualTo(Poll.EPOLLIN);
            assertThat(linux.processes().waitid(child.pidfd(), Wait.WEXITED))
                    .contains(new WaitStatus(child.pid(), Wait.CLD_KILLED, Signal.SIGTERM));
            assertThat(linux.processes().pidOfPidfd(child.pidfd())).isEmpty();
        }
    }

    @Test
    void aFreshThreadEndsWithItsActionAndPassesErrorsOn() throws IOException {
        Thread thread = linux.namespaces().onFreshThread("fresh", Thread::currentThread);
        assertThat(thread)
                .isNotSameAs(Thread.currentThread())
                .matches(t -> t.getName().equals("fresh"));
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> linux.namespaces().onFreshThread("fresh", () -> files.open("/nowhere", 0)))
                .matches(e -> e.is(Errno.ENOENT));
    }

    @Test
    void aThreadThatOthersUseCannotChangeItsNamespaces() {
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> linux.namespaces().unshare(Sched.CLONE_NEWNET | Sched.CLONE_NEWUTS))
                .withMessageStartingWith("unshare(CLONE_NEWUTS|CLONE_NEWNET) on thread");
    }

    @Test
    void inotifyTellsWhatChanged() throws IOException {
        try (Fd inotify = linux.polling().inotifyInit()) {
            int watch = linux.polling()
                    .inotifyAddWatch(inotify, directory.toString(), Poll.IN_CLOSE_WRITE | Poll.IN_DELETE);
            assertThat(linux.polling().readInotify(inotify)).isEmpty();
            Files.writeString(directory.resolve("x"), "x");
            Files.delete(directory.resolve("x"));
            assertThat(linux.polling().readInotify(inotify))
                    .extracting(Polling.InotifyEvent::watch, Polling.InotifyEvent::mask, Polling.InotifyEvent::name)
                    .containsExactly(tuple(watch, Poll.IN_CLOSE_WRITE, "x"), tuple(watch, Poll.IN_DELETE, "x"));
        }
    }

    @Test
    void aTimerExpires() throws IOException {
        try (Fd timer = linux.polling().timerfdCreate(Poll.CLOCK_MONOTONIC)) {
            linux.polling().timerfdSettime(timer, Duration.ofMillis(1));
            assertThat(linux.polling().poll(timer, Poll.EPOLLIN, 10_000)).isEqualTo(Poll.EPOLLIN);
        }
    }

    @Test
    void capabilitiesAndSeccompAreReadable() throws IOException {
        assertThat(linux.security().capget().permitted()).isEqualTo(permittedByProc());
        assertThat(linux.security().isSeccompActionAvailable(Prctl.SECCOMP_RET_ERRNO))
                .isTrue();
        assertThat(linux.security().isSeccompActionAvailable(0x12345678)).isFalse();
        assertThat(linux.security().prctl(Prctl.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0))
                .isBetween(0, 1);
    }

    @Test
    void mountsAndFileSystemsAreReadable() throws IOException {
        MountInfo proc = MountInfo.of("/proc/self", linux.mounts().mountInfo()).orElseThrow();
        assertThat(proc.fileSystemType()).isEqualTo("proc");
        assertThat(files.statfs("/proc").type()).isEqualTo(Stat.PROC_SUPER_MAGIC);
        assertThat(files.statfs(directory.toString()).totalBytes()).isPositive();
    }

    @Test
    void posixByJnrAgreesWithTheRawCalls() throws IOException {
        assertThat(linux.posix().geteuid()).isEqualTo(linux.processes().geteuid());
        assertThat(linux.posix().getrlimit(ResourceLimit.RLIMIT_NOFILE))
                .isEqualTo(linux.processes().getrlimit(0, ResourceLimit.RLIMIT_NOFILE));
        assertThat(linux.posix().user(0)).map(Posix.User::name).contains("root");
        assertThat(linux.posix().user("nobody-of-that-name")).isEmpty();
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> linux.posix().kill(NO_SUCH_PID, 0))
                .matches(e -> e.is(Errno.ESRCH));
    }

    private long permittedByProc() throws IOException {
        String status = files.readSmallFile("/proc/thread-self/status");
        int at = status.indexOf("CapPrm:\t") + 8;
        return Long.parseUnsignedLong(status.substring(at, at + 16), 16);
    }

    private String outputOf(String program, String... arguments) throws IOException {
        try (FdPair pipe = linux.polling().pipe2(0)) {
            SpawnRequest request = SpawnRequest.of(program, arguments)
                    .descriptor(1, pipe.second())
                    .build();
            try (ChildProcess child = linux.processes().spawn(request)) {
                pipe.second().close();
                String output = readAll(pipe.first());
                linux.processes().waitid(child.pidfd(), Wait.WEXITED);
                return output;
            }
        }
    }

    private String readAll(Fd file) throws IOException {
        StringBuilder text = new StringBuilder();
        byte[] buffer = new byte[4096];
        for (int count = files.read(file, buffer, 0, 4096); count > 0; count = files.read(file, buffer, 0, 4096)) {
            text.append(new String(buffer, 0, count, StandardCharsets.UTF_8));
        }
        return text.toString();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
