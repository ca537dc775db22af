package dev.gantry.agent.main;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.linux.Fd;
import dev.gantry.linux.Linux;
import dev.gantry.linux.Socket;
import dev.gantry.linux.Sockets;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class ServiceNotifierTest {
    @TempDir
    Path directory;

    private final Sockets sockets = Linux.system().sockets();

    private Fd bind(String name, boolean isAbstract) throws IOException {
        byte[] path = name.getBytes(StandardCharsets.UTF_8);
        ByteBuffer address = ByteBuffer.allocate(2 + path.length + 1).order(ByteOrder.nativeOrder());
        address.putShort((short) Socket.AF_UNIX);
        address.put(isAbstract ? new byte[1] : new byte[0]).put(path);
        Fd socket = sockets.socket(Socket.AF_UNIX, Socket.SOCK_DGRAM, 0);
        sockets.bind(socket, address.array());
        return socket;
    }

    private String receive(Fd socket) throws IOException {
        ByteBuffer message = ByteBuffer.allocate(1_000);
        int count = sockets.recv(socket, message, 0);
        return new String(message.array(), message.arrayOffset(), count, StandardCharsets.UTF_8);
    }

    private void talk(String name, Fd manager) throws IOException {
        try (manager;
                ServiceNotifier notifier =
                        ServiceNotifier.of(Map.of("NOTIFY_SOCKET", name)).orElseThrow()) {
            notifier.ready("Serving");
            assertThat(receive(manager)).isEqualTo("READY=1\nSTATUS=Serving");
            notifier.watch(Map.of("WATCHDOG_USEC", "20000"), () -> true);
            assertThat(receive(manager)).isEqualTo("WATCHDOG=1");
            assertThat(receive(manager)).isEqualTo("WATCHDOG=1");
        }
    }

    @Test
    void theManagerIsToldOverASocketWithAPath() throws IOException {
        String path = directory.resolve("notify.sock").toString();

        talk(path, bind(path, false));
    }

    @Test
    void theManagerIsToldOverAnAbstractSocket() throws IOException {
        String name = "gantry-test-" + ProcessHandle.current().pid();

        talk("@" + name, bind(name, true));
    }

    @Test
    void withoutAManagerNothingIsTold() throws IOException {
        assertThat(ServiceNotifier.of(Map.of())).isEmpty();
    }

    @Test
    void aWatchdogForAnotherProcessIsNotFed() {
        assertThat(ServiceNotifier.watchdogInterval(Map.of("WATCHDOG_USEC", "5000000", "WATCHDOG_PID", "1")))
                .isEmpty();
        assertThat(ServiceNotifier.watchdogInterval(Map.of("WATCHDOG_USEC", "5000000")))
                .contains(Duration.ofSeconds(5));
        assertThat(ServiceNotifier.watchdogInterval(Map.of("WATCHDOG_USEC", "soon")))
                .isEmpty();
    }
}
