package dev.gantry.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.gantry.testing.OciImages;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.Reader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A registry that is slow is watched, not waited for in the dark; mirrors of a node are asked before it. */
@RequiresRoot
@RequiresTool("busybox")
@Timeout(
        value = 120,
        threadMode = Timeout.ThreadMode.SEPARATE_THREAD) // a read that nothing comes to hears no interrupt
class PullProgressIT {
    @TempDir
    Path directory;

    private final CountDownLatch gate = new CountDownLatch(1);
    private final ConcurrentLinkedQueue<String> requests = new ConcurrentLinkedQueue<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final OciImages.Image image;
    private final HttpServer registry;

    PullProgressIT() throws IOException {
        byte[] random = new byte[3_000_000];
        new Random(6).nextBytes(random);
        image = OciImages.image("slow:1").busybox().nextLayer().file("/random", random, 0644);
        registry = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    }

    @BeforeEach
    void serve() {
        registry.setExecutor(threads);
        registry.createContext("/", this::answer);
        registry.start();
    }

    @AfterEach
    void stop() {
        gate.countDown();
        registry.stop(0);
        threads.shutdownNow();
    }

    private String authority() {
        return "127.0.0.1:" + registry.getAddress().getPort();
    }

    /** Of the large layer one half comes at once, the rest when the gate is open. */
    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            requests.add(exchange.getRequestURI().toString());
            byte[] content = path.contains("/manifests/")
                    ? image.manifest()
                    : path.equals("/v2/")
                            ? new byte[] {'{', '}'}
                            : image.blobs().get(path.substring(path.lastIndexOf('/') + 1));
            if (content == null) {
                exchange.sendResponseHeaders(404, -1);
                return;
            }
            exchange.getResponseHeaders().add("Content-Type", OciImages.MANIFEST);
            exchange.sendResponseHeaders(200, content.length);
            OutputStream out = exchange.getResponseBody();
            int half = content.length / 2;
            out.write(content, 0, half);
            out.flush();
            if (content.length > 2_000_000) {
                gate.await();
            }
            out.write(content, half, content.length - half);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private String manifest(String reference) {
        return """
                apiVersion: v1
                kind: Pod
                metadata: {name: slow}
                spec:
                  restartPolicy: Never
                  terminationGracePeriodSeconds: 1
                  containers:
                  - name: main
                    image: %s
                    command: [/bin/busybox, echo, it is here]
                """.formatted(reference);
    }

    /** Reads until the text is there; returns all that was read. */
    private static String readUntil(Reader in, StringBuilder read, String text) throws IOException {
        char[] buffer = new char[4096];
        while (read.indexOf(text) < 0) {
            int n = in.read(buffer);
            if (n < 0) {
                throw new AssertionError("'" + text + "' did not come, but: " + read);
            }
            read.append(buffer, 0, n);
        }
        return read.toString();
    }

    @Test
    @RequiresTool("script")
    void aPullIsSeenWhileAPodIsRunOnATerminal() throws Exception {
        Path file = Files.writeString(directory.resolve("slow.yaml"), manifest(authority() + "/slow:1"));
        Path node = directory.resolve("node");
        try (AgentProcess agent = AgentProcess.start(node)) {
            String command = String.join(" ", agent.commandLine("run", "-f", file.toString()));
            ProcessBuilder builder =
                    new ProcessBuilder("script", "-qec", command, "/dev/null").redirectErrorStream(true);
            builder.environment().put("TERM", "xterm");
            builder.environment().put("COLUMNS", "150");
            Process run = builder.start();
            StringBuilder read = new StringBuilder();
            try (Reader in = new InputStreamReader(run.getInputStream(), StandardCharsets.UTF_8)) {
                readUntil(in, read, "layers 1/2");

                assertThat(read.toString())
                        .contains(authority() + "/slow:1: ")
                        .containsPattern("[0-9.]+[kM]B/[0-9.]+MB");
                String follow = String.valueOf(agent.api()
                        .get("/gantry/v1/images/pull?image=" + "other/image")
                        .body());
                assertThat(follow).isEmpty();
                Process watch = new ProcessBuilder(agent.commandLine("image", "pull", authority() + "/slow:1")).start();
                StringBuilder plain = new StringBuilder();
                try (Reader lines = new InputStreamReader(watch.getInputStream(), StandardCharsets.UTF_8)) {
                    readUntil(lines, plain, " done\n");
                    gate.countDown();
                    readUntil(lines, plain, "/slow:1  sha256:");
                }
                assertThat(watch.waitFor()).isZero();
                assertThat(plain.toString())
                        .contains(": " + OciImages.digest(image.layers().get(0)) + " done\n")
                        .contains(": " + OciImages.digest(image.layers().get(1)) + " done\n");

                readUntil(in, read, "it is here");
                readUntil(in, read, "gone");
            }
            assertThat(run.waitFor()).isZero();
            assertThat(read.substring(read.indexOf("Pulled"))).doesNotContain("layers ");
        }
        assertThat(requests.stream().filter(request -> request.contains("/blobs/")))
                .hasSize(3);
    }

    @Test
    void aMirrorOfTheNodeStandsInForARegistryThatIsAway() throws Exception {
        gate.countDown();
        Path node = Files.createDirectories(directory.resolve("node"));
        Path host = Files.createDirectories(node.resolve("certs.d/away.invalid"));
        Files.writeString(host.resolve("hosts.toml"), "[host.\"http://" + authority() + "\"]\n");
        try (AgentProcess agent = AgentProcess.start(node)) {
            Command run = agent.gantry(
                    "run",
                    "-f",
                    Files.writeString(directory.resolve("m.yaml"), manifest("away.invalid/slow:1"))
                            .toString());

            assertThat(run.output()).isEqualTo("it is here\n");
            assertThat(requests).contains("/v2/slow/manifests/1?ns=away.invalid");

            Files.writeString(host.resolve("hosts.toml"), "[host.\"http://" + authority() + "\"]\nskip = true\n");
            Command wrong = agent.gantry("image", "pull", "away.invalid/other:1");
            assertThat(wrong.exitCode()).isEqualTo(1);
            assertThat(wrong.errors())
                    .contains(host.resolve("hosts.toml") + ": host.\"http://" + authority()
                            + "\".skip: unknown field, known are ca, capabilities");
        }
    }
}
