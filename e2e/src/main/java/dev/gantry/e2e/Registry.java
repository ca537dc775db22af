package dev.gantry.e2e;

import dev.gantry.packaging.OciArchive;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Debian's docker-registry on a loopback port: plain HTTP for everybody, or TLS with a password. */
public final class Registry implements AutoCloseable {
    /** The user of a registry with a password. */
    public static final String USER = "reader";
    /** The password. */
    public static final String PASSWORD = "correct horse";

    private final Process process;
    private final URI base;
    private final Path directory;
    private final Optional<Path> certificate;
    private final HttpClient client;

    private Registry(Process process, URI base, Path directory, Optional<Path> certificate, HttpClient client) {
        this.process = process;
        this.base = base;
        this.directory = directory;
        this.certificate = certificate;
        this.client = client;
    }

    /** Starts one that speaks plain HTTP and asks for no password. */
    public static Registry plain(Path directory) throws IOException, InterruptedException {
        return start(directory, Optional.empty(), "", HttpClient.newHttpClient());
    }

    /** Starts one that speaks TLS with a certificate of its own making, and asks for {@link #PASSWORD}. */
    public static Registry withPassword(Path directory) throws IOException, InterruptedException {
        Path certificate = certificate(directory, "IP:127.0.0.1,DNS:localhost");
        Command htpasswd = Command.run("htpasswd", "-Bbn", USER, PASSWORD);
        require(htpasswd);
        Files.writeString(directory.resolve("htpasswd"), htpasswd.output().strip() + "\n");
        String sections = tls(directory)
                + "auth: {htpasswd: {realm: test, path: '%s'}}\n".formatted(directory.resolve("htpasswd"));
        return start(
                directory,
                Optional.of(certificate),
                sections,
                HttpClient.newBuilder().sslContext(trusting(certificate)).build());
    }

    /**
     * Starts one that stands in for others: it speaks TLS on their port, 443, and asks for no password.
     *
     * @param address one of this machine's own, like 127.0.0.2
     * @param names those that its certificate is for
     */
    public static Registry named(Path directory, String address, List<String> names)
            throws IOException, InterruptedException {
        StringBuilder alternatives = new StringBuilder("IP:" + address);
        names.forEach(name -> alternatives.append(",DNS:").append(name));
        Path certificate = certificate(directory, alternatives.toString());
        return start(
                directory,
                address + ":443",
                Optional.of(certificate),
                tls(directory),
                HttpClient.newBuilder().sslContext(trusting(certificate)).build());
    }

    private static Path certificate(Path directory, String alternativeNames) throws IOException, InterruptedException {
        Files.createDirectories(directory);
        Path certificate = directory.resolve("ca.crt");
        require(Command.run(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=gantry test registry",
                "-addext",
                "subjectAltName=" + alternativeNames,
                "-keyout",
                directory.resolve("ca.key").toString(),
                "-out",
                certificate.toString()));
        return certificate;
    }

    private static String tls(Path directory) {
        return "  tls: {certificate: '%s', key: '%s'}\n"
                .formatted(directory.resolve("ca.crt"), directory.resolve("ca.key"));
    }

    private static Registry start(Path directory, Optional<Path> certificate, String sections, HttpClient client)
            throws IOException, InterruptedException {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        return start(directory, "127.0.0.1:" + port, certificate, sections, client);
    }

    private static Registry start(
            Path directory, String address, Optional<Path> certificate, String sections, HttpClient client)
            throws IOException, InterruptedException {
        Path config = Files.writeString(
                Files.createDirectories(directory).resolve("config.yml"),
                """
                version: 0.1
                log: {level: error, accesslog: {disabled: true}}
                storage: {filesystem: {rootdirectory: '%s'}, delete: {enabled: true}}
                http:
                  addr: '%s'
                """.formatted(directory.resolve("data"), address) + sections);
        Process process = new ProcessBuilder("docker-registry", "serve", config.toString())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("log").toFile())
                .start();
        URI base = URI.create((certificate.isPresent() ? "https" : "http") + "://" + address);
        Registry registry = new Registry(process, base, directory, certificate, client);
        Await.until(
                Duration.ofSeconds(20),
                "docker-registry to answer on " + address,
                () -> registry.send(registry.request("/v2/").build()).statusCode() == 200,
                registry::log);
        return registry;
    }

    /** {@code 127.0.0.1:PORT}. */
    public String host() {
        return base.getAuthority();
    }

    /** The certificate to trust; empty for plain HTTP. */
    public Optional<Path> certificate() {
        return certificate;
    }

    /** The reference under which an image that was pushed here is pulled. */
    public String reference(String repository) {
        return host() + "/" + repository + ":1";
    }

    /** The id of the process, for signals. */
    public long pid() {
        return process.pid();
    }

    /** Uploads an image with the tag 1. */
    public void push(String repository, OciArchive image) throws IOException, InterruptedException {
        push(repository, image, "1");
    }

    /** Uploads an image. */
    public void push(String repository, OciArchive image, String tag) throws IOException, InterruptedException {
        for (Map.Entry<String, byte[]> blob : image.blobs().entrySet()) {
            HttpResponse<String> upload = send(request("/v2/" + repository + "/blobs/uploads/")
                    .POST(HttpRequest.BodyPublishers.noBody())
                    .build());
            String location = base.resolve(upload.headers()
                            .firstValue("Location")
                            .orElseThrow(() -> new IOException("start an upload: status " + upload.statusCode())))
                    .toString();
            String separator = location.contains("?") ? "&" : "?";
            created(send(request(location + separator + "digest=" + blob.getKey())
                    .header("Content-Type", "application/octet-stream")
                    .PUT(HttpRequest.BodyPublishers.ofByteArray(blob.getValue()))
                    .build()));
        }
        created(send(request("/v2/" + repository + "/manifests/" + tag)
                .header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
                .PUT(HttpRequest.BodyPublishers.ofByteArray(image.manifest()))
                .build()));
    }

    private HttpRequest.Builder request(String location) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(base.resolve(location)).timeout(Duration.ofSeconds(60));
        if (certificate.isPresent()) {
            String credentials = USER + ":" + PASSWORD;
            request.header(
                    "Authorization",
                    "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8)));
        }
        return request;
    }

    private HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    private static void created(HttpResponse<String> response) throws IOException {
        if (response.statusCode() != 201) {
            throw new IOException("%s %s: status %d, %s"
                    .formatted(response.request().method(), response.uri(), response.statusCode(), response.body()));
        }
    }

    private static void require(Command command) throws IOException {
        if (command.exitCode() != 0) {
            throw new IOException(command.words() + ": exit code " + command.exitCode() + ", " + command.errors());
        }
    }

    private static SSLContext trusting(Path certificate) throws IOException {
        try (InputStream in = Files.newInputStream(certificate)) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            store.setCertificateEntry(
                    "registry", CertificateFactory.getInstance("X.509").generateCertificate(in));
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IOException("trust " + certificate, e);
        }
    }

    private String log() {
        try {
            return "Its log: " + Files.readString(directory.resolve("log"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Override
    public void close() throws IOException {
        Command.end(process);
    }
}
