package dev.gantry.runtime.pause;

import dev.gantry.linux.Architecture;
import dev.gantry.linux.ChildProcess;
import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FdPair;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Poll;
import dev.gantry.linux.Socket;
import dev.gantry.linux.SpawnRequest;
import dev.gantry.linux.Wait;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Starts the C program from a sealed memfd: no file that a container could overwrite is ever its executable.
 *
 * <p>No thread of the agent changes its namespaces. The spawned program makes the real pause with clone3, born in its
 * namespaces and cgroup, as a child of the agent, and ends.
 */
public final class NativePauseLauncher implements PauseLauncher, AutoCloseable {
    private static final int CONNECTION_FD = 3;
    private static final int BACKLOG = 4;

    private final Linux linux;
    private final EventLoop loop;
    private final Duration deadline;
    private final Fd executable;

    private NativePauseLauncher(Linux linux, EventLoop loop, Duration deadline, Fd executable) {
        this.linux = linux;
        this.loop = loop;
        this.deadline = deadline;
        this.executable = executable;
    }

    /**
     * Loads the program for this machine.
     *
     * @param deadline for each answer of a pause, including that a container's program has reached its execve
     */
    public static NativePauseLauncher open(Linux linux, EventLoop loop, Duration deadline) throws IOException {
        String name = "pause-" + (Architecture.current() == Architecture.X86_64 ? "x86_64" : "aarch64");
        try (InputStream resource = NativePauseLauncher.class.getResourceAsStream(name)) {
            if (resource == null) {
                throw new FileNotFoundException(name
                        + " is not in this build: it was built where no C compiler for this machine was installed");
            }
            Fd executable = linux.memory().sealedProgram("gantry-pause", resource.readAllBytes());
            return new NativePauseLauncher(linux, loop, deadline, executable);
        }
    }

    @Override
    public Launching begin(PauseSpec spec, Optional<Prepared> prepared, PauseListener listener) throws IOException {
        String path = spec.socket().toString();
        try (FirstProcess first = prepared.isPresent() ? (FirstProcess) prepared.get() : prepare(spec.socket());
                Fd listening = linux.sockets().unixListen(path, Socket.SOCK_SEQPACKET, BACKLOG)) {
            return begin(spec, first, listening, listener);
        } catch (IOException | RuntimeException e) {
            removeSocket(path, e);
            throw e;
        }
    }

    private Launching begin(PauseSpec spec, FirstProcess first, Fd listening, PauseListener listener)
            throws IOException {
        String path = spec.socket().toString();
        PauseConnection connection = new PauseConnection(linux, loop, first.takeConnection(), path, listener, deadline);
        try {
            long flags =
                    spec.newNamespaces().stream().mapToLong(PodNamespace::flag).reduce(0, (a, b) -> a | b);
            // all three wait in the socket when pause begins: it sets itself up without a further turn
            CompletableFuture<Fd> launched = connection.sendLaunch(listening, flags, spec.users(), spec.cgroup());
            CompletableFuture<Void> greeted = connection.sendHello();
            CompletableFuture<Void> setUp = connection.sendSetup(spec.setup(), spec.setupFds());
            reapWhenEnded(PauseConnection.await(launched));
            first.reap();
            return new SettingUp(connection, greeted, setUp, path);
        } catch (IOException | RuntimeException e) {
            // a pause that was not set up ends with its connection
            connection.close();
            throw e;
        }
    }

    private final class SettingUp implements Launching {
        private final PauseConnection connection;
        private final CompletableFuture<Void> greeted;
        private final CompletableFuture<Void> setUp;
        private final String path;
        private boolean handedOver;

        SettingUp(
                PauseConnection connection,
                CompletableFuture<Void> greeted,
                CompletableFuture<Void> setUp,
                String path) {
            this.connection = connection;
            this.greeted = greeted;
            this.setUp = setUp;
            this.path = path;
        }

