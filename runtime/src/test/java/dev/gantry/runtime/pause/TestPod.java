package dev.gantry.runtime.pause;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FdPair;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Poll;
import dev.gantry.linux.Sched;
import dev.gantry.runtime.program.Program;
import dev.gantry.runtime.program.ProgramBuilder;
import dev.gantry.runtime.program.Value;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A pod of the real kernel whose containers are shells in the host's file system. */
final class TestPod implements PauseListener, AutoCloseable {
    static final Duration DEADLINE = Duration.ofSeconds(60);
    static final Set<PodNamespace> ALL = EnumSet.allOf(PodNamespace.class);
    private static final List<String> ENVIRONMENT = List.of("PATH=/usr/local/bin:/usr/bin:/bin");
    private static final long TIOCSPTLCK = 0x40045431L;
    private static final long TIOCGPTPEER = 0x5441;
    private static final long TIOCSCTTY = 0x540e;

    final Linux linux = Linux.system();
    final Path directory;
    final List<Throwable> errors = new ArrayList<>();
    private final EventLoop loop;
    final NativePauseLauncher launcher;
    private final Fd hostMounts;
    private final Map<String, BlockingQueue<ProcessExit>> exits = new ConcurrentHashMap<>();
    final BlockingQueue<LogHealth> logChanges = new LinkedBlockingQueue<>();
    final BlockingQueue<String> cuts = new LinkedBlockingQueue<>();
    final BlockingQueue<Optional<IOException>> disconnections = new LinkedBlockingQueue<>();
    private @Nullable Pause pause;

    TestPod(Path directory) throws IOException {
        this(directory, DEADLINE);
    }

    TestPod(Path directory, Duration deadline) throws IOException {
        this.directory = directory;
        this.loop = EventLoop.start(linux, "pause-test", (name, error) -> errors.add(error));
        this.launcher = NativePauseLauncher.open(linux, loop, deadline);
        this.hostMounts = linux.files().open("/proc/self/ns/mnt", Fcntl.O_RDONLY);
    }

    static TestPod launch(Path directory) throws IOException {
        TestPod pod = new TestPod(directory);
        pod.launch(ALL, Optional.empty());
        return pod;
    }

    Path socket() {
        return directory.resolve("pause.sock");
    }

    Pause launch(Set<PodNamespace> namespaces, Optional<Fd> cgroup) throws IOException {
        ProgramBuilder setup = Program.builder();
        if (namespaces.contains(PodNamespace.UTS)) {
            setup.sethostname("test-pod");
        }
        PauseSetup.addTinyRoot(setup, 64 << 20, Optional.empty(), "");
        return launch(new PauseSpec(socket(), namespaces, Optional.empty(), cgroup, setup.build(), List.of()));
    }

    Pause launch(PauseSpec spec) throws IOException {
        pause = launcher.launch(spec, this);
        return pause;
    }

    /** As a new agent would. */
    Pause reconnect() throws IOException {
        pause = launcher.connect(socket(), this);
        return pause;
    }

    Pause pause() {
        if (pause == null) {
            throw new IllegalStateException("not launched");
        }
        return pause;
    }

    // ---- programs

    /** Begins where every container's program begins: in a copy of the host's mounts, with the pod's shared memory. */
    ProgramBuilder inHostFiles() {
        ProgramBuilder program = Program.builder();
        Value host = program.passedFd("host mounts");
        program.setns(host, Sched.CLONE_NEWNS).named("enter the host's mount namespace");
        program.unshare(Sched.CLONE_NEWNS).named("leave it with a copy of its mounts");
        program.mount(null, "/", null, 0x4000 | 0x40000, null);
        return program;
    }

    ProgramBuilder shell(String script) {
        ProgramBuilder program = inHostFiles();
        program.mount("proc", "/proc", "proc", 0, null).named("mount proc on /proc");
        program.setsid();
        program.execve("/bin/sh", List.of("sh", "-c", script), ENVIRONMENT);
        return program;
    }

    ProcessSpec container(String id, String script, Stdio stdio, Optional<Fd> cgroup) {
        return new ProcessSpec(id, shell(script).build(), List.of(hostMounts), stdio, Sched.CLONE_NEWPID, cgroup);
    }

    Started start(String id, String script, Stdio stdio) throws IOException {
        return PauseConnection.await(pause().start(container(id, script, stdio, Optional.empty())));
    }

    /** A container with a log named as itself. */
    Started start(String id, String script) throws IOException {
        try (Fd log = openLog(id)) {
            return start(id, script, new Stdio.Logged(false, Optional.of(log)));
        }
    }

