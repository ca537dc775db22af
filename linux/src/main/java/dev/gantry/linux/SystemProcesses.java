package dev.gantry.linux;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;

final class SystemProcesses implements Processes {
    private static final int SIZE_OF_SIGINFO = 128;
    private static final int SIZE_OF_RLIMIT = 16;

    /** _IOWR(PIDFS_IOCTL_MAGIC, 11, struct pidfd_info) with the structure's first published size, 64. */
    private static final long PIDFD_GET_INFO = 0xc040ff0bL;

    private static final int SIZE_OF_PIDFD_INFO = 64;
    private static final long PIDFD_INFO_PID = 1;
    private static final long PIDFD_INFO_EXIT = 8;

    private final FileCalls files;

    SystemProcesses(FileCalls files) {
        this.files = files;
    }

    @Override
    public int posixSpawn(SpawnRequest request) throws ErrnoException {
        List<Fd> moved = new ArrayList<>();
        try (Scratch scratch = Scratch.open()) {
            NavigableMap<Integer, Integer> descriptors = sources(request, moved);
            return spawn(request, descriptors, scratch);
        } finally {
            moved.forEach(Fd::close);
        }
    }

    /** Which number becomes which; a source that an earlier dup2 would overwrite is moved out of the way first. */
    private NavigableMap<Integer, Integer> sources(SpawnRequest request, List<Fd> moved) throws ErrnoException {
        NavigableMap<Integer, Integer> sources = new TreeMap<>();
        int afterTargets = afterTargets(request.descriptors());
        for (Map.Entry<Integer, Fd> descriptor : request.descriptors().entrySet()) {
            int source = descriptor.getValue().number();
            if (source < afterTargets && source != descriptor.getKey()) {
                Fd copy = Fd.of(files.fcntl(descriptor.getValue(), Fcntl.F_DUPFD_CLOEXEC, afterTargets));
                moved.add(copy);
                source = copy.number();
            }
            sources.put(descriptor.getKey(), source);
        }
        return sources;
    }

    private static int afterTargets(NavigableMap<Integer, ?> targets) {
        return Math.max(3, targets.isEmpty() ? 0 : targets.lastKey() + 1);
    }

    private static int spawn(SpawnRequest request, NavigableMap<Integer, Integer> descriptors, Scratch scratch)
            throws ErrnoException {
        String path = path(request);
        Scratch.Block actions = scratch.zeroed(LibSpawn.SIZE_OF_FILE_ACTIONS);
        Scratch.Block attributes = scratch.zeroed(LibSpawn.SIZE_OF_ATTRIBUTES);
        Scratch.Block pid = scratch.zeroed(8);
        long argv = scratch.strings(request.arguments());
        long envp = scratch.strings(request.environment());
        long program = scratch.string(path);
        check(request, path, LibSpawn.posix_spawn_file_actions_init(actions.address()));
        check(request, path, LibSpawn.posix_spawnattr_init(attributes.address()));
        try {
            addActions(request, path, descriptors, actions.address(), scratch);
            setAttributes(request, path, attributes.address(), scratch);
            check(
                    request,
                    path,
                    LibSpawn.posix_spawn(pid.address(), program, actions.address(), attributes.address(), argv, envp));
            return pid.getInt(0);
        } finally {
            LibSpawn.posix_spawnattr_destroy(attributes.address());
            LibSpawn.posix_spawn_file_actions_destroy(actions.address());
        }
    }

    /** By our number, not by "self": the child has closed its copy of the descriptor before it executes it. */
    private static String path(SpawnRequest request) {
        Fd program = request.programFd();
        return program == null
                ? request.program()
                : "/proc/" + ProcessHandle.current().pid() + "/fd/" + program.number();
    }

    private static void addActions(
            SpawnRequest request,
            String path,
            NavigableMap<Integer, Integer> descriptors,
            long actions,
            Scratch scratch)
            throws ErrnoException {
        String directory = request.workingDirectory();
        if (directory != null) {
            check(request, path, LibSpawn.posix_spawn_file_actions_addchdir_np(actions, scratch.string(directory)));
        }
        for (Map.Entry<Integer, Integer> descriptor : descriptors.entrySet()) {
            check(
                    request,
                    path,
                    LibSpawn.posix_spawn_file_actions_adddup2(actions, descriptor.getValue(), descriptor.getKey()));
        }
        int afterTargets = afterTargets(descriptors);
        long devNull = scratch.string("/dev/null");
        for (int number = 0; number < afterTargets; number++) {
            if (descriptors.containsKey(number)) {
                continue;
            }
            check(
                    request,
                    path,
                    number < 3
                            ? LibSpawn.posix_spawn_file_actions_addopen(actions, number, devNull, Fcntl.O_RDWR, 0)
                            : LibSpawn.posix_spawn_file_actions_addclose(actions, number));
        }
        check(request, path, LibSpawn.posix_spawn_file_actions_addclosefrom_np(actions, afterTargets));
    }

