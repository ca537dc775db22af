package dev.gantry.runtime.pause;

import dev.gantry.linux.Errno;
import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.EventLoop;
import dev.gantry.linux.Fcntl;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Memory;
import dev.gantry.linux.Poll;
import dev.gantry.linux.Signal;
import dev.gantry.linux.Socket;
import dev.gantry.linux.Sockets;
import dev.gantry.runtime.program.Program;
import dev.gantry.runtime.program.ProgramFailedException;
import dev.gantry.runtime.program.StepResult;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** The agent's end of the connection with one pause. Sends from any thread, receives on the event loop. */
final class PauseConnection implements Pause {
    private final Linux linux;
    private final EventLoop loop;
    private final Fd socket;
    private final String name;
    private final PauseListener listener;
    private final Duration deadline;
    private final AtomicInteger nextTag = new AtomicInteger(1);
    private final Map<Integer, Request> requests = new ConcurrentHashMap<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final EventLoop.Registration registration;
    private volatile @Nullable Fd pidfd;
    private volatile int pid;
    private volatile List<StepResult> setupTolerated = List.of();

    /**
     * Takes over the socket.
     *
     * @param name of the pause for messages, its socket's path
     * @param deadline for each answer
     */
    PauseConnection(Linux linux, EventLoop loop, Fd socket, String name, PauseListener listener, Duration deadline)
            throws ErrnoException {
        this.linux = linux;
        this.loop = loop;
        this.socket = socket;
        this.name = name;
        this.listener = listener;
        this.deadline = deadline;
        this.registration = loop.register("pause " + name, socket, Poll.EPOLLIN, this::receive);
    }

    /** What is expected: every reply goes to {@code onReply}, which removes the request when it is the last one. */
    private record Request(String text, Reply onReply, BiConsumer<IOException, Request> onFailure, Timers timers) {
        void fail(IOException cause) {
            timers.cancel();
            onFailure.accept(cause, this);
        }
    }

    private interface Reply {
        /** Returns whether this was the last one. */
        boolean take(ByteBuffer message, Descriptors descriptors) throws IOException;
    }

    /** The deadline's timer, which is made after the request is known. */
    private static final class Timers {
        private volatile EventLoop.@Nullable Timer timer;

        void cancel() {
            EventLoop.Timer running = timer;
            if (running != null) {
                running.cancel();
            }
        }
    }

    /** A message's descriptors; what nobody takes is closed. */
    private static final class Descriptors implements AutoCloseable {
        private final List<Fd> rest;

        Descriptors(List<Fd> all) {
            rest = new ArrayList<>(all);
        }

        Optional<Fd> take() {
            return rest.isEmpty() ? Optional.empty() : Optional.of(rest.remove(0));
        }

        Fd require(String what) throws IOException {
            return take().orElseThrow(() -> new IOException("pause sent no descriptor for " + what));
        }

        @Override
        public void close() {
            rest.forEach(Fd::close);
        }
    }

    // ---- requests

    /** The first message of a new pause. Gives its pidfd, which the caller closes. */
    CompletableFuture<Fd> sendLaunch(Fd listening, long cloneFlags, Optional<UserMaps> users, Optional<Fd> cgroup) {
        List<Fd> descriptors = new ArrayList<>(List.of(listening));
        cgroup.ifPresent(descriptors::add);
        return request(
                "launch",
                "",
                Message.LAUNCH,
                8 + 2 * Message.ID_MAP_BYTES,
                body -> {
                    body.putLong(cloneFlags);
                    users.ifPresent(maps -> {
                        int at = body.position();
                        body.put(maps.userMap().getBytes(StandardCharsets.US_ASCII));
                        body.position(at + Message.ID_MAP_BYTES);
                        body.put(maps.groupMap().getBytes(StandardCharsets.US_ASCII));
                    });
                },
                descriptors,
                (m, d) -> d.require("the new pause"));
    }

    /** Learns who it is; must be answered before {@link #pid()} and {@link #pidfd()} are asked for. */
    CompletableFuture<Void> sendHello() {
        return request(
                "hello", "", Message.HELLO, 16, body -> body.putInt(Message.PROTOCOL_VERSION), List.of(), (m, d) -> {
                    Fd self = d.require("itself");
                    pidfd = self;
                    pid = linux.processes()
                            .pidOfPidfd(self)
                            .orElseThrow(() -> new IOException("pause " + name + " has ended"));
                    return null;
                });
    }

