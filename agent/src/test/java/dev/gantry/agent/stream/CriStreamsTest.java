package dev.gantry.agent.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.agent.cri.CriRuntime;
import dev.gantry.cri.transport.CriEventLoops;
import dev.gantry.cri.transport.CriTransport;
import dev.gantry.cri.v1.AttachResponse;
import dev.gantry.cri.v1.ExecResponse;
import dev.gantry.cri.v1.PortForwardResponse;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.runtime.io.AttachRequest;
import dev.gantry.runtime.io.ContainerStreams;
import dev.gantry.runtime.io.ExecRequest;
import dev.gantry.runtime.streaming.StreamingRequest;
import dev.gantry.runtime.streaming.StreamingServer;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.stub.StreamObserver;
import io.netty.channel.epoll.EpollServerSocketChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The client against Gantry's own streaming server, over a real connection. */
@Timeout(30)
class CriStreamsTest {
    private final EchoContainers containers = new EchoContainers();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final CriEventLoops loops = CriEventLoops.open(1);
    private StreamingServer streaming;
    private Server server;
    private ManagedChannel channel;
    private CriStreams streams;

    @BeforeEach
    void open() throws IOException {
        streaming = StreamingServer.listen(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                loops.group(),
                EpollServerSocketChannel.class,
                containers,
                threads,
                Clock.systemUTC());
        String name = "streams-" + UUID.randomUUID();
        server = CriTransport.startInProcess(name, Runnable::run, List.of(new Urls()));
        channel = CriTransport.inProcessChannel(name);
        streams = new CriStreams(new CriRuntime(channel), loops);
    }

    @AfterEach
    void close() {
        streams.close();
        channel.shutdownNow();
        server.shutdownNow();
        streaming.close();
        loops.close();
        threads.shutdownNow();
    }

    /** Answers with the URLs of the streaming server. */
    private final class Urls extends RuntimeServiceGrpc.RuntimeServiceImplBase {
        @Override
        public void exec(dev.gantry.cri.v1.ExecRequest request, StreamObserver<ExecResponse> observer) {
            StreamingRequest wanted = new StreamingRequest.Exec(
                    new ExecRequest(
                            request.getContainerId(), request.getCmdList(), request.getStdin(), request.getTty()),
                    new StreamingRequest.Streams(
                            request.getStdin(), request.getStdout(), request.getStderr(), request.getTty()));
            observer.onNext(ExecResponse.newBuilder().setUrl(url(wanted)).build());
            observer.onCompleted();
        }

        @Override
        public void attach(dev.gantry.cri.v1.AttachRequest request, StreamObserver<AttachResponse> observer) {
            StreamingRequest wanted = new StreamingRequest.Attach(
                    request.getContainerId(),
                    new StreamingRequest.Streams(
                            request.getStdin(), request.getStdout(), request.getStderr(), request.getTty()));
            observer.onNext(AttachResponse.newBuilder().setUrl(url(wanted)).build());
            observer.onCompleted();
        }

        @Override
        public void portForward(
                dev.gantry.cri.v1.PortForwardRequest request, StreamObserver<PortForwardResponse> observer) {
            StreamingRequest wanted =
                    new StreamingRequest.PortForward(request.getPodSandboxId(), request.getPortList());
            observer.onNext(PortForwardResponse.newBuilder().setUrl(url(wanted)).build());
            observer.onCompleted();
        }

        private String url(StreamingRequest request) {
            return streaming.url(request).orElseThrow().toString();
        }
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Test
    void inputIsClosedAloneAndTheExitCodeArrives() throws Exception {
        try (ContainerStreams exec = streams.exec(new ExecRequest("c1", List.of("cat"), true, false))) {
            exec.stdin().write("over spdy".getBytes(StandardCharsets.UTF_8));
            exec.stdin().close();

            assertThat(text(exec.stdout().readAllBytes())).isEqualTo("over spdy");
            assertThat(text(exec.stderr().readAllBytes())).isEqualTo("bye");
            assertThat(exec.exit().get()).isEqualTo(7);
        }
    }

    @Test
    void moreThanAnyWindowHoldsGoesBothWays() throws Exception {
        byte[] much = new byte[3 << 20];
        for (int i = 0; i < much.length; i++) {
            much[i] = (byte) ((i * 31) >> 3);
        }
        try (ContainerStreams exec = streams.exec(new ExecRequest("c1", List.of("cat"), true, false))) {
            var writing = threads.submit(() -> {
                exec.stdin().write(much);
                exec.stdin().close();
                return much.length;
            });

            assertThat(exec.stdout().readAllBytes()).isEqualTo(much);
            assertThat(writing.get()).isEqualTo(much.length);
            assertThat(exec.exit().get()).isEqualTo(7);
        }
    }