    /** A program that enters a container; {@code script} runs in all its namespaces. */
    ProcessSpec exec(String id, Fd container, String script, Stdio stdio, Optional<Fd> cgroup) {
        ProgramBuilder program = Program.builder();
        Value target = program.passedFd("container");
        program.setns(target, Sched.CLONE_NEWNS | Sched.CLONE_NEWPID).named("enter the container");
        program.forkSibling(0).named("become a process of its PID namespace");
        program.setsid();
        if (stdio instanceof Stdio.Terminal) {
            addTerminal(program);
        }
        program.closeRange(3, 0xffff_ffffL, 4);
        program.execve("/bin/sh", List.of("sh", "-c", script), ENVIRONMENT);
        return new ProcessSpec(id, program.build(), List.of(container), stdio, 0, cgroup);
    }

    static void addTerminal(ProgramBuilder program) {
        Value master = program.openat(Value.AT_FDCWD, "/dev/ptmx", Fcntl.O_RDWR | Fcntl.O_NOCTTY, 0)
                .result("master");
        program.ioctl(master, TIOCSPTLCK, "TIOCSPTLCK", program.buffer(4, "unlock"));
        Value slave = program.ioctl(master, TIOCGPTPEER, "TIOCGPTPEER", Fcntl.O_RDWR | Fcntl.O_NOCTTY)
                .result("slave");
        program.ioctl(slave, TIOCSCTTY, "TIOCSCTTY", 0);
        program.sendTerminal(master);
        for (int i = 0; i < 3; i++) {
            program.dup3(slave, i, 0);
        }
    }

    // ---- what comes out

    Fd openLog(String name) throws IOException {
        return linux.files().open(log(name).toString(), Fcntl.O_WRONLY | Fcntl.O_CREAT | Fcntl.O_APPEND, 0600);
    }

    Path log(String name) {
        return directory.resolve(name + ".log");
    }

    /** Without time stamps. */
    List<String> lines(String name) throws IOException {
        return Files.readAllLines(log(name)).stream()
                .map(line -> line.substring(line.indexOf(' ') + 1))
                .collect(Collectors.toList());
    }

    ProcessExit awaitExit(String id) throws InterruptedException {
        ProcessExit exit = exits(id).poll(DEADLINE.toSeconds(), TimeUnit.SECONDS);
        if (exit == null) {
            throw new AssertionError("no exit of " + id + "; errors: " + errors);
        }
        return exit;
    }

    boolean hasExited(String id) {
        return !exits(id).isEmpty();
    }

    String readAll(Fd file) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] buffer = new byte[8192];
        try {
            for (int count = linux.files().read(file, buffer, 0, buffer.length);
                    count > 0;
                    count = linux.files().read(file, buffer, 0, buffer.length)) {
                all.write(buffer, 0, count);
            }
        } catch (ErrnoException e) {
            if (!e.is(Errno.EIO)) { // how a terminal ends
                throw e;
            }
        }
        return all.toString(StandardCharsets.UTF_8);
    }

    /** Runs an exec and returns what it wrote to stdout and stderr. */
    String output(String id, Fd container, String script) throws Exception {
        FdPair pipe = linux.polling().pipe2(0);
        try (Fd out = pipe.first();
                Fd none = linux.files().open("/dev/null", Fcntl.O_RDONLY)) {
            Stdio stdio = new Stdio.Passed(none, pipe.second(), pipe.second());
            PauseConnection.await(pause().start(exec(id, container, script, stdio, Optional.empty())))
                    .pidfd()
                    .close();
            pipe.second().close(); // now it is the process' alone
            return readAll(out);
        }
    }

    // ---- PauseListener

    private BlockingQueue<ProcessExit> exits(String id) {
        return exits.computeIfAbsent(id, any -> new LinkedBlockingQueue<>());
    }

    @Override
    public void exited(ProcessExit exit) {
        exits(exit.id()).add(exit);
    }

    @Override
    public void logChanged(String id, LogHealth health) {
        logChanges.add(health);
    }

    @Override
    public void attachmentCut(String id) {
        cuts.add(id);
    }

    @Override
    public void disconnected(@Nullable IOException cause) {
        disconnections.add(Optional.ofNullable(cause));
    }

    /** Waits until a process is gone, as its pidfd says. */
    void awaitEnd(Fd pidfd) throws Exception {
        BlockingQueue<Integer> ended = new LinkedBlockingQueue<>();
        EventLoop.Registration registration = loop.register("end", pidfd, Poll.EPOLLIN, ended::add);
        try {
            if (ended.poll(DEADLINE.toSeconds(), TimeUnit.SECONDS) == null) {
                throw new AssertionError("still runs");
            }
        } finally {
            registration.close();
        }
    }

    @Override
    public void close() throws IOException {
        if (pause != null) {
            try (Fd pidfd = linux.files().dup(pause.pidfd())) {
                pause.kill();
                pause.close();
                awaitEnd(pidfd);
            } catch (Exception e) {
                throw new IOException(e);
            }
        }
        launcher.close();
        hostMounts.close();
        loop.close();
        if (!errors.isEmpty()) {
            throw new AssertionError("errors on the loop: " + errors, errors.get(0));
        }
    }
}
