package dev.gantry.runtime.pause;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.linux.Errno;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FdPair;
import dev.gantry.linux.Poll;
import dev.gantry.linux.Signal;
import dev.gantry.runtime.program.Program;
import dev.gantry.runtime.program.ProgramBuilder;
import dev.gantry.runtime.program.ProgramFailedException;
import dev.gantry.runtime.program.StepResult;
import dev.gantry.runtime.program.Value;
import dev.gantry.testing.RequiresRoot;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresRoot
class PauseIT {
    private static final long MAX_RESIDENT_KIB = 200;

    @TempDir
    Path directory;

    @Test
    void aContainerRunsInItsNamespacesLogsAndExits() throws Exception {
        try (TestPod pod = TestPod.launch(directory)) {
            Started started = pod.start("c1", "hostname; echo $$; ls /proc | grep -c '^[0-9]'; echo bad >&2; exit 3");

            ProcessExit exit = pod.awaitExit("c1");

            assertThat(exit.exitCode()).isEqualTo(3);
            assertThat(exit.signal()).isZero();
            assertThat(exit.startedAt()).isEqualTo(started.startedAt()).isBeforeOrEqualTo(exit.finishedAt());
            assertThat(pod.lines("c1"))
                    .containsExactlyInAnyOrder("stdout F test-pod", "stdout F 1", "stdout F 3", "stderr F bad");
            started.pidfd().close();
        }
    }

    @Test
    void pauseIsTheFirstProcessOfThePodAndPinsNoMountOfTheHost() throws Exception {
        List<String> before = Files.readAllLines(Path.of("/proc/self/mountinfo"));
        try (TestPod pod = TestPod.launch(directory)) {
            Path proc = Path.of("/proc/" + pod.pause().pid());

            assertThat(Files.readString(proc.resolve("status"))).containsPattern("NSpid:\\s+\\d+\\s+1\n");
            assertThat(Files.readAllLines(proc.resolve("mountinfo")))
                    .hasSize(2)
                    .anySatisfy(line -> assertThat(line).contains(" / / ro,nosuid,nodev,noexec"))
                    .anySatisfy(line -> assertThat(line)
                            .contains(" /shm rw,nosuid,nodev,noexec")
                            .contains("size=65536k"));
            // Others may mount things of their own meanwhile.
            assertThat(Files.readAllLines(Path.of("/proc/self/mountinfo")))
                    .filteredOn(line -> !before.contains(line))
                    .noneMatch(line -> line.contains(" - tmpfs pause ") || line.contains(" /proc/shm "));
            try (Fd network = pod.pause().namespace("net")) {
                assertThat(pod.linux.files().fstat(network).inode())
                        .isNotEqualTo(pod.linux
                                .files()
                                .fstatat(Fd.AT_FDCWD, "/proc/self/ns/net", 0)
                                .inode());
            }
        }
    }

    @Test
    void pauseIsSmall() throws Exception {
        try (TestPod pod = TestPod.launch(directory)) {
            pod.start("c1", "echo hello").pidfd().close();
            pod.awaitExit("c1");
            String memory = Files.readString(Path.of("/proc/" + pod.pause().pid() + "/smaps_rollup"));

            assertThat(kib(memory, "Rss")).isLessThan(MAX_RESIDENT_KIB);
            assertThat(Files.readString(Path.of("/proc/" + pod.pause().pid() + "/status")))
                    .containsPattern("Threads:\\s+1\n");
        }
    }

    private static long kib(String smaps, String field) {
        Matcher line = Pattern.compile(field + ":\\s+(\\d+) kB").matcher(smaps);
        assertThat(line.find()).isTrue();
        return Long.parseLong(line.group(1));
    }

    @Test
    void aSignalThatEndsAProcessIsItsExit() throws Exception {
        try (TestPod pod = TestPod.launch(directory);
                Fd process = pod.start("c1", "sleep 1000").pidfd()) {
            pod.linux.processes().pidfdSendSignal(process, Signal.SIGKILL);

            assertThat(pod.awaitExit("c1").signal()).isEqualTo(Signal.SIGKILL);
            assertThat(pod.linux.processes().pidOfPidfd(process)).isEmpty();
        }
    }