    CompletableFuture<Void> sendSetup(Program setup, List<Fd> descriptors) {
        return withProgram(
                "setup",
                setup,
                descriptors,
                all -> request("setup", "", Message.SETUP, 0, body -> {}, all, (m, d) -> {
                    ProcessInfo info = ProcessInfo.of(m);
                    if (info.phase() == ProcessInfo.PHASE_FAILED) {
                        throw new ProgramFailedException(setup, info.step());
                    }
                    setupTolerated = info.warnings();
                    return null;
                }));
    }

    @Override
    public CompletableFuture<Started> start(ProcessSpec process) {
        List<Fd> descriptors = new ArrayList<>();
        process.cgroup().ifPresent(descriptors::add);
        int flags = process.cgroup().isPresent() ? Message.START_CGROUP : 0;
        int stdio;
        if (process.stdio() instanceof Stdio.Logged logged) {
            stdio = Message.STDIO_LOGGED;
            logged.log().ifPresent(descriptors::add);
            flags |= logged.log().isPresent() ? Message.START_LOG : 0;
            flags |= logged.stdin() ? Message.START_STDIN : 0;
        } else if (process.stdio() instanceof Stdio.LoggedTerminal terminal) {
            stdio = Message.STDIO_TERMINAL;
            terminal.log().ifPresent(descriptors::add);
            flags |= terminal.log().isPresent() ? Message.START_LOG : 0;
        } else if (process.stdio() instanceof Stdio.Passed passed) {
            stdio = Message.STDIO_PASSED;
            descriptors.addAll(List.of(passed.stdin(), passed.stdout(), passed.stderr()));
        } else {
            stdio = Message.STDIO_TERMINAL_PASSED;
        }
        descriptors.addAll(process.fds());
        int startFlags = flags;
        String text = "start " + process.id();
        return withProgram(
                text,
                process.program(),
                descriptors,
                all -> request(
                        text,
                        process.id(),
                        Message.START,
                        16,
                        body -> body.putInt(stdio).putInt(startFlags).putLong(process.cloneFlags()),
                        all,
                        (message, received) -> started(process.program(), ProcessInfo.of(message), received)));
    }

    private static Started started(Program program, ProcessInfo info, Descriptors descriptors) throws IOException {
        if (info.phase() == ProcessInfo.PHASE_FAILED) {
            throw new ProgramFailedException(program, info.step());
        }
        Fd process = descriptors.require("process " + info.id());
        return new Started(process, info.startedAt(), info.warnings(), descriptors.take());
    }

    @Override
    public CompletableFuture<List<ProcessState>> processes() {
        List<ProcessState> states = new ArrayList<>();
        CompletableFuture<List<ProcessState>> result = new CompletableFuture<>();
        Reply onReply = (message, descriptors) -> {
            if (Message.id(message).isEmpty()) {
                if (!result.complete(List.copyOf(states))) {
                    closePidfds(states);
                }
                return true;
            }
            states.add(ProcessInfo.of(message).state(descriptors.take()));
            return false;
        };
        send("state", "", Message.STATE, 0, body -> {}, List.of(), onReply, (failure, request) -> {
            closePidfds(states);
            result.completeExceptionally(failure);
        });
        return result;
    }

    private static void closePidfds(List<ProcessState> states) {
        states.forEach(state -> state.pidfd().ifPresent(Fd::close));
    }

    @Override
    public CompletableFuture<Void> acknowledge(String id) {
        return simple("acknowledge", id, Message.ACK, 0, body -> {}, List.of());
    }

    @Override
    public CompletableFuture<Void> rotate(String id, Optional<Fd> log) {
        return simple(
                "rotate log of", id, Message.ROTATE, 0, body -> {}, log.stream().toList());
    }