        @Override
        public Pause await() throws IOException {
            try {
                PauseConnection.await(greeted);
                PauseConnection.await(setUp);
                handedOver = true;
                return connection;
            } catch (IOException | RuntimeException e) {
                connection.close();
                removeSocket(path, e);
                throw e;
            }
        }

        @Override
        public void close() {
            if (!handedOver) {
                connection.close();
            }
        }
    }

    @Override
    public FirstProcess prepare(Path socket) throws IOException {
        FdPair ends = linux.sockets().socketpair(Socket.AF_UNIX, Socket.SOCK_SEQPACKET);
        try (Fd childEnd = ends.second()) {
            SpawnRequest request = SpawnRequest.of(executable, "gantry-pause", socket.toString())
                    .descriptor(CONNECTION_FD, childEnd)
                    .newSession()
                    .build();
            return new FirstProcess(linux.processes().spawn(request), ends.first());
        } catch (IOException | RuntimeException e) {
            ends.first().close();
            throw e;
        }
    }

    private final class FirstProcess implements Prepared {
        private final ChildProcess process;
        private @Nullable Fd connection;
        private boolean reaped;

        FirstProcess(ChildProcess process, Fd connection) {
            this.process = process;
            this.connection = connection;
        }

        Fd takeConnection() {
            Fd taken = connection;
            if (taken == null) {
                throw new IllegalStateException("this first process of a pause was launched before");
            }
            connection = null;
            return taken;
        }

        @Override
        public boolean isAlive() {
            try {
                return linux.processes()
                        .waitid(process.pidfd(), Wait.WEXITED | Wait.WNOHANG | Wait.WNOWAIT)
                        .isEmpty();
            } catch (ErrnoException e) {
                return false;
            }
        }

        /** It ends once it has cloned the pause, or lost its connection. */
        void reap() throws ErrnoException {
            if (!reaped) {
                reaped = true;
                linux.processes().waitid(process.pidfd(), Wait.WEXITED);
            }
        }

        @Override
        public void close() {
            if (connection != null) {
                connection.close();
                connection = null;
            }
            try (process) {
                reap();
            } catch (ErrnoException e) {
                // ECHILD: reaped by somebody else
            }
        }
    }

    /** Pause is this process' child, and nobody else waits for it. Takes over the pidfd. */
    private void reapWhenEnded(Fd pidfd) throws IOException {
        AtomicReference<EventLoop.@Nullable Registration> registered = new AtomicReference<>();
        try {
            registered.set(loop.register("end of pause", pidfd, Poll.EPOLLIN, events -> {
                // null if it ended before the line above was through: the event comes again
                EventLoop.Registration registration = registered.get();
                if (registration != null) {
                    registration.close();
                    reap(pidfd);
                }
            }));
        } catch (IOException e) {
            pidfd.close();
            throw e;
        }
    }

    private void reap(Fd pidfd) throws ErrnoException {
        try (pidfd) {
            linux.processes().waitid(pidfd, Wait.WEXITED | Wait.WNOHANG);
        } catch (ErrnoException e) {
            if (!e.is(Errno.ECHILD)) {
                throw e;
            }
        }
    }

    private void removeSocket(String path, Exception failure) {
        if (failure instanceof ErrnoException e && e.is(Errno.EADDRINUSE)) {
            return; // another's
        }
        try {
            linux.files().unlinkat(Fd.AT_FDCWD, path, 0);
        } catch (ErrnoException e) {
            if (!e.is(Errno.ENOENT)) {
                failure.addSuppressed(e);
            }
        }
    }

    @Override
    public Pause connect(Path socket, PauseListener listener) throws IOException {
        Fd connected = linux.sockets().unixConnect(socket.toString(), Socket.SOCK_SEQPACKET);
        PauseConnection connection;
        try {
            connection = new PauseConnection(linux, loop, connected, socket.toString(), listener, deadline);
        } catch (IOException e) {
            connected.close();
            throw e;
        }
        try {
            PauseConnection.await(connection.sendHello());
            return connection;
        } catch (IOException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    /** Running pauses are not touched. */
    @Override
    public void close() {
        executable.close();
    }
}
