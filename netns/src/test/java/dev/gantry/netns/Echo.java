package dev.gantry.netns;

import dev.gantry.linux.netlink.IpPrefix;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;

/** Servers and clients for a question of any kind; the answer is the server's name and who asked. */
final class Echo {
    private static final int MILLIS = 2000;

    private Echo() {}

    /** In the calling thread's namespace; ends with the returned socket. */
    static ServerSocket tcp(String name, int port) throws IOException {
        ServerSocket server = new ServerSocket(port);
        start(() -> {
            while (!server.isClosed()) {
                try (Socket client = server.accept()) {
                    client.getInputStream().readAllBytes();
                    client.getOutputStream().write(answer(name, client.getInetAddress()));
                } catch (SocketException e) {
                    // closed by the test, or the client went away
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        });
        return server;
    }

    static DatagramSocket udp(String name, int port) throws IOException {
        DatagramSocket server = new DatagramSocket(port);
        start(() -> {
            while (!server.isClosed()) {
                try {
                    DatagramPacket packet = new DatagramPacket(new byte[100], 100);
                    server.receive(packet);
                    byte[] answer = answer(name, packet.getAddress());
                    server.send(new DatagramPacket(answer, answer.length, packet.getSocketAddress()));
                } catch (SocketException e) {
                    // closed by the test
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        });
        return server;
    }

    private static void start(Runnable server) {
        Thread thread = new Thread(server, "echo");
        thread.setDaemon(true);
        thread.start();
    }

    private static byte[] answer(String name, InetAddress from) {
        return (name + " to " + IpPrefix.format(from)).getBytes(StandardCharsets.UTF_8);
    }

    /** Asks from the calling thread's namespace. */
    static String askTcp(String address, int port) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(address(address, port), MILLIS);
            socket.setSoTimeout(MILLIS);
            socket.getOutputStream().write(new byte[100_000]);
            socket.shutdownOutput();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    static String askUdp(String address, int port) throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            return askUdp(socket, address, port);
        }
    }

    static String askUdp(DatagramSocket socket, String address, int port) throws IOException {
        socket.setSoTimeout(MILLIS);
        socket.send(new DatagramPacket(new byte[10], 10, address(address, port)));
        DatagramPacket answer = new DatagramPacket(new byte[100], 100);
        socket.receive(answer);
        return new String(answer.getData(), 0, answer.getLength(), StandardCharsets.UTF_8);
    }

    private static InetSocketAddress address(String address, int port) {
        return new InetSocketAddress(IpPrefix.parseAddress(address), port);
    }
}
