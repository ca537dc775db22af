package dev.gantry.agent.main;

import dev.gantry.linux.ErrnoException;
import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Socket;
import dev.gantry.linux.Sockets;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the service manager how the agent is: {@code READY=1}, {@code WATCHDOG=1} at half the interval it asks for, {@code STOPPING=1}.
 *
 * @see <a href="https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html">sd_notify(3)</a>
 */
final class ServiceNotifier implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ServiceNotifier.class);

    private final Sockets sockets;
    private final Fd socket;
    private final ScheduledThreadPoolExecutor watchdog = new ScheduledThreadPoolExecutor(1, task -> {
        Thread thread = new Thread(task, "watchdog");
        thread.setDaemon(true);
        return thread;
    });

    private ServiceNotifier(Sockets sockets, Fd socket) {
        this.sockets = sockets;
        this.socket = socket;
    }

    /** Empty if no service manager asks to be told. */
    static Optional<ServiceNotifier> of(Map<String, String> environment) throws IOException {
        String path = environment.getOrDefault("NOTIFY_SOCKET", "");
        if (path.isEmpty()) {
            return Optional.empty();
        }
        Sockets sockets = Linux.system().sockets();
        Fd socket = sockets.socket(Socket.AF_UNIX, Socket.SOCK_DGRAM, 0);
        try {
            sockets.connect(socket, address(path));
            return Optional.of(new ServiceNotifier(sockets, socket));
        } catch (ErrnoException e) {
            socket.close();
            throw new IOException("connect to the service manager at NOTIFY_SOCKET=" + path + ": " + e.getMessage(), e);
        }
    }

    /** A {@code sockaddr_un}. An address in the abstract namespace is written with an at sign for its leading zero byte, and has none at its end. */
    private static byte[] address(String path) {
        ByteArrayOutputStream address = new ByteArrayOutputStream();
        address.writeBytes(ByteBuffer.allocate(2)
                .order(ByteOrder.nativeOrder())
                .putShort((short) Socket.AF_UNIX)
                .array());
        boolean isAbstract = path.startsWith("@");
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        if (isAbstract) {
            name[0] = 0;
        }
        address.writeBytes(name);
        if (!isAbstract) {
            address.write(0);
        }
        return address.toByteArray();
    }

    void ready(String status) {
        send("READY=1\nSTATUS=" + status);
    }

    void stopping() {
        send("STOPPING=1\nSTATUS=Stopping; pods keep running");
    }

    /** Sends keep-alives as long as {@code healthy} says yes. */
    @SuppressWarnings("FutureReturnValueIgnored") // ends with the executor
    void watch(Map<String, String> environment, BooleanSupplier healthy) {
        Optional<Duration> interval = watchdogInterval(environment);
        if (interval.isPresent()) {
            long micros = interval.get().toNanos() / 2_000;
            watchdog.scheduleAtFixedRate(
                    () -> {
                        if (healthy.getAsBoolean()) {
                            send("WATCHDOG=1");
                        }
                    },
                    0,
                    micros,
                    TimeUnit.MICROSECONDS);
        }
    }

    /** {@code WATCHDOG_USEC}, if it is meant for this process. */
    static Optional<Duration> watchdogInterval(Map<String, String> environment) {
        String pid = environment.getOrDefault("WATCHDOG_PID", "");
        if (!pid.isEmpty() && !pid.equals(String.valueOf(ProcessHandle.current().pid()))) {
            return Optional.empty();
        }
        try {
            long micros = Long.parseLong(environment.getOrDefault("WATCHDOG_USEC", "0"));
            return micros > 0 ? Optional.of(Duration.ofNanos(micros * 1_000)) : Optional.empty();
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    private void send(String state) {
        try {
            sockets.sendMessage(socket, state.getBytes(StandardCharsets.UTF_8), List.of());
        } catch (ErrnoException e) {
            LOG.atWarn().addKeyValue("state", state).setCause(e).log("Could not notify the service manager, going on");
        }
    }

    @Override
    public void close() {
        watchdog.shutdownNow();
        socket.close();
    }
}