    @Test
    void noSignalButSigkillEndsPause() throws Exception {
        try (TestPod pod = TestPod.launch(directory)) {
            for (int signal = 1; signal <= Signal.SIGRTMAX; signal++) {
                if (signal != Signal.SIGKILL && signal != Signal.SIGSTOP) {
                    pod.linux.processes().pidfdSendSignal(pod.pause().pidfd(), signal);
                }
            }

            assertThat(PauseConnection.await(pod.pause().processes())).isEmpty();
        }
    }

    @Test
    void aFailingStepIsNamed() throws Exception {
        try (TestPod pod = TestPod.launch(directory)) {
            ProgramBuilder program = pod.inHostFiles();
            program.mount("none", "/no/such/place", "tmpfs", 0, null).named("mount tmpfs on /no/such/place");
            program.execve("/bin/true", List.of("true"), List.of());
            ProcessSpec spec = withHostMounts(pod, "c1", program);

            assertThatExceptionOfType(ProgramFailedException.class)
                    .isThrownBy(() -> PauseConnection.await(pod.pause().start(spec)))
                    .withMessage("step 4, mount tmpfs on /no/such/place: ENOENT (No such file or directory)");
            assertThat(PauseConnection.await(pod.pause().processes())).isEmpty();
        }
    }

    private static ProcessSpec withHostMounts(TestPod pod, String id, ProgramBuilder program) {
        List<Fd> fds =
                pod.container("x", "", new Stdio.Terminal(), Optional.empty()).fds();
        return new ProcessSpec(
                id, program.build(), fds, new Stdio.Logged(false, Optional.empty()), 0, Optional.empty());
    }

    @Test
    void toleratedErrorsAreReported() throws Exception {
        try (TestPod pod = TestPod.launch(directory)) {
            ProgramBuilder program = pod.inHostFiles();
            program.chdir("/no/such/directory").tolerate(Errno.ENOENT);
            program.mkdirat(Value.AT_FDCWD, "/proc", 0755).ignore(Errno.EEXIST);
            program.execvp("true", List.of("/nowhere", "/bin"), List.of("true"), List.of());

            Started started = PauseConnection.await(pod.pause().start(withHostMounts(pod, "c1", program)));

            assertThat(started.tolerated()).containsExactly(new StepResult(3, Errno.ENOENT.number()));
            started.pidfd().close();
        }
    }