    @Override
    public CompletableFuture<Void> attach(String id, Optional<Fd> stdout, Optional<Fd> stderr) {
        List<Fd> descriptors = new ArrayList<>(2);
        stdout.ifPresent(descriptors::add);
        stderr.ifPresent(descriptors::add);
        int streams = (stdout.isPresent() ? Message.STREAM_OUT : 0) | (stderr.isPresent() ? Message.STREAM_ERR : 0);
        return simple("attach to", id, Message.ATTACH, 8, body -> body.putInt(streams), descriptors);
    }

    @Override
    public CompletableFuture<Fd> stdin(String id) {
        return request("stdin of " + id, id, Message.STDIN, 0, body -> {}, List.of(), (m, d) -> d.require("stdin"));
    }

    @Override
    public CompletableFuture<Void> closeStdin(String id) {
        return simple("close stdin of", id, Message.CLOSE_STDIN, 0, body -> {}, List.of());
    }

    @Override
    public CompletableFuture<Void> resize(String id, int rows, int columns) {
        return simple(
                "resize terminal of",
                id,
                Message.RESIZE,
                8,
                body -> body.putShort((short) rows).putShort((short) columns),
                List.of());
    }

    private CompletableFuture<Void> simple(
            String text, String id, int type, int bodyBytes, Body body, List<Fd> descriptors) {
        return request(text + " " + id, id, type, bodyBytes, body, descriptors, (m, d) -> null);
    }

    private interface Body {
        void put(ByteBuffer body);
    }

    private interface Answer<T> {
        @Nullable T of(ByteBuffer message, Descriptors descriptors) throws IOException;
    }

