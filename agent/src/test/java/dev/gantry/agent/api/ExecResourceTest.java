package dev.gantry.agent.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(20)
class ExecResourceTest {
    private static final String PATH = "/api/v1/namespaces/default/pods/web/exec";

    @TempDir
    Path directory;

    private final FakePodEngine engine = new FakePodEngine();
    private final FakeContainerIo io = new FakeContainerIo();
    private Path socket = Path.of("/unset");
    private ApiServer server;

    @BeforeEach
    void start() throws IOException {
        socket = directory.resolve("run/gantry.sock");
        engine.put(TestPods.running("web"));
        engine.run("web", "app", directory.resolve("x.log"), true, false);
        server = ApiServer.start(
                socket, engine.backend(directory, io, Optional.empty()), ApiLimits.STANDARD, TestPods.CLOCK);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private RawClient upgrade(String query, String protocol) throws IOException {
        RawClient client = new RawClient(socket);
        client.send("GET " + PATH + query + " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Protocol: "
                + protocol + "\r\n\r\n");
        return client;
    }

    private RawClient open(String query, String protocol) throws IOException {
        RawClient client = upgrade(query, protocol);
        assertThat(client.until("\r\n\r\n"))
                .startsWith("HTTP/1.1 101")
                .containsIgnoringCase("sec-websocket-protocol: " + protocol);
        return client.forget();
    }

    /** A masked binary frame of less than 126 bytes. */
    private static byte[] frame(int channel, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        ByteArrayOutputStream frame = new ByteArrayOutputStream();
        frame.write(0x82);
        frame.write(0x80 | (bytes.length + 1));
        frame.writeBytes(new byte[4]);
        frame.write(channel);
        frame.writeBytes(bytes);
        return frame.toByteArray();
    }

    @Test
    void outputAndExitCodeArriveOnTheirChannels() throws Exception {
        try (RawClient client = open("?command=sh&command=-c&command=x%20y&stdout=1&stderr=1", "v5.channel.k8s.io")) {
            FakeContainerIo.Played process = io.take();
            assertThat(process.request.command()).containsExactly("sh", "-c", "x y");
            assertThat(process.request.stdin()).isFalse();
            process.stdout.write("out".getBytes(StandardCharsets.UTF_8));
            process.stdout.flush();
            client.until("\u0001out");
            process.stderr.write("err".getBytes(StandardCharsets.UTF_8));
            process.stderr.flush();
            client.until("\u0002err");
            process.end(3);

            assertThat(client.rest())
                    .contains("\u0003{\"metadata\":{},\"status\":\"Failure\"")
                    .contains("\"reason\":\"NonZeroExitCode\"")
                    .contains("{\"reason\":\"ExitCode\",\"message\":\"3\"}");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"v4.channel.k8s.io", "v5.channel.k8s.io"})
    void successIsAStatusToo(String protocol) throws Exception {
        try (RawClient client = open("?command=true&stdout=1", protocol)) {
            io.take().end(0);

            assertThat(client.rest()).contains("\u0003{\"metadata\":{},\"status\":\"Success\"}");
        }
    }

    @Test
    void inputArrivesAndItsEndIsPassedOn() throws Exception {
        try (RawClient client = open("?command=cat&stdin=1&stdout=1", "v5.channel.k8s.io")) {
            FakeContainerIo.Played process = io.take();
            client.send(frame(0, "hello ")).send(frame(0, "world")).send(frame(255, "\u0000"));

            assertThat(new String(process.stdinRead.readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("hello world");
            process.end(0);
            client.rest();
        }
    }

    @Test
    void aTerminalIsResized() throws Exception {
        try (RawClient client = open("?command=sh&stdin=1&stdout=1&tty=1", "v5.channel.k8s.io")) {
            FakeContainerIo.Played process = io.take();
            assertThat(process.request.tty()).isTrue();
            client.send(frame(4, "{\"Width\":120,\"Height\":40}"))
                    .send(frame(4, "{\"Width\":0,\"Height\":40}"))
                    .send(frame(4, "nonsense"))
                    .send(frame(0, "q"));
            assertThat(process.stdinRead.read()).isEqualTo('q');
            assertThat(process.sizes).containsExactly("120x40");
            process.end(0);
            client.rest();
        }
    }

    @Test
    void aClientThatGoesTakesTheProcessAlong() throws Exception {
        RawClient client = open("?command=sleep&stdout=1", "v5.channel.k8s.io");
        FakeContainerIo.Played process = io.take();

        client.close();

        process.closed.await();
        process.end(137);
    }

    @Test
    void aChildThatKeepsTheOutputOpenDoesNotKeepTheExec() throws Exception {
        try (RawClient client = open("?command=sh&stdout=1&stderr=1", "v5.channel.k8s.io")) {
            FakeContainerIo.Played process = io.take();
            process.exit.complete(0);

            assertThat(client.rest()).contains("\"status\":\"Success\"");
        }
    }

    @Test
    void muchOutputArrivesWhole() throws Exception {
        try (RawClient client = open("?command=yes&stdout=1", "v5.channel.k8s.io")) {
            FakeContainerIo.Played process = io.take();
            byte[] block = "0123456789abcdef".repeat(2048).getBytes(StandardCharsets.UTF_8);
            Thread writer = new Thread(() -> {
                try {
                    for (int i = 0; i < 100; i++) {
                        process.stdout.write(block);
                    }
                    process.end(0);
                } catch (IOException e) {
                    // the assertion says so
                }
            });
            writer.start();

            long digits = client.rest().chars().filter(c -> c == 'f').count();
            assertThat(digits).isGreaterThanOrEqualTo(100 * 2048);
        }
    }

    @ParameterizedTest(name = "{0} is refused: {2}")
    @CsvSource({
        "'?stdout=1', 400, you must specify at least one command",
        "'?command=x', 400, 'at least one of stdin, stdout, stderr'",
        "'?command=x&tty=1&stdout=1&stderr=1', 400, tty and stderr cannot both be true",
        "'?command=x&stdout=1&container=other', 400, container other is not valid",
        "'?command=missing&stdout=1', 500, 'step 9, execve missing: ENOENT'",
    })
    void mistakesAreToldBeforeTheUpgrade(String query, int code, String message) throws IOException {
        try (RawClient client = upgrade(query, "v5.channel.k8s.io")) {
            assertThat(client.until(message)).startsWith("HTTP/1.1 " + code);
        }
    }

    @Test
    void anUnknownProtocolIsRefusedWithTheKnownOnes() throws IOException {
        try (RawClient client = upgrade("?command=x&stdout=1", "v9.channel.k8s.io")) {
            assertThat(client.until("v5.channel.k8s.io")).startsWith("HTTP/1.1 403");
        }
    }

    @Test
    void withoutAnUpgradeTheAnswerSaysWhatIsNeeded() throws IOException {
        assertThat(RawClient.get(socket, PATH + "?command=x&stdout=1"))
                .startsWith("HTTP/1.1 400")
                .contains("need a WebSocket");
    }

    @Test
    void aContainerThatDoesNotRunCannotBeEntered() throws IOException {
        engine.run("web", "app", directory.resolve("x.log"), false, false);

        try (RawClient client = upgrade("?command=x&stdout=1", "v5.channel.k8s.io")) {
            assertThat(client.until("does not run")).startsWith("HTTP/1.1 400");
        }
    }
}
