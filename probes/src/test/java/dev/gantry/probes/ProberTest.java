package dev.gantry.probes;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against real sockets on loopback whose servers misbehave. */
class ProberTest {
    private static final Duration AMPLE = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(150);
    private static final MultiThreadIoEventLoopGroup GROUP =
            new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

    private final AtomicInteger execs = new AtomicInteger();
    private final Prober prober = new Prober(
            GROUP.next(),
            NioSocketChannel.class,
            Runnable::run,
            (id, command, timeout) -> CompletableFuture.completedFuture(
                    execs.incrementAndGet() < 3
                            ? new ProbeResult.NotTried("runtime away")
                            : new ProbeResult.Passed(id + command)));

    @AfterAll
    static void stopLoop() {
        GROUP.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    @ParameterizedTest(name = "status code {0} passes: {1}")
    @CsvSource({"200, true", "204, true", "399, true", "199, false", "400, false", "404, false", "500, false"})
    void theStatusCodeDecides(int code, boolean passes) throws Exception {
        try (MisbehavingServer server =
                MisbehavingServer.answering("HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\nok".formatted(code))) {
            ProbeResult result = get(server.port(), AMPLE);

            if (passes) {
                assertThat(result.isSuccess()).isTrue();
            } else {
                assertThat(result).isEqualTo(new ProbeResult.Failed("HTTP probe failed with statuscode: " + code));
            }
        }
    }

    @Test
    void theRequestCarriesKubernetesHeadersAndTheSpecsOwn() throws Exception {
        try (MisbehavingServer server = MisbehavingServer.answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) {
            var get = new ProbeAction.HttpGet(
                    false,
                    "127.0.0.1",
                    server.port(),
                    "/healthz?full",
                    List.of(
                            Map.entry("Host", "web.example"),
                            Map.entry("X-A", "1"),
                            Map.entry("X-A", "2"),
                            Map.entry("X-Empty", ""),
                            Map.entry("Accept", "")));

            prober.tryOnce(get, AMPLE).get();

            assertThat(server.request())
                    .startsWith("GET /healthz?full HTTP/1.1\r\n")
                    .contains("Host: web.example\r\n", "user-agent: kube-probe/1.36\r\n", "X-A: 1\r\n", "X-A: 2\r\n")
                    .contains("X-Empty: \r\n")
                    .doesNotContainIgnoringCase("accept:");
        }
    }

    /** What a pod's server does is no other pod's business, though all share one event loop. */
    @Test
    void attemptsThatHangDelayNoOther() throws Exception {
        Prober hangingExecs = new Prober(
                GROUP.next(),
                NioSocketChannel.class,
                Runnable::run,
                (id, command, timeout) -> new CompletableFuture<>());
        try (MisbehavingServer silent = MisbehavingServer.silent();
                MisbehavingServer good =
                        MisbehavingServer.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) {
            List<CompletableFuture<ProbeResult>> hanging = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                hanging.add(hangingExecs.tryOnce(get(silent.port()), AMPLE));
                hanging.add(hangingExecs.tryOnce(new ProbeAction.Exec("c" + i, List.of("sleep", "1000")), AMPLE));
            }

            assertThat(hangingExecs.tryOnce(get(good.port()), AMPLE).get(10, TimeUnit.SECONDS))
                    .isEqualTo(new ProbeResult.Passed("ok"));
            assertThat(hanging).noneMatch(CompletableFuture::isDone);
            hanging.forEach(attempt -> attempt.cancel(true));
        }
    }

    @Test
    void aNameThatNobodyAnswersForDelaysNoOther() throws Exception {
        Queue<Runnable> lookups = new ConcurrentLinkedQueue<>();
        Prober probes = new Prober(
                GROUP.next(),
                NioSocketChannel.class,
                lookups::add,
                (id, command, timeout) -> new CompletableFuture<>());
        ProbeAction.TcpSocket named = new ProbeAction.TcpSocket("somewhere.invalid", 80);
        try (MisbehavingServer good = MisbehavingServer.answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) {
            CompletableFuture<ProbeResult> waiting = probes.tryOnce(named, AMPLE);

            assertThat(probes.tryOnce(named, SHORT).get(10, TimeUnit.SECONDS))
                    .isEqualTo(new ProbeResult.Failed("dial tcp somewhere.invalid:80: no answer within 150ms"));
            assertThat(probes.tryOnce(get(good.port()), AMPLE).get(10, TimeUnit.SECONDS))
                    .isEqualTo(new ProbeResult.Passed("ok"));
            assertThat(lookups).as("one for all who ask for the name").hasSize(1);
            assertThat(waiting).isNotDone();
            lookups.remove().run();
            assertThat(waiting.get(10, TimeUnit.SECONDS))
                    .isEqualTo(new ProbeResult.Failed("dial tcp somewhere.invalid:80: no such host somewhere.invalid"));
        }
    }

