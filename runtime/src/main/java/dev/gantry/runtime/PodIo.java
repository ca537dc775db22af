package dev.gantry.runtime;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.FdPair;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Poll;
import dev.gantry.linux.Sched;
import dev.gantry.linux.Socket;
import dev.gantry.runtime.io.AttachRequest;
import dev.gantry.runtime.io.ContainerIo;
import dev.gantry.runtime.io.ContainerStreams;
import dev.gantry.runtime.io.ExecRequest;
import dev.gantry.runtime.pause.Pause;
import dev.gantry.runtime.pause.Stdio;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Live streams to our pods. */
final class PodIo implements ContainerIo {
    // asm-generic/ioctls.h
    private static final long TIOCSWINSZ = 0x5414;
    private static final int WINSIZE_BYTES = 8;
    private static final int CONNECT_MILLIS = 10_000;
    private static final int MAX_PORT = 65_535;

    private final Pods pods;
    private final Linux linux;
    private final EventLoop loop;
    private final Execs execs;

    PodIo(Pods pods) {
        this.pods = pods;
        this.linux = pods.machine().linux();
        this.loop = pods.machine().loop();
        this.execs = new Execs(pods.machine());
    }

    // ---- exec

    @Override
    public ContainerStreams exec(ExecRequest request) throws IOException {
        Pods.Located located = located(request.containerId());
        try {
            return request.tty() ? execTerminal(located, request) : execPipes(located, request);
        } catch (InterruptedException e) {
            throw interrupted(e, "exec in " + located.container());
        } catch (StatusRuntimeException e) {
            throw readable(e);
        } catch (IllegalArgumentException e) {
            throw new IOException("exec in %s: %s".formatted(located.container(), e.getMessage()), e);
        }
    }

    private ContainerStreams execTerminal(Pods.Located located, ExecRequest request)
            throws IOException, InterruptedException {
        Execs.Running running = execs.start(
                located.sandbox(), located.container(), request.command(), true, new Stdio.Terminal(), List.of());
        running.started().pidfd().close();
        Fd master = running.started().terminal().orElseThrow();
        LoopInput stdout = new LoopInput(linux, loop, linux.files().dup(master));
        // The same terminal: end of input is a character, not a closed descriptor.
        OutputStream stdin =
                request.stdin() ? new FdOutput(linux, linux.files().dup(master), () -> {}) : Streams.refusing();
        var unused = running.exit().whenComplete((exit, failure) -> stdout.finish());
        return new Streams(
                stdin,
                stdout,
                InputStream.nullInputStream(),
                running.exit().thenApply(exit -> exit.exitCode()),
                (columns, rows) -> linux.files().ioctl(master, TIOCSWINSZ, windowSize(columns, rows)),
                () -> {
                    end(running);
                    master.close();
                });
    }

    private static byte[] windowSize(int columns, int rows) {
        return ByteBuffer.allocate(WINSIZE_BYTES)
                .order(ByteOrder.nativeOrder())
                .putShort((short) rows)
                .putShort((short) columns)
                .array();
    }

    private ContainerStreams execPipes(Pods.Located located, ExecRequest request)
            throws IOException, InterruptedException {
        List<FdPair> pipes = new ArrayList<>();
        try {
            FdPair out = pipe(pipes);
            FdPair err = pipe(pipes);
            FdPair in = request.stdin() ? pipe(pipes) : nothing(pipes);
            Execs.Running running = execs.start(
                    located.sandbox(),
                    located.container(),
                    request.command(),
                    false,
                    new Stdio.Passed(in.first(), out.second(), err.second()),
                    request.stdin() ? List.of(0, 1, 2) : List.of(1, 2));
            running.started().pidfd().close();
            in.first().close();
            out.second().close();
            err.second().close();
            LoopInput stdout = new LoopInput(linux, loop, out.first());
            LoopInput stderr = new LoopInput(linux, loop, err.first());
            OutputStream stdin = request.stdin() ? new FdOutput(linux, in.second(), () -> {}) : Streams.refusing();
            var unused = running.exit().whenComplete((exit, failure) -> {
                stdout.finish();
                stderr.finish();
            });
            return new Streams(
                    stdin,
                    stdout,
                    stderr,
                    running.exit().thenApply(exit -> exit.exitCode()),
                    Streams.Resizer.NONE,
                    () -> end(running));
        } catch (IOException | RuntimeException | InterruptedException e) {
            pipes.forEach(FdPair::close);
            throw e;
        }
    }

    private FdPair pipe(List<FdPair> all) throws ErrnoException {
        FdPair pipe = linux.polling().pipe2(0);
        all.add(pipe);
        return pipe;
    }

    private FdPair nothing(List<FdPair> all) throws ErrnoException {
        Fd nothing = linux.files().open("/dev/null", Fcntl.O_RDWR);
        FdPair pair = new FdPair(nothing, nothing);
        all.add(pair);
        return pair;
    }

    private static void end(Execs.Running running) {
        if (!running.exit().isDone()) {
            running.kill();
        }
    }

    // ---- attach

