package dev.gantry.probes;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ServerSocketFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** Accepts on loopback, reads a request's head, answers with fixed bytes and hangs up; or never answers. */
final class MisbehavingServer implements AutoCloseable {
    private static final String PASSWORD = "changeit";

    private final ServerSocket socket;
    private final LinkedBlockingQueue<String> requests = new LinkedBlockingQueue<>();

    private MisbehavingServer(ServerSocketFactory sockets, @Nullable String answer) throws IOException {
        socket = sockets.createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        if (answer != null) {
            Thread thread = new Thread(() -> serve(answer), "misbehaving-server");
            thread.setDaemon(true);
            thread.start();
        }
    }

    static MisbehavingServer answering(String answer) throws IOException {
        return new MisbehavingServer(ServerSocketFactory.getDefault(), answer);
    }

    /** Speaks TLS, with a certificate of the directory's that nobody trusts, for another name, and expired. */
    static MisbehavingServer answeringOverTls(Path directory, String answer) throws Exception {
        Path file = directory.resolve("keys.p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "server",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=somebody.else",
                        "-startdate",
                        "-10d",
                        "-validity",
                        "1",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD,
                        "-keystore",
                        file.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (keytool.waitFor() != 0) {
            throw new IOException("keytool: " + output);
        }
        KeyStore store = KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, PASSWORD.toCharArray());
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(keys.getKeyManagers(), null, null);
        return new MisbehavingServer(tls.getServerSocketFactory(), answer);
    }

    static MisbehavingServer silent() throws IOException {
        return new MisbehavingServer(ServerSocketFactory.getDefault(), null);
    }

    static int closedPort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        }
    }

    int port() {
        return socket.getLocalPort();
    }

    String request() throws InterruptedException {
        String request = requests.poll(20, TimeUnit.SECONDS);
        if (request == null) {
            throw new AssertionError("no request came");
        }
        return request;
    }

    private void serve(String answer) {
        while (!socket.isClosed()) {
            try (Socket connection = socket.accept()) {
                InputStream in = connection.getInputStream();
                byte[] head = new byte[8192];
                int length = in.read(head);
                requests.add(new String(head, 0, Math.max(0, length), StandardCharsets.ISO_8859_1));
                connection.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
            } catch (SocketException e) {
                // closed, or the client went first: both are what a test may want
            } catch (IOException e) {
                requests.add("failed: " + e);
            }
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
