package dev.gantry.agent.hook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gantry.agent.event.PodReference;
import dev.gantry.probes.ProbeResult;
import dev.gantry.probes.Prober;
import dev.gantry.testing.FakeClock;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.LifecycleHandler;
import io.fabric8.kubernetes.api.model.LifecycleHandlerBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LifecycleHooksTest {
    private static final EventLoopGroup LOOP = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private static final Duration AMPLE = Duration.ofSeconds(20);

    private final FakeClock clock = new FakeClock();
    private final List<String> events = new CopyOnWriteArrayList<>();
    private final CompletableFuture<ProbeResult> command = new CompletableFuture<>();
    private final BlockingQueue<String> commands = new LinkedBlockingQueue<>();
    private final LifecycleHooks hooks = new LifecycleHooks(
            (container, words, timeout) -> {
                commands.add(container + words + timeout);
                return command;
            },
            () -> new Prober(
                    LOOP.next(),
                    NioSocketChannel.class,
                    Runnable::run,
                    (container, words, timeout) -> CompletableFuture.completedFuture(new ProbeResult.Passed(""))),
            clock.timers(),
            (pod, container, warning, reason, message) -> events.add(reason + ": " + message));

    @AfterAll
    static void end() {
        LOOP.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    private CompletableFuture<HookResult> run(LifecycleHandler handler, Duration timeout) {
        return hooks.run(
                new HookCall(
                        new PodReference("default", "web", "uid-1"),
                        new ContainerBuilder()
                                .withName("main")
                                .addNewPort()
                                .withName("http")
                                .withContainerPort(1)
                                .endPort()
                                .build(),
                        "c1",
                        handler,
                        Optional.of("127.0.0.1")),
                timeout);
    }

    private static LifecycleHandler sleep(long seconds) {
        return new LifecycleHandlerBuilder()
                .withNewSleep()
                .withSeconds(seconds)
                .endSleep()
                .build();
    }

    private static LifecycleHandler get(String scheme, int port) {
        return new LifecycleHandlerBuilder()
                .withNewHttpGet()
                .withScheme(scheme)
                .withNewPort(port)
                .withPath("stop")
                .addNewHttpHeader("X-Reason", "deletion")
                .addNewHttpHeader("Authorization", "Bearer secret")
                .endHttpGet()
                .build();
    }

    @Test
    void aCommandsFailureIsShownWithItsOutputAndACancelReachesIt() {
        LifecycleHandler exec = new LifecycleHandlerBuilder()
                .withNewExec()
                .withCommand("sh", "-c", "x")
                .endExec()
                .build();

        CompletableFuture<HookResult> result = run(exec, Duration.ofSeconds(3));
        assertThat(commands.poll()).isEqualTo("c1[sh, -c, x]PT3S");
        result.cancel(false);
        assertThat(command).isCancelled();

        CompletableFuture<ProbeResult> failed =
                CompletableFuture.completedFuture(new ProbeResult.Failed("x: not found"));
        LifecycleHooks others = new LifecycleHooks(
                (container, words, timeout) -> failed,
                () -> {
                    throw new AssertionError("no request");
                },
                clock.timers(),
                (pod, container, warning, reason, message) -> {});
        assertThat(others.run(
                                new HookCall(
                                        new PodReference("default", "web", "uid-1"),
                                        new ContainerBuilder().withName("main").build(),
                                        "c1",
                                        exec,
                                        Optional.empty()),
                                AMPLE)
                        .join())
                .isEqualTo(HookResult.failed("x: not found"));
    }

    @Test
    void sleepPassesWhenItsTimeHasAndFailsAtTheDeadline() {
        CompletableFuture<HookResult> enough = run(sleep(5), Duration.ofSeconds(30));
        CompletableFuture<HookResult> tooLong = run(sleep(60), Duration.ofSeconds(30));

        clock.advance(Duration.ofMillis(4999));
        assertThat(enough).isNotDone();
        clock.advance(Duration.ofMillis(1));
        assertThat(enough).isCompletedWithValue(HookResult.SUCCEEDED);
        clock.advance(Duration.ofSeconds(25));
        assertThat(tooLong).isCompletedWithValue(HookResult.failed("sleep of 60 s was ended after 30 s"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"200 OK", "404 Not Found", "500 Internal Server Error"})
    void anyAnswerToARequestWillDo(String status) throws Exception {
        try (Answering server = new Answering(status)) {
            assertThat(run(get("HTTP", server.port()), AMPLE).get(30, TimeUnit.SECONDS))
                    .isEqualTo(HookResult.SUCCEEDED);
            assertThat(server.requests.poll(20, TimeUnit.SECONDS))
                    .startsWith("GET /stop HTTP/1.1\r\n")
                    .containsIgnoringCase("X-Reason: deletion")
                    .containsIgnoringCase("User-Agent: kube-lifecycle/1.36");
        }
        assertThat(events).isEmpty();
    }

    @Test
    void aServerThatDoesNotSpeakTlsIsAskedWithoutItAndThatIsSaid() throws Exception {
        try (Answering server = new Answering("200 OK")) {
            assertThat(run(get("HTTPS", server.port()), AMPLE).get(30, TimeUnit.SECONDS))
                    .isEqualTo(HookResult.SUCCEEDED);
            assertThat(server.requests.poll(20, TimeUnit.SECONDS))
                    .contains("X-Reason")
                    .doesNotContain("secret");
            assertThat(events)
                    .containsExactly(
                            "LifecycleHTTPFallback: request to HTTPS lifecycle hook 127.0.0.1:%d failed over TLS;"
                                            .formatted(server.port())
                                    + " it was answered over plain HTTP: set scheme: HTTP");
        }
    }

    @Test
    void whoAnswersNothingOverTlsIsNotAskedAgainAndTheDeadlineHolds() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            int port = silent.getLocalPort();
            CompletableFuture<HookResult> result = run(get("HTTPS", port), Duration.ofSeconds(20));
            clock.advance(Duration.ofSeconds(20));

            assertThat(result)
                    .isCompletedWithValue(HookResult.failed(
                            "Get \"https://127.0.0.1:%d/stop\": no answer within 20 s".formatted(port)));
            assertThat(run(get("HTTPS", port), Duration.ofMillis(100)).get(30, TimeUnit.SECONDS))
                    .isEqualTo(HookResult.failed(
                            "Get \"https://127.0.0.1:%d/stop\": no answer within 100ms".formatted(port)));
            silent.setSoTimeout(20_000);
            silent.accept().close();
            silent.accept().close();
            silent.setSoTimeout(1);
            assertThatThrownBy(silent::accept).isInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void aPodWithoutAnAddressIsNotAskedAtTheNodes() {
        HookCall call = new HookCall(
                new PodReference("default", "web", "uid-1"),
                new ContainerBuilder().withName("main").build(),
                "c1",
                get("HTTP", 1),
                Optional.empty());

        assertThat(hooks.run(call, AMPLE))
                .isCompletedWithValue(
                        HookResult.failed("the pod has no address to connect to; use exec, or connect pods by"
                                + " another --network than none"));
    }

    @Test
    void aRequestThatNobodyAnswersFails() throws Exception {
        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        assertThat(run(get("HTTP", closed), AMPLE).get(30, TimeUnit.SECONDS))
                .isEqualTo(HookResult.failed("Get \"http://127.0.0.1:%d/stop\": connection refused".formatted(closed)));
    }

    @Test
    void aHandlerThatSaysNothingAndAPortThatIsNotThereFailAtOnce() {
        assertThat(run(new LifecycleHandler(), AMPLE))
                .isCompletedWithValue(HookResult.failed("invalid handler: it says neither exec, httpGet nor sleep"));
        LifecycleHandler admin = new LifecycleHandlerBuilder()
                .withNewHttpGet()
                .withNewPort("admin")
                .endHttpGet()
                .build();
        assertThat(run(admin, AMPLE))
                .isCompletedWithValue(
                        HookResult.failed("couldn't find port \"admin\" among the ports of container main"));
    }

    /** Answers each connection with a status and no body. */
    private static final class Answering implements AutoCloseable {
        private final ServerSocket socket = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
        private final BlockingQueue<String> requests = new LinkedBlockingQueue<>();

        Answering(String status) throws IOException {
            Thread thread = new Thread(() -> serve(status), "answering");
            thread.setDaemon(true);
            thread.start();
        }

        int port() {
            return socket.getLocalPort();
        }

        private void serve(String status) {
            while (!socket.isClosed()) {
                try (Socket connection = socket.accept()) {
                    byte[] head = new byte[8192];
                    int length = connection.getInputStream().read(head);
                    String request = new String(head, 0, Math.max(0, length), StandardCharsets.ISO_8859_1);
                    if (request.startsWith("GET ")) {
                        requests.add(request);
                    }
                    String answer = request.startsWith("GET ") ? status : "400 Bad Request";
                    connection
                            .getOutputStream()
                            .write(("HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\n\r\n")
                                    .getBytes(StandardCharsets.US_ASCII));
                } catch (IOException e) {
                    // The client hung up, or the test is over.
                }
            }
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