    @Override
    public ContainerStreams attach(AttachRequest request) throws IOException {
        Pods.Located located = located(request.containerId());
        Container container = located.container();
        if (!container.isRunning()) {
            throw new IOException("attach to %s: it does not run".formatted(container));
        }
        if (request.stdin() && !container.config().getStdin()) {
            throw new IOException("attach to %s: it was created without stdin".formatted(container));
        }
        Pause pause = located.sandbox().pause();
        boolean terminal = container.config().getTty();
        FdPair out = linux.polling().pipe2(0);
        FdPair err = terminal ? out : linux.polling().pipe2(0);
        try {
            Waiting.await(
                    pause.attach(
                            container.id(),
                            Optional.of(out.second()),
                            terminal ? Optional.empty() : Optional.of(err.second())),
                    Waiting.ANSWER,
                    "attach to " + container);
            OutputStream stdin = request.stdin() ? stdin(pause, container) : Streams.refusing();
            out.second().close();
            err.second().close();
            return new Streams(
                    stdin,
                    new LoopInput(linux, loop, out.first()),
                    terminal ? InputStream.nullInputStream() : new LoopInput(linux, loop, err.first()),
                    container.ended().thenApply(exited -> exited.exitCode()),
                    terminal
                            ? (columns, rows) -> {
                                var unused = pause.resize(container.id(), rows, columns);
                            }
                            : Streams.Resizer.NONE,
                    () -> {});
        } catch (InterruptedException e) {
            out.close();
            err.close();
            throw interrupted(e, "attach to " + container);
        } catch (StatusRuntimeException e) {
            out.close();
            err.close();
            throw readable(e);
        } catch (IOException | RuntimeException e) {
            out.close();
            err.close();
            throw e;
        }
    }

    private OutputStream stdin(Pause pause, Container container) throws IOException, InterruptedException {
        Fd target = Waiting.await(pause.stdin(container.id()), Waiting.ANSWER, "open the stdin of " + container);
        Runnable onClose = container.config().getStdinOnce()
                ? () -> {
                    CompletableFuture<Void> unused = pause.closeStdin(container.id());
                }
                : () -> {};
        return new FdOutput(linux, target, onClose);
    }

    // ---- port forwarding

    @Override
    public ContainerStreams portForward(String podSandboxId, int port) throws IOException {
        if (port < 1 || port > MAX_PORT) {
            throw new IOException("port %d: must be 1 to %d".formatted(port, MAX_PORT));
        }
        Sandbox sandbox = pods.sandbox(podSandboxId)
                .filter(Sandbox::isReady)
                .orElseThrow(() -> new IOException("no pod sandbox '%s' that is ready".formatted(podSandboxId)));
        Fd connected;
        try (Fd netns = sandbox.pause().namespace("net")) {
            connected = connect(netns, port);
        } catch (StatusRuntimeException e) {
            // It was stopped just now.
            throw readable(e);
        }
        CompletableFuture<Integer> end = new CompletableFuture<>();
        Fd writing = linux.files().dup(connected);
        OutputStream stdin = new FdOutput(linux, writing, () -> shutdown(writing, Socket.SHUT_WR));
        return new Streams(
                stdin,
                new LoopInput(linux, loop, connected),
                InputStream.nullInputStream(),
                end,
                Streams.Resizer.NONE,
                () -> end.complete(0));
    }

    private Fd connect(Fd netns, int port) throws IOException {
        byte[] ipv4 = ByteBuffer.allocate(16)
                .order(ByteOrder.nativeOrder())
                .putShort((short) Socket.AF_INET)
                .order(ByteOrder.BIG_ENDIAN)
                .putShort((short) port)
                .put(new byte[] {127, 0, 0, 1})
                .array();
        try {
            return connect(netns, Socket.AF_INET, ipv4, port);
        } catch (ErrnoException e) {
            byte[] ipv6 = ByteBuffer.allocate(28)
                    .order(ByteOrder.nativeOrder())
                    .putShort((short) Socket.AF_INET6)
                    .order(ByteOrder.BIG_ENDIAN)
                    .putShort((short) port)
                    .putInt(0)
                    .put(new byte[15])
                    .put((byte) 1)
                    .array();
            try {
                return connect(netns, Socket.AF_INET6, ipv6, port);
            } catch (ErrnoException second) {
                e.addSuppressed(second);
                throw e;
            }
        }
    }

    /** A socket belongs for ever to the namespace in which it was made. */
    private Fd connect(Fd netns, int family, byte[] address, int port) throws IOException {
        Fd socket = linux.namespaces().onFreshThread("port-forward", () -> {
            linux.namespaces().setns(netns, Sched.CLONE_NEWNET);
            return linux.sockets().socket(family, Socket.SOCK_STREAM | Socket.SOCK_NONBLOCK, 0);
        });
        try {
            try {
                linux.sockets().connect(socket, address);
            } catch (ErrnoException e) {
                if (!e.is(Errno.EINPROGRESS)) {
                    throw e;
                }
                awaitConnection(socket, port);
            }
            return socket;
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    private void awaitConnection(Fd socket, int port) throws IOException {
        if (linux.polling().poll(socket, Poll.EPOLLOUT, CONNECT_MILLIS) == 0) {
            throw new IOException(
                    "connect to port %d of the pod: no answer within %d ms".formatted(port, CONNECT_MILLIS));
        }
        int error = linux.sockets().getsockopt(socket, Socket.SOL_SOCKET, Socket.SO_ERROR);
        if (error != 0) {
            throw new ErrnoException("connect(localhost:%d)".formatted(port), error);
        }
    }

    private void shutdown(Fd socket, int how) {
        try {
            linux.sockets().shutdown(socket, how);
        } catch (ErrnoException e) {
            // ENOTCONN: the peer was faster.
        }
    }

    private Pods.Located located(String containerId) throws IOException {
        return pods.container(containerId)
                .orElseThrow(() -> new IOException("no container '%s'".formatted(containerId)));
    }

    private static IOException readable(StatusRuntimeException e) {
        return new IOException(e.getStatus().getDescription(), e);
    }

    private static InterruptedIOException interrupted(InterruptedException cause, String what) {
        Thread.currentThread().interrupt();
        InterruptedIOException io = new InterruptedIOException(what + ": interrupted");
        io.initCause(cause);
        return io;
    }
}