    private <T> CompletableFuture<T> request(
            String text, String id, int type, int bodyBytes, Body body, List<Fd> descriptors, Answer<T> answer) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Reply onReply = (message, received) -> {
            if (Message.error(message) != 0) {
                throw new PauseException(text + ", " + Message.where(message), Message.error(message));
            }
            result.complete(answer.of(message, received));
            return true;
        };
        send(
                text,
                id,
                type,
                bodyBytes,
                body,
                descriptors,
                onReply,
                (failure, request) -> result.completeExceptionally(failure));
        return result;
    }

    private interface WithProgram<T> {
        CompletableFuture<T> send(List<Fd> all);
    }

    private <T> CompletableFuture<T> withProgram(
            String text, Program program, List<Fd> descriptors, WithProgram<T> send) {
        List<Fd> all = new ArrayList<>(descriptors.size() + 1);
        try (Fd file = linux.memory().memfdCreate("program", Memory.MFD_CLOEXEC)) {
            linux.files().writeFully(file, program.encode());
            all.add(file);
            all.addAll(descriptors);
            return send.send(all);
        } catch (ErrnoException e) {
            return CompletableFuture.failedFuture(new IOException(text + ": " + e.getMessage(), e));
        }
    }

    private void send(
            String text,
            String id,
            int type,
            int bodyBytes,
            Body body,
            List<Fd> descriptors,
            Reply onReply,
            BiConsumer<IOException, Request> onFailure) {
        int tag = nextTag.getAndUpdate(last -> last == Integer.MAX_VALUE ? 1 : last + 1);
        Request request = new Request(text, onReply, onFailure, new Timers());
        ByteBuffer message = Message.request(type, tag, id, bodyBytes);
        body.put(message);
        requests.put(tag, request);
        try {
            request.timers().timer = loop.schedule(deadline, () -> expire(tag));
            // never waits for pause: it may be stuck in its log's file system
            linux.sockets().sendMessage(socket, message.rewind(), descriptors, Socket.MSG_DONTWAIT);
        } catch (ErrnoException | IllegalStateException e) {
            if (requests.remove(tag) != null) {
                request.fail(new IOException("%s: pause %s: %s".formatted(text, name, e.getMessage()), e));
            }
        }
        if (closed.get()) {
            failAll(gone(null));
        }
    }

    private void expire(int tag) {
        Request late = requests.remove(tag);
        if (late != null) {
            late.fail(new IOException("%s: pause %s did not answer within %s".formatted(late.text(), name, deadline)));
        }
    }

    // ---- what arrives, on the event loop

    private void receive(int events) {
        if (closed.get()) {
            return;
        }
        Sockets.Message message;
        try {
            message = linux.sockets().receiveMessage(socket, Message.MAX_BYTES, Message.MAX_FDS, Socket.MSG_DONTWAIT);
        } catch (ErrnoException e) {
            switch (e.errno()) {
                case EAGAIN -> {}
                case ECONNRESET -> end(null); // it ended with our messages unread
                default -> end(e);
            }
            return;
        }
        if (message.isEnd()) {
            end(null);
            return;
        }
        try (Descriptors descriptors = new Descriptors(message.descriptors())) {
            ByteBuffer data = message.data().order(ByteOrder.LITTLE_ENDIAN);
            if (data.limit() < Message.HEAD_BYTES || message.truncated()) {
                throw new IllegalArgumentException("message of " + data.limit() + " bytes");
            }
            dispatch(data, descriptors);
        } catch (RuntimeException e) {
            end(new IOException("pause " + name + " sent what cannot be understood: " + e.getMessage(), e));
        }
    }

    private void dispatch(ByteBuffer message, Descriptors descriptors) {
        switch (Message.type(message)) {
            case Message.EVENT_EXIT -> listener.exited(ProcessInfo.of(message).exit());
            case Message.EVENT_LOG -> {
                ProcessInfo info = ProcessInfo.of(message);
                listener.logChanged(info.id(), info.log());
            }
            case Message.EVENT_CUT -> listener.attachmentCut(Message.id(message));
            default -> reply(message, descriptors);
        }
    }

    private void reply(ByteBuffer message, Descriptors descriptors) {
        int tag = Message.tag(message);
        if (tag == 0 && Message.type(message) == (Message.START | Message.REPLY)) {
            listener.startFinished(ProcessInfo.of(message).state(descriptors.take()));
            return;
        }
        Request request = requests.get(tag);
        if (request == null) {
            return; // its deadline had passed
        }
        try {
            if (request.onReply().take(message, descriptors) && requests.remove(tag) != null) {
                request.timers().cancel();
            }
        } catch (IOException e) {
            if (requests.remove(tag) != null) {
                request.fail(e);
            }
        }
    }

    private void end(@Nullable IOException cause) {
        if (closed.compareAndSet(false, true)) {
            registration.close();
            socket.close();
            failAll(gone(cause));
            listener.disconnected(cause);
        }
    }

    private IOException gone(@Nullable IOException cause) {
        return new IOException("pause " + name + " is gone", cause);
    }

    private void failAll(IOException cause) {
        for (Integer tag : List.copyOf(requests.keySet())) {
            Request request = requests.remove(tag);
            if (request != null) {
                request.fail(new IOException(request.text() + ": " + cause.getMessage(), cause.getCause()));
            }
        }
    }

    /** Waits for an answer; not on the event loop. */
    static <T> T await(CompletableFuture<T> answer) throws IOException {
        try {
            return answer.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof ProgramFailedException failure) {
                throw failure;
            }
            throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("waiting for pause");
        }
    }

    // ---- the process

    @Override
    public int pid() {
        return pid;
    }

    @Override
    public Fd pidfd() {
        Fd known = pidfd;
        if (known == null) {
            throw new IllegalStateException("pause " + name + " has not said hello");
        }
        return known;
    }

    @Override
    public List<StepResult> setupTolerated() {
        return setupTolerated;
    }

    @Override
    public Fd namespace(String type) throws IOException {
        Fd namespace = linux.files().open("/proc/" + pid + "/ns/" + type, Fcntl.O_RDONLY);
        // the number may have been given to another process meanwhile: ours is what the pidfd says
        if (linux.processes().pidOfPidfd(pidfd()).orElse(0) != pid) {
            namespace.close();
            throw gone(null);
        }
        return namespace;
    }

    @Override
    public void kill() throws IOException {
        try {
            linux.processes().pidfdSendSignal(pidfd(), Signal.SIGKILL);
        } catch (ErrnoException e) {
            if (!e.is(Errno.ESRCH)) {
                throw e;
            }
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            registration.close();
            socket.close();
            failAll(gone(null));
        }
        Fd known = pidfd;
        if (known != null) {
            known.close();
        }
    }

    @Override
    public String toString() {
        return "pause " + name + " (pid " + pid + ")";
    }
}