    @Test
    void aProgramThatHangsIsGivenUpAndItsStepIsKnown() throws Exception {
        try (TestPod pod = new TestPod(directory, Duration.ofMillis(300))) {
            pod.launch(TestPod.ALL, Optional.empty());
            FdPair pipe = pod.linux.polling().pipe2(0);
            ProgramBuilder program = Program.builder();
            Value never = program.passedFd("pipe");
            program.umask(0);
            program.read(never, program.buffer(8, "nothing")).named("wait for nothing");
            ProcessSpec spec = new ProcessSpec(
                    "c1",
                    program.build(),
                    List.of(pipe.first()),
                    new Stdio.Logged(false, Optional.empty()),
                    0,
                    Optional.empty());

            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> PauseConnection.await(pod.pause().start(spec)))
                    .withMessageContaining("did not answer within PT0.3S");

            ProcessState state = PauseConnection.await(pod.pause().processes()).get(0);
            assertThat(state.phase()).isEqualTo(ProcessState.Phase.STARTING);
            assertThat(state.step()).contains(new StepResult(1, 0));
            state.pidfd().ifPresent(Fd::close);
            pipe.close();
        }
    }

    @Test
    void aSetupThatFailsLeavesNothing() throws Exception {
        try (TestPod pod = new TestPod(directory)) {
            ProgramBuilder setup = Program.builder();
            PauseSetup.addSysctl(setup, "net.ipv4.no_such_thing", "1");
            PauseSpec spec = new PauseSpec(
                    pod.socket(), TestPod.ALL, Optional.empty(), Optional.empty(), setup.build(), List.of());

            assertThatExceptionOfType(ProgramFailedException.class)
                    .isThrownBy(() -> pod.launch(spec))
                    .withMessage("step 1, open sysctl net.ipv4.no_such_thing: ENOENT (No such file or directory)");
            assertThat(pod.socket()).doesNotExist();
        }
    }

    @Test
    void sysctlsAreThePods() throws Exception {
        String name = "net.ipv4.ip_unprivileged_port_start";
        String host = Files.readString(Path.of("/proc/sys/net/ipv4/ip_unprivileged_port_start"));
        try (TestPod pod = new TestPod(directory)) {
            ProgramBuilder setup = Program.builder();
            PauseSetup.addSysctl(setup, name, "77");
            PauseSetup.addTinyRoot(setup, 1 << 20, Optional.empty(), "");
            pod.launch(new PauseSpec(
                    pod.socket(), TestPod.ALL, Optional.empty(), Optional.empty(), setup.build(), List.of()));

            pod.start("c1", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start")
                    .pidfd()
                    .close();
            pod.awaitExit("c1");

            assertThat(pod.lines("c1")).containsExactly("stdout F 77");
            assertThat(Files.readString(Path.of("/proc/sys/net/ipv4/ip_unprivileged_port_start")))
                    .isEqualTo(host);
        }
    }

    @Test
    void sharedMemoryIsThePods() throws Exception {
        try (TestPod pod = TestPod.launch(directory)) {
            for (String script : List.of("echo shared > /dev/shm/file", "cat /dev/shm/file; stat -f -c %T /dev/shm")) {
                String id = "c" + script.length();
                ProgramBuilder program = Program.builder();
                Value host = program.passedFd("host mounts");
                Value shm = program.openTree(Value.AT_FDCWD, PauseSetup.SHM, 1).result("shm");
                program.setns(host, 0x20000);
                program.unshare(0x20000);
                program.mount(null, "/", null, 0x4000 | 0x40000, null);
                program.mount("tmpfs", "/dev/shm", "tmpfs", 0, null)
                        .ignore(Errno.ENOENT); // a mount point of this machine, covered in the copy
                program.moveMount(shm, "", Value.AT_FDCWD, "/dev/shm", 4);
                program.execve("/bin/sh", List.of("sh", "-c", script), List.of("PATH=/bin:/usr/bin"));
                List<Fd> fds = pod.container("x", "", new Stdio.Terminal(), Optional.empty())
                        .fds();
                try (Fd log = pod.openLog(id)) {
                    PauseConnection.await(pod.pause()
                                    .start(new ProcessSpec(
                                            id,
                                            program.build(),
                                            fds,
                                            new Stdio.Logged(false, Optional.of(log)),
                                            0,
                                            Optional.empty())))
                            .pidfd()
                            .close();
                }
                assertThat(pod.awaitExit(id).exitCode()).isZero();
                if (script.startsWith("cat")) {
                    assertThat(pod.lines(id)).containsExactly("stdout F shared", "stdout F tmpfs");
                }
            }
        }
        assertThat(Path.of("/dev/shm/file")).doesNotExist();
    }

    @Test
    void aNewAgentFindsWhatRunsAndWhatEndedMeanwhile() throws Exception {
        try (TestPod pod = TestPod.launch(directory)) {
            Path go = directory.resolve("go");
            Started running =
                    pod.start("running", "echo one; while [ ! -e " + go + " ]; do sleep 0.01; done; echo two; exit 6");
            Started ending = pod.start("ending", "exit 9");
            pod.awaitExit("ending");
            int pid = pod.linux.processes().pidOfPidfd(running.pidfd()).orElseThrow();
            pod.pause().close();

            Pause again = pod.reconnect();
            List<ProcessState> states = PauseConnection.await(again.processes());

            assertThat(states).extracting(ProcessState::id).containsExactly("running", "ending");
            assertThat(pod.linux.processes().pidOfPidfd(states.get(0).pidfd().orElseThrow()))
                    .hasValue(pid);
            assertThat(states.get(0).startedAt()).contains(running.startedAt());
            assertThat(states.get(1).exit().orElseThrow().exitCode()).isEqualTo(9);
            PauseConnection.await(again.acknowledge("ending"));
            assertThat(again.acknowledge("ending"))
                    .failsWithin(5, TimeUnit.SECONDS)
                    .withThrowableThat()
                    .havingCause()
                    .matches(Pause::isUnknown)
                    .withMessage("acknowledge ending, request: ESRCH (No such process)");
            Files.createFile(go);
            assertThat(pod.awaitExit("running").exitCode()).isEqualTo(6);
            assertThat(pod.lines("running")).containsExactly("stdout F one", "stdout F two");
            running.pidfd().close();
            ending.pidfd().close();
            states.get(0).pidfd().ifPresent(Fd::close);
        }
    }

    @Test
    void theNewestConnectionWins() throws Exception {
        try (TestPod pod = TestPod.launch(directory);
                Pause older = pod.pause()) {
            pod.reconnect();

            assertThat(pod.disconnections.poll(10, TimeUnit.SECONDS)).isEmpty();
            assertThat(older.processes()).failsWithin(5, TimeUnit.SECONDS);
            assertThat(PauseConnection.await(pod.pause().processes())).isEmpty();
        }
    }

    @Test
    void aHundredMegabytesAreLoggedToTheByteWhileTheLogIsRotated() throws Exception {
        Path source = directory.resolve("source");
        int sourceLines = 1_000_000;
        Random random = new Random(42);
        try (var out = Files.newBufferedWriter(source)) {
            for (int i = 0; i < sourceLines; i++) {
                out.append(Long.toHexString(random.nextLong()).repeat(random.nextInt(14)))
                        .append('\n');
            }
        }
        try (TestPod pod = TestPod.launch(directory)) {
            List<String> logs = new ArrayList<>(List.of("r0"));
            try (Fd log = pod.openLog("r0")) {
                pod.start("c1", "cat " + source, new Stdio.Logged(false, Optional.of(log)))
                        .pidfd()
                        .close();
            }
            while (logs.size() < 30 && !pod.hasExited("c1")) {
                // each of them in the middle of the output, however slowly it comes
                if (pod.log(logs.get(logs.size() - 1)).toFile().length() == 0) {
                    Thread.onSpinWait();
                    continue;
                }
                String next = "r" + logs.size();
                try (Fd log = pod.openLog(next)) {
                    PauseConnection.await(pod.pause().rotate("c1", Optional.of(log)));
                }
                logs.add(next);
            }
            ProcessExit exit = pod.awaitExit("c1");

            assertThat(exit.exitCode()).isZero();
            assertThat(exit.log().lostBytes()).isZero();
            assertThat(logs)
                    .filteredOn(name -> pod.log(name).toFile().length() > 0)
                    .hasSizeGreaterThan(1);
            try (BufferedReader expected = Files.newBufferedReader(source)) {
                for (String name : logs) {
                    try (BufferedReader found = Files.newBufferedReader(pod.log(name))) {
                        for (String line = found.readLine(); line != null; line = found.readLine()) {
                            // the time stamp has 30 characters
                            if (!line.substring(31).equals("stdout F " + expected.readLine())) {
                                throw new AssertionError(name + ": " + line);
                            }
                        }
                    }
                }
                assertThat(expected.readLine()).isNull();
            }
        }
    }

    @Test
    void aFullFileSystemLosesLinesAndSaysSoButNeverStopsTheContainer() throws Exception {
        Path small = Files.createDirectory(directory.resolve("small"));
        try (TestPod pod = TestPod.launch(directory)) {
            pod.linux.mounts().mount("small", small.toString(), "tmpfs", 0, "size=64k");
            try {
                String file = small.resolve("c1.log").toString();
                try (Fd log = pod.linux.files().open(file, Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_APPEND, 0600)) {
                    pod.start(
                                    "c1",
                                    "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done",
                                    new Stdio.Logged(false, Optional.of(log)))
                            .pidfd()
                            .close();
                }
                ProcessExit exit = pod.awaitExit("c1");

                List<String> kept = Files.readAllLines(Path.of(file));
                assertThat(exit.exitCode()).isZero();
                assertThat(exit.log().failure()).contains(Errno.ENOSPC);
                assertThat(kept.size() + exit.log().lostLines()).isEqualTo(2000);
                assertThat(kept.get(kept.size() - 1)).endsWith("stdout F line " + (kept.size() - 1));
                assertThat(pod.logChanges.poll(5, TimeUnit.SECONDS).failure()).contains(Errno.ENOSPC);
            } finally {
                pod.linux.mounts().umount2(small.toString(), 2);
            }
        }
    }

    @Test
    void anExecRunsInsideTheContainer() throws Exception {
        try (TestPod pod = TestPod.launch(directory);
                Fd container = pod.start("c1", "exec sleep 1000").pidfd()) {
            String output = pod.output(
                    "e1", container, "until grep sleep /proc/1/comm; do :; done; hostname; echo done >&2; exit 5");

            assertThat(output).isEqualTo("sleep\ntest-pod\ndone\n");
            assertThat(pod.awaitExit("e1").exitCode()).isEqualTo(5);
            PauseConnection.await(pod.pause().acknowledge("e1"));
        }
    }

    @Test
    void anExecWithATerminal() throws Exception {
        try (TestPod pod = TestPod.launch(directory);
                Fd container = pod.start("c1", "exec sleep 1000").pidfd()) {
            Started exec = PauseConnection.await(pod.pause()
                    .start(pod.exec(
                            "e1",
                            container,
                            "tty >/dev/null && read x && echo got $x",
                            new Stdio.Terminal(),
                            Optional.empty())));
            try (Fd terminal = exec.terminal().orElseThrow()) {
                pod.linux.files().writeFully(terminal, "word\n".getBytes(StandardCharsets.US_ASCII));

                assertThat(pod.readAll(terminal)).isEqualTo("word\r\ngot word\r\n");
                assertThat(pod.awaitExit("e1").exitCode()).isZero();
            }
            exec.pidfd().close();
        }
    }

    @Test
    void aContainersTerminalIsLoggedAttachedAndResized() throws Exception {
        try (TestPod pod = TestPod.launch(directory);
                Fd log = pod.openLog("c1")) {
            ProgramBuilder program = pod.inHostFiles();
            program.setsid();
            TestPod.addTerminal(program);
            program.execve(
                    "/bin/sh",
                    List.of("sh", "-c", "read x; stty size; echo $x; exit 4"),
                    List.of("PATH=/bin:/usr/bin"));
            List<Fd> fds = pod.container("x", "", new Stdio.Terminal(), Optional.empty())
                    .fds();
            PauseConnection.await(pod.pause()
                            .start(new ProcessSpec(
                                    "c1",
                                    program.build(),
                                    fds,
                                    new Stdio.LoggedTerminal(Optional.of(log)),
                                    0,
                                    Optional.empty())))
                    .pidfd()
                    .close();
            FdPair copy = pod.linux.polling().pipe2(0);
            PauseConnection.await(pod.pause().attach("c1", Optional.of(copy.second()), Optional.empty()));
            copy.second().close();
            PauseConnection.await(pod.pause().resize("c1", 40, 132));
            try (Fd terminal = PauseConnection.await(pod.pause().stdin("c1"))) {
                pod.linux.files().writeFully(terminal, new byte[] {'h', 'i', '\n'});
            }

            assertThat(pod.awaitExit("c1").exitCode()).isEqualTo(4);
            assertThat(pod.lines("c1")).containsExactly("stdout F hi", "stdout F 40 132", "stdout F hi");
            assertThat(pod.readAll(copy.first())).isEqualTo("hi\r\n40 132\r\nhi\r\n");
            copy.close();
        }
    }

    @Test
    void whoeverIsAttachedHearsOfAnEndThatPauseSeesTogetherWithTheOutput() throws Exception {
        try (TestPod pod = TestPod.launch(directory);
                Fd log = pod.openLog("c1")) {
            Started started = pod.start("c1", "read x; echo bye", new Stdio.Logged(true, Optional.of(log)));
            FdPair copy = pod.linux.polling().pipe2(0);
            PauseConnection.await(pod.pause().attach("c1", Optional.of(copy.second()), Optional.empty()));
            copy.second().close();
            try (Fd in = PauseConnection.await(pod.pause().stdin("c1"))) {
                pod.linux.processes().kill(pod.pause().pid(), Signal.SIGSTOP);
                pod.linux.files().writeFully(in, new byte[] {'\n'});
                // Readable once it has ended.
                int events = pod.linux
                        .polling()
                        .poll(started.pidfd(), Poll.EPOLLIN, Math.toIntExact(TestPod.DEADLINE.toMillis()));
                assertThat(events).isEqualTo(Poll.EPOLLIN);
                pod.linux.processes().kill(pod.pause().pid(), Signal.SIGCONT);
            }
            started.pidfd().close();

            CompletableFuture<String> all = CompletableFuture.supplyAsync(() -> read(pod, copy.first()));
            assertThat(all.get(TestPod.DEADLINE.toSeconds(), TimeUnit.SECONDS)).isEqualTo("bye\n");
            assertThat(pod.awaitExit("c1").exitCode()).isZero();
            copy.close();
        }
    }

    private static String read(TestPod pod, Fd file) {
        try {
            return pod.readAll(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void inputReachesTheContainerAndEnds() throws Exception {
        try (TestPod pod = TestPod.launch(directory);
                Fd log = pod.openLog("c1")) {
            pod.start("c1", "cat; echo end", new Stdio.Logged(true, Optional.of(log)))
                    .pidfd()
                    .close();
            try (Fd in = PauseConnection.await(pod.pause().stdin("c1"))) {
                pod.linux.files().writeFully(in, new byte[] {'a', '\n'});
            }
            PauseConnection.await(pod.pause().closeStdin("c1"));

            assertThat(pod.awaitExit("c1").exitCode()).isZero();
            assertThat(pod.lines("c1")).containsExactly("stdout F a", "stdout F end");
        }
    }

    @Test
    void theEndOfPauseIsTheEndOfThePod() throws Exception {
        try (TestPod pod = TestPod.launch(directory);
                Fd first = pod.start("c1", "trap '' TERM INT; sleep 1000 & sleep 1000")
                        .pidfd();
                Fd second = pod.start("c2", "exec sleep 1000").pidfd()) {
            pod.pause().kill();

            pod.awaitEnd(first);
            pod.awaitEnd(second);
            pod.awaitEnd(pod.pause().pidfd());
            assertThat(pod.disconnections.poll(10, TimeUnit.SECONDS)).isEmpty();
            assertThat(pod.pause().processes()).failsWithin(5, TimeUnit.SECONDS);
        }
    }

    @Test
    void withTheHostsPidNamespacePauseAdoptsOrphans() throws Exception {
        Set<PodNamespace> namespaces = EnumSet.complementOf(EnumSet.of(PodNamespace.PID));
        try (TestPod pod = new TestPod(directory)) {
            pod.launch(namespaces, Optional.empty());
            ProcessSpec spec = pod.container(
                    "c1",
                    "(sh -c 'sleep 0.2; echo orphan of $PPID' &); echo $$",
                    new Stdio.Logged(false, Optional.empty()),
                    Optional.empty());
            try (Fd log = pod.openLog("c1")) {
                Started started = PauseConnection.await(pod.pause()
                        .start(new ProcessSpec(
                                "c1",
                                spec.program(),
                                spec.fds(),
                                new Stdio.Logged(false, Optional.of(log)),
                                0,
                                Optional.empty())));
                started.pidfd().close();
            }
            assertThat(pod.awaitExit("c1").exitCode()).isZero();
            // its output is logged although its container has ended
            while (pod.lines("c1").size() < 2) {
                Thread.onSpinWait();
            }
            assertThat(pod.lines("c1").get(0)).matches("stdout F [1-9]\\d+");
            String children =
                    "/proc/" + pod.pause().pid() + "/task/" + pod.pause().pid() + "/children";
            while (!Files.readString(Path.of(children)).isBlank()) {
                Thread.onSpinWait();
            }
            assertThat(PauseConnection.await(pod.pause().processes()))
                    .extracting(ProcessState::phase)
                    .containsExactly(ProcessState.Phase.EXITED);
        }
    }

    @Test
    void aSlowReaderIsCutAndTheContainerGoesOn() throws Exception {
        try (TestPod pod = TestPod.launch(directory);
                Fd log = pod.openLog("c1")) {
            FdPair copy = pod.linux.polling().pipe2(0);
            pod.start("c1", "read x; seq 1 100000", new Stdio.Logged(true, Optional.of(log)))
                    .pidfd()
                    .close();
            PauseConnection.await(pod.pause().attach("c1", Optional.of(copy.second()), Optional.empty()));
            try (Fd in = PauseConnection.await(pod.pause().stdin("c1"))) {
                pod.linux.files().writeFully(in, new byte[] {'\n'});
            }

            assertThat(pod.cuts.poll(20, TimeUnit.SECONDS)).isEqualTo("c1");
            assertThat(pod.awaitExit("c1").exitCode()).isZero();
            assertThat(pod.lines("c1")).hasSize(100_000);
            copy.close();
        }
    }

    @Test
    void launchesLeaveNothingBehindInTheAgent() throws Exception {
        int descriptors = 0;
        for (int i = 0; i < 12; i++) {
            Path own = Files.createDirectory(directory.resolve("p" + i));
            try (TestPod pod = TestPod.launch(own)) {
                pod.start("c1", "true").pidfd().close();
                pod.awaitExit("c1");
            }
            int now = directoryEntries("/proc/self/fd");
            descriptors = i < 2 ? now : descriptors;
            assertThat(now).as("descriptors after launch " + i).isLessThanOrEqualTo(descriptors);
        }
    }

    private static int directoryEntries(String path) throws IOException {
        try (var entries = Files.list(Path.of(path))) {
            return (int) entries.count();
        }
    }
}
