package dev.gantry.netns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.gantry.linux.netlink.IpPrefix;
import dev.gantry.netns.LoopbackPorts.Forward;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LoopbackPortsTest {
    private LoopbackPorts ports;

    @BeforeEach
    void start() throws IOException {
        ports = LoopbackPorts.start(System::nanoTime);
    }

    @AfterEach
    void close() {
        ports.close();
    }

    @Test
    void tcpIsPassedOnInBothDirections() throws IOException {
        int port = freePort();
        try (ServerSocket server = Echo.tcp("pod", 0)) {
            ports.open("a", "default/a", List.of(tcp(port, server.getLocalPort())));

            for (int i = 0; i < 20; i++) {
                assertThat(Echo.askTcp("127.0.0.1", port)).isEqualTo("pod to 127.0.0.1");
            }
        }
    }

    @Test
    void udpIsPassedOnInBothDirections() throws IOException {
        int port = freePort();
        try (DatagramSocket server = Echo.udp("pod", 0)) {
            ports.open(
                    "a",
                    "default/a",
                    List.of(new Forward(PortProtocol.UDP, local(port), local(server.getLocalPort()))));

            for (int i = 0; i < 20; i++) {
                assertThat(Echo.askUdp("127.0.0.1", port)).isEqualTo("pod to 127.0.0.1");
            }
        }
    }

    @Test
    void manyBytesAreNeitherLostNorMixedUp() throws Exception {
        int port = freePort();
        byte[] sent = new byte[3_000_000];
        for (int i = 0; i < sent.length; i++) {
            sent[i] = (byte) ((i * 31) >> 3);
        }
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            ports.open("a", "default/a", List.of(tcp(port, server.getLocalPort())));
            try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port);
                    Socket pod = server.accept()) {
                CompletableFuture<byte[]> mirrored = CompletableFuture.supplyAsync(() -> mirror(pod));
                CompletableFuture<byte[]> back = CompletableFuture.supplyAsync(() -> readAll(client));
                client.getOutputStream().write(sent);
                client.shutdownOutput();

                assertThat(mirrored.get(20, TimeUnit.SECONDS)).isEqualTo(sent);
                assertThat(Arrays.equals(back.get(20, TimeUnit.SECONDS), sent)).isTrue();
            }
        }
    }

    private static byte[] mirror(Socket pod) {
        byte[] received = readAll(pod);
        try {
            pod.getOutputStream().write(received);
            pod.shutdownOutput();
            return received;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] readAll(Socket socket) {
        try {
            return socket.getInputStream().readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aPodThatDoesNotListenEndsTheConnectionAndNothingElse() throws IOException {
        int port = freePort();
        int nobody = freePort();
        ports.open("a", "default/a", List.of(tcp(port, nobody)));

        assertThatIOException().isThrownBy(() -> {
            String answer = Echo.askTcp("127.0.0.1", port);
            throw new IOException("ended with '" + answer + "'");
        });
        try (ServerSocket server = new ServerSocket(nobody, 5, InetAddress.getLoopbackAddress());
                Socket client = new Socket(InetAddress.getLoopbackAddress(), port)) {
            server.accept().close();
            assertThat(client.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void closingASandboxEndsItsConnectionsAndFreesItsPorts() throws IOException {
        int port = freePort();
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            ports.open("a", "default/a", List.of(tcp(port, server.getLocalPort())));
            try (Socket client = new Socket(InetAddress.getLoopbackAddress(), port);
                    Socket pod = server.accept()) {
                ports.close("a");

                assertThat(endOf(client)).isEqualTo(-1);
                assertThat(endOf(pod)).isEqualTo(-1);
            }
        }
        ports.close("a");
        ports.open("b", "default/b", List.of(tcp(port, 1)));
    }

    private static int endOf(Socket socket) {
        try {
            return socket.getInputStream().read();
        } catch (IOException e) {
            return -1;
        }
    }

    @Test
    void aPortInUseIsRefusedAndNoneOfThePodsPortsStaysOpen() throws IOException {
        int free = freePort();
        try (ServerSocket taken = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            int port = taken.getLocalPort();
            assertThatExceptionOfType(NetworkException.class)
                    .isThrownBy(() -> ports.open("a", "default/a", List.of(tcp(free, 1), tcp(port, 1))))
                    .withMessageContaining("127.0.0.1:" + port + " is in use by another process of this host");
        }
        new ServerSocket(free, 5, InetAddress.getLoopbackAddress()).close();
    }

    @ParameterizedTest
    @CsvSource({
        "'', TCP, 10.88.0.2 fd00:88::2, 127.0.0.1->10.88.0.2 ::1->fd00:88::2",
        "'', UDP, 10.88.0.2, 127.0.0.1->10.88.0.2 ::1->10.88.0.2",
        "0.0.0.0, TCP, 10.88.0.2, 127.0.0.1->10.88.0.2 ::1->10.88.0.2",
        "127.0.0.1, TCP, 10.88.0.2 fd00:88::2, 127.0.0.1->10.88.0.2",
        "::1, TCP, 10.88.0.2 fd00:88::2, ::1->fd00:88::2",
        "192.0.2.2, TCP, 10.88.0.2, ''",
        "'', SCTP, 10.88.0.2, ''",
    })
    void loopbackAddressesAreListenedOnUnlessAnotherIsNamed(
            String hostIp, PortProtocol protocol, String pod, String expected) {
        PortMapping mapping = new PortMapping(
                protocol, Optional.of(hostIp).filter(ip -> !ip.isEmpty()).map(IpPrefix::parseAddress), 8080, 80);
        List<InetAddress> ips =
                Arrays.stream(pod.split(" ")).map(IpPrefix::parseAddress).toList();

        List<String> forwards = LoopbackPorts.forwards(ips, List.of(mapping)).stream()
                .map(forward -> IpPrefix.format(forward.listen().getAddress()) + "->"
                        + IpPrefix.format(forward.target().getAddress()))
                .toList();

        assertThat(String.join(" ", forwards)).isEqualTo(expected);
    }

    private static Forward tcp(int from, int to) {
        return new Forward(PortProtocol.TCP, local(from), local(to));
    }

    private static InetSocketAddress local(int port) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