    @Test
    void aTerminalHasOneOutputAndASize() throws Exception {
        try (ContainerStreams exec = streams.exec(new ExecRequest("c1", List.of("sh"), true, true))) {
            exec.resize(120, 40);
            exec.stdin().write('x');

            assertThat(exec.stdout().read()).isEqualTo('x');
            assertThat(exec.stderr().read()).isEqualTo(-1);
        }
        assertThat(containers.ended.poll(10, TimeUnit.SECONDS)).isEqualTo("closed at 120x40");
    }

    @Test
    void hangingUpEndsTheOtherSide() throws Exception {
        ContainerStreams exec = streams.exec(new ExecRequest("c1", List.of("cat"), true, false));
        exec.stdin().write('x');
        assertThat(exec.stdout().read()).isEqualTo('x');

        exec.close();

        assertThat(containers.ended.poll(10, TimeUnit.SECONDS)).startsWith("closed");
        assertThatExceptionOfType(ExecutionException.class)
                .isThrownBy(() -> exec.exit().get())
                .withMessageContaining("the runtime closed the connection");
    }

    @Test
    void whatCannotBeRunIsToldInTheRuntimesWords() throws Exception {
        try (ContainerStreams exec = streams.exec(new ExecRequest("missing", List.of("cat"), false, false))) {
            assertThatExceptionOfType(ExecutionException.class)
                    .isThrownBy(() -> exec.exit().get())
                    .withMessageContaining("exec in container 'missing': no such container");
        }
    }

    @Test
    void attachJoinsTheContainersOwnStreams() throws Exception {
        try (ContainerStreams attach = streams.attach(new AttachRequest("c1", true, false))) {
            attach.stdin().write("hello".getBytes(StandardCharsets.UTF_8));

            assertThat(text(attach.stdout().readNBytes(5))).isEqualTo("hello");
        }
    }

    @Test
    void aPortIsForwarded() throws Exception {
        try (ContainerStreams port = streams.portForward("p1", 8080)) {
            port.stdin().write("ping".getBytes(StandardCharsets.UTF_8));

            assertThat(text(port.stdout().readNBytes(4))).isEqualTo("ping");
        }
    }

    @Test
    void aPortThatNobodyListensOnIsSaid() throws Exception {
        try (ContainerStreams port = streams.portForward("p1", 1)) {
            assertThatExceptionOfType(ExecutionException.class)
                    .isThrownBy(() -> port.exit().get())
                    .withMessageContaining("connection refused");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "HTTP/1.1 404 Not Found | the runtime answered 404 Not Found: no such token",
                "HTTP/1.1 101 Switching Protocols | the runtime chose protocol '' of [v4.channel.k8s.io]"
            })
    void aServerThatDoesNotUpgradeIsQuoted(String answer, String reason) throws Exception {
        try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            threads.execute(() -> {
                try (Socket client = listener.accept()) {
                    String body = answer.contains("101") ? "" : "no such token";
                    client.getOutputStream()
                            .write((answer + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                                    .getBytes(StandardCharsets.US_ASCII));
                    client.getInputStream().readAllBytes();
                } catch (IOException e) {
                    // The client has what it needs.
                }
            });
            java.net.URI url = java.net.URI.create("http://127.0.0.1:" + listener.getLocalPort() + "/exec/x");

            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> SpdyConnection.connect(loops.group(), url, List.of("v4.channel.k8s.io")))
                    .withMessage("stream to http://127.0.0.1:%d/: %s", listener.getLocalPort(), reason);
        }
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"metadata\":{},\"status\":\"Success\"} | 0",
                "{\"status\":\"Failure\",\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"137\"}]}} | 137",
            })
    void theStatusAtTheEndIsTheExitCode(String status, int code) {
        assertThat(RemoteStreams.exitCode(status)).isEqualTo(code);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"status\":\"Failure\",\"reason\":\"InternalError\",\"message\":\"no\"} | no",
                "broken | broken",
                "'' | the runtime ended the streams without an exit code",
            })
    void aFailureIsNoExitCode(String status, String message) {
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> RemoteStreams.exitCode(status))
                .withMessage(message);
    }
}