    /** HotSpot ignores or handles a number of signals, and its threads mask some: none of that is the child's. */
    private static void setAttributes(SpawnRequest request, String path, long attributes, Scratch scratch)
            throws ErrnoException {
        Scratch.Block none = scratch.zeroed(LibSpawn.SIZE_OF_SIGSET);
        Scratch.Block all = scratch.zeroed(LibSpawn.SIZE_OF_SIGSET);
        all.putLong(0, -1);
        check(request, path, LibSpawn.posix_spawnattr_setsigmask(attributes, none.address()));
        check(request, path, LibSpawn.posix_spawnattr_setsigdefault(attributes, all.address()));
        int flags = LibSpawn.POSIX_SPAWN_SETSIGMASK
                | LibSpawn.POSIX_SPAWN_SETSIGDEF
                | (request.newSession() ? LibSpawn.POSIX_SPAWN_SETSID : 0);
        check(request, path, LibSpawn.posix_spawnattr_setflags(attributes, (short) flags));
    }

    /** These functions return errno themselves. */
    private static void check(SpawnRequest request, String path, int error) throws ErrnoException {
        if (error != 0) {
            throw new ErrnoException("posix_spawn(%s, %s)".formatted(Kernel.quote(path), request.arguments()), error);
        }
    }

    @Override
    public Fd pidfdOpen(int pid) throws ErrnoException {
        return Kernel.checkFd(Kernel.raw(Syscall.PIDFD_OPEN, pid, 0), () -> "pidfd_open(%d, 0)".formatted(pid));
    }

    @Override
    public void pidfdSendSignal(Fd pidfd, int signal) throws ErrnoException {
        Kernel.check(
                Kernel.raw(Syscall.PIDFD_SEND_SIGNAL, pidfd.number(), signal, 0, 0),
                () -> "pidfd_send_signal(%s, %s)".formatted(pidfd, Signal.name(signal)));
    }

    @Override
    public Fd pidfdGetfd(Fd pidfd, int targetFd) throws ErrnoException {
        return Kernel.checkFd(
                Kernel.raw(Syscall.PIDFD_GETFD, pidfd.number(), targetFd, 0),
                () -> "pidfd_getfd(%s, %d)".formatted(pidfd, targetFd));
    }

    @Override
    public OptionalInt pidOfPidfd(Fd pidfd) throws IOException {
        String path = "/proc/thread-self/fdinfo/" + pidfd.number();
        for (String line : files.readSmallFile(path).split("\n", -1)) {
            if (line.startsWith("Pid:")) {
                int pid = Integer.parseInt(line.substring(4).strip());
                return pid > 0 ? OptionalInt.of(pid) : OptionalInt.empty();
            }
        }
        throw new IOException(pidfd + " is no pidfd: " + path + " has no line Pid:");
    }

    @Override
    public Optional<WaitStatus> waitid(Fd pidfd, int options) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block info = scratch.zeroed(SIZE_OF_SIGINFO);
            Kernel.check(
                    Kernel.raw(Syscall.WAITID, Wait.P_PIDFD, pidfd.number(), info.address(), options, 0, 0),
                    () -> "waitid(P_PIDFD, %s, %s)".formatted(pidfd, Kernel.hex(options)));
            int pid = info.getInt(16);
            return pid == 0 ? Optional.empty() : Optional.of(new WaitStatus(pid, info.getInt(8), info.getInt(24)));
        }
    }

    @Override
    public Optional<WaitStatus> exitOfPidfd(Fd pidfd) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block info = scratch.zeroed(SIZE_OF_PIDFD_INFO);
            info.putLong(0, PIDFD_INFO_PID | PIDFD_INFO_EXIT);
            long result = Kernel.raw(Syscall.IOCTL, pidfd.number(), PIDFD_GET_INFO, info.address());
            if (result == -Errno.ESRCH.number() || result == -Errno.ENOTTY.number()) {
                return Optional.empty();
            }
            Kernel.check(result, () -> "ioctl(%s, PIDFD_GET_INFO)".formatted(pidfd));
            return (info.getLong(0) & PIDFD_INFO_EXIT) == 0
                    ? Optional.empty()
                    : Optional.of(WaitStatus.ofWord(info.getInt(16), info.getInt(60)));
        }
    }

    @Override
    public void kill(int pid, int signal) throws ErrnoException {
        Kernel.check(Kernel.raw(Syscall.KILL, pid, signal), () -> "kill(%d, %s)".formatted(pid, Signal.name(signal)));
    }

    @Override
    public int getpid() {
        return (int) Kernel.raw(Syscall.GETPID, 0);
    }

    @Override
    public int gettid() {
        return (int) Kernel.raw(Syscall.GETTID, 0);
    }

    @Override
    public int geteuid() {
        return (int) Kernel.raw(Syscall.GETEUID, 0);
    }

    @Override
    public ResourceLimit getrlimit(int pid, int resource) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block old = scratch.allocate(SIZE_OF_RLIMIT);
            Kernel.check(
                    Kernel.raw(Syscall.PRLIMIT64, pid, resource, 0, old.address()),
                    () -> "prlimit(%d, %d)".formatted(pid, resource));
            return new ResourceLimit(old.getLong(0), old.getLong(8));
        }
    }

    @Override
    public void setrlimit(int pid, int resource, ResourceLimit limit) throws ErrnoException {
        try (Scratch scratch = Scratch.open()) {
            Scratch.Block wanted = scratch.allocate(SIZE_OF_RLIMIT);
            wanted.putLong(0, limit.soft());
            wanted.putLong(8, limit.hard());
            Kernel.check(
                    Kernel.raw(Syscall.PRLIMIT64, pid, resource, wanted.address(), 0),
                    () -> "prlimit(%d, %d, %s)".formatted(pid, resource, limit));
        }
    }
}