    @Test
    void whereTooManyNamesAreLookedUpTheProbeWasNotTried() throws Exception {
        Prober probes = new Prober(
                GROUP.next(),
                NioSocketChannel.class,
                task -> {
                    throw new RejectedExecutionException("full");
                },
                (id, command, timeout) -> new CompletableFuture<>());

        assertThat(probes.tryOnce(new ProbeAction.TcpSocket("somewhere.invalid", 80), AMPLE)
                        .get(10, TimeUnit.SECONDS))
                .isEqualTo(
                        new ProbeResult.NotTried(
                                "dial tcp somewhere.invalid:80: too many names of hosts are being looked up, somewhere.invalid is not"));
    }

    @Test
    void anAttemptIsMadeOnTheLoopWhoeverAsksForIt() throws Exception {
        EventLoop loop = GROUP.next();
        BlockingQueue<Boolean> onLoop = new ArrayBlockingQueue<>(1);
        Prober probes = new Prober(
                loop,
                NioSocketChannel.class,
                task -> {
                    onLoop.add(loop.inEventLoop());
                    task.run();
                },
                (id, command, timeout) -> new CompletableFuture<>());

        assertThat(probes.tryOnce(new ProbeAction.TcpSocket("somewhere.invalid", 80), AMPLE)
                        .get(10, TimeUnit.SECONDS))
                .isInstanceOf(ProbeResult.Failed.class);
        assertThat(onLoop.poll(10, TimeUnit.SECONDS)).isTrue();
    }

    private static ProbeAction.HttpGet get(int port) {
        return new ProbeAction.HttpGet(false, "127.0.0.1", port, "/", List.of());
    }

    @Test
    void nobodyAsksWhoseCertificateItIs(@TempDir Path directory) throws Exception {
        String answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        try (MisbehavingServer server = MisbehavingServer.answeringOverTls(directory, answer)) {
            ProbeAction.HttpGet get = new ProbeAction.HttpGet(true, "127.0.0.1", server.port(), "/healthz", List.of());

            assertThat(prober.tryOnce(get, AMPLE).get()).isEqualTo(new ProbeResult.Passed("ok"));
            assertThat(server.request()).startsWith("GET /healthz HTTP/1.1\r\n");
        }
    }

    @Test
    void aServerWithoutTlsFailsAnHttpsProbe() throws Exception {
        try (MisbehavingServer server = MisbehavingServer.answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) {
            ProbeAction.HttpGet get = new ProbeAction.HttpGet(true, "127.0.0.1", server.port(), "/", List.of());

            assertThat(prober.tryOnce(get, AMPLE).get())
                    .isEqualTo(new ProbeResult.Failed(
                            "Get \"https://127.0.0.1:%d/\": the server does not speak TLS".formatted(server.port()),
                            true));
        }
    }

    @Test
    void aServerThatAcceptsAndSaysNothingFailsAtTheTimeout() throws Exception {
        try (MisbehavingServer server = MisbehavingServer.silent()) {
            assertThat(get(server.port(), SHORT))
                    .isEqualTo(new ProbeResult.Failed(
                            "Get \"http://127.0.0.1:%d/\": no answer within 150ms".formatted(server.port())));
        }
    }

    @Test
    void aConnectionCutInTheMiddleFails() throws Exception {
        try (MisbehavingServer server =
                MisbehavingServer.answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")) {
            assertThat(get(server.port(), AMPLE))
                    .isEqualTo(new ProbeResult.Failed(
                            "Get \"http://127.0.0.1:%d/\": unexpected EOF".formatted(server.port())));
        }
    }

