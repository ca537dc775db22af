package dev.gantry.images.store;

import dev.gantry.testing.OciImages;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Debian's docker-registry on a free port of loopback: plain HTTP, or TLS with a password. */
final class DockerRegistry implements AutoCloseable {
    static final String USER = "reader";
    static final String PASSWORD = "open sesame";
    private static final long START_SECONDS = 30;

    private final Process process;
    private final int port;
    private final boolean tls;
    private final HttpClient client;

    private DockerRegistry(Process process, int port, boolean tls, HttpClient client) {
        this.process = process;
        this.port = port;
        this.tls = tls;
        this.client = client;
    }

    static DockerRegistry plain(Path directory) throws Exception {
        return start(directory, false, "", HttpClient.newHttpClient());
    }

    /** Its certificate is {@code cert.pem} in the directory. */
    static DockerRegistry withPassword(Path directory) throws Exception {
        run(
                directory,
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=test",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-keyout",
                "key.pem",
                "-out",
                "cert.pem");
        run(directory, "htpasswd", "-Bbc", "htpasswd", USER, PASSWORD);
        String sections =
                "  tls: {certificate: %1$s/cert.pem, key: %1$s/key.pem}\nauth: {htpasswd: {realm: test, path: %1$s/htpasswd}}\n"
                        .formatted(directory);
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = Files.newInputStream(directory.resolve("cert.pem"))) {
            store.setCertificateEntry(
                    "ca", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return start(
                directory,
                true,
                sections,
                HttpClient.newBuilder().sslContext(context).build());
    }

    private static void run(Path directory, String... command) throws Exception {
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(List.of(command) + ": " + output);
        }
    }

    private static DockerRegistry start(Path directory, boolean tls, String sections, HttpClient client)
            throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Path config = Files.writeString(
                directory.resolve("config.yml"),
                "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: "
                        + directory.resolve("data") + "}}\nhttp:\n  addr: 127.0.0.1:" + port + "\n" + sections);
        Process process = new ProcessBuilder("docker-registry", "serve", config.toString())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile())
                .start();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (!accepts(port)) {
            if (process.waitFor(20, TimeUnit.MILLISECONDS) || System.nanoTime() > deadline) {
                process.destroyForcibly();
                throw new IOException("docker-registry does not start: " + Files.readString(directory.resolve("log")));
            }
        }
        return new DockerRegistry(process, port, tls, client);
    }

    private static boolean accepts(int port) {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    String authority() {
        return "127.0.0.1:" + port;
    }

    void push(OciImages.Image image, String repository, String tag) throws Exception {
        for (Map.Entry<String, byte[]> blob : image.blobs().entrySet()) {
            HttpResponse<String> upload =
                    send("POST", "/v2/" + repository + "/blobs/uploads/", new byte[0], "application/octet-stream");
            String location = upload.headers().firstValue("location").orElseThrow();
            URI uri = URI.create(location);
            String path = uri.getRawPath() + "?" + uri.getRawQuery() + "&digest=" + blob.getKey();
            expect(201, send("PUT", path, blob.getValue(), "application/octet-stream"));
        }
        expect(201, send("PUT", "/v2/" + repository + "/manifests/" + tag, image.manifest(), OciImages.MANIFEST));
    }

    private HttpResponse<String> send(String method, String path, byte[] body, String type) throws Exception {
        String credentials =
                Base64.getEncoder().encodeToString((USER + ":" + PASSWORD).getBytes(StandardCharsets.UTF_8));
        return client.send(
                HttpRequest.newBuilder(URI.create((tls ? "https://" : "http://") + authority() + path))
                        .header("Authorization", "Basic " + credentials)
                        .header("Content-Type", type)
                        .method(method, HttpRequest.BodyPublishers.ofByteArray(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static void expect(int status, HttpResponse<String> response) throws IOException {
        if (response.statusCode() != status) {
            throw new IOException(response + ": " + response.body());
        }
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