    @Test
    void noMoreThanTenKibibytesAreRead() throws Exception {
        String body = "x".repeat(50_000);
        try (MisbehavingServer server =
                MisbehavingServer.answering("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + body)) {
            ProbeResult result = get(server.port(), AMPLE);

            assertThat(((ProbeResult.Passed) result).output()).hasSize(ProbeResult.MAX_OUTPUT_BYTES);
        }
    }

    @Test
    void aRedirectOnTheSameHostIsFollowed() throws Exception {
        try (MisbehavingServer target = MisbehavingServer.answering("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n");
                MisbehavingServer server = MisbehavingServer.answering(
                        "HTTP/1.1 302 X\r\nLocation: http://127.0.0.1:%d/there\r\nContent-Length: 0\r\n\r\n"
                                .formatted(target.port()))) {
            assertThat(get(server.port(), AMPLE))
                    .isEqualTo(new ProbeResult.Failed("HTTP probe failed with statuscode: 503"));
            assertThat(target.request()).startsWith("GET /there ");
        }
    }

    @Test
    void aRedirectToAnotherHostPassesWithAWarning() throws Exception {
        try (MisbehavingServer server = MisbehavingServer.answering(
                "HTTP/1.1 301 X\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n")) {
            assertThat(get(server.port(), AMPLE)).isInstanceOf(ProbeResult.Warned.class);
        }
    }

    @Test
    void aLoopOfRedirectsEnds() throws Exception {
        try (MisbehavingServer server =
                MisbehavingServer.answering("HTTP/1.1 302 X\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")) {
            assertThat(get(server.port(), AMPLE))
                    .isEqualTo(new ProbeResult.Failed(
                            "Get \"http://127.0.0.1:%d/again\": stopped after 10 redirects".formatted(server.port())));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"SSH-2.0-OpenSSH\r\n", "HTTP/1.1 x\r\n\r\n", "\0\0\0\0\0\0\0\0\r\n\r\n"})
    void whatIsNotHttpFails(String answer) throws Exception {
        try (MisbehavingServer server = MisbehavingServer.answering(answer)) {
            assertThat(get(server.port(), AMPLE)).isInstanceOf(ProbeResult.Failed.class);
        }
    }

    @Test
    void aClosedPortIsRefused() throws Exception {
        int port = MisbehavingServer.closedPort();

        assertThat(prober.tryOnce(new ProbeAction.TcpSocket("127.0.0.1", port), AMPLE)
                        .get())
                .isEqualTo(new ProbeResult.Failed("dial tcp 127.0.0.1:%d: connection refused".formatted(port)));
        assertThat(get(port, AMPLE))
                .isEqualTo(new ProbeResult.Failed("Get \"http://127.0.0.1:%d/\": connection refused".formatted(port)));
    }

    @Test
    void anOpenPortPassesTcp() throws Exception {
        try (MisbehavingServer server = MisbehavingServer.silent()) {
            assertThat(prober.tryOnce(new ProbeAction.TcpSocket("127.0.0.1", server.port()), AMPLE)
                            .get())
                    .isEqualTo(new ProbeResult.Passed(""));
        }
    }

    @Test
    void aServerThatDoesNotSpeakHttp2FailsGrpc() throws Exception {
        try (MisbehavingServer server = MisbehavingServer.answering("HTTP/1.1 400 Bad Request\r\n\r\n")) {
            assertThat(prober.tryOnce(new ProbeAction.Grpc("127.0.0.1", server.port(), ""), AMPLE)
                            .get())
                    .isInstanceOfSatisfying(
                            ProbeResult.Failed.class,
                            failed -> assertThat(failed.reason())
                                    .startsWith("\"127.0.0.1:%d\" does not speak HTTP/2: ".formatted(server.port())));
        }
    }

    @Test
    void aProbeThatCouldNotBeMadeIsTriedAgainAtOnce() throws Exception {
        BlockingQueue<ProbeResult> results = new ArrayBlockingQueue<>(10);
        ProbeSpec spec = ProbeSpec.withDefaults(new ProbeAction.Exec("c1", List.of("true")));

        var handle = prober.start(
                ProbeKind.READINESS,
                spec,
                Duration.ZERO,
                ProbeHistory.startingAs(ProbeVerdict.UNHEALTHY),
                (result, before, after) -> results.add(result));

        assertThat(results.poll(20, TimeUnit.SECONDS)).isEqualTo(new ProbeResult.Passed("c1[true]"));
        assertThat(execs).hasValue(3);
        handle.stop();
    }

    @Test
    void aStartupProbeEndsWithItsVerdict() throws Exception {
        BlockingQueue<ProbeVerdict> verdicts = new ArrayBlockingQueue<>(10);
        int port = MisbehavingServer.closedPort();
        ProbeSpec spec = new ProbeSpec(
                new ProbeAction.TcpSocket("127.0.0.1", port),
                Duration.ZERO,
                Duration.ofMillis(1),
                Duration.ofSeconds(5),
                1,
                3);

        prober.start(
                ProbeKind.STARTUP,
                spec,
                Duration.ZERO,
                ProbeHistory.startingAs(ProbeVerdict.UNKNOWN),
                (result, before, after) -> verdicts.add(after.verdict()));

        assertThat(verdicts.poll(20, TimeUnit.SECONDS)).isEqualTo(ProbeVerdict.UNKNOWN);
        assertThat(verdicts.poll(20, TimeUnit.SECONDS)).isEqualTo(ProbeVerdict.UNKNOWN);
        assertThat(verdicts.poll(20, TimeUnit.SECONDS)).isEqualTo(ProbeVerdict.UNHEALTHY);
        assertThat(verdicts.poll(50, TimeUnit.MILLISECONDS)).isNull();
    }

    @Test
    void aPokedProbeDoesNotWaitForItsPeriod() throws Exception {
        BlockingQueue<ProbeResult> results = new ArrayBlockingQueue<>(10);
        try (MisbehavingServer server = MisbehavingServer.silent()) {
            ProbeSpec spec = new ProbeSpec(
                    new ProbeAction.TcpSocket("127.0.0.1", server.port()),
                    Duration.ZERO,
                    Duration.ofHours(1),
                    Duration.ofSeconds(5),
                    1,
                    3);
            var handle = prober.start(
                    ProbeKind.READINESS,
                    spec,
                    Duration.ZERO,
                    ProbeHistory.startingAs(ProbeVerdict.UNHEALTHY),
                    (result, before, after) -> results.add(result));
            assertThat(results.poll(20, TimeUnit.SECONDS)).isNotNull();

            handle.poke();

            assertThat(results.poll(20, TimeUnit.SECONDS)).isNotNull();
            handle.stop();
        }
    }

    private ProbeResult get(int port, Duration timeout) throws Exception {
        return prober.tryOnce(new ProbeAction.HttpGet(false, "127.0.0.1", port, "/", List.of()), timeout)
                .get();
    }
}
