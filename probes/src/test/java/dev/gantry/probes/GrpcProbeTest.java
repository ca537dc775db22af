package dev.gantry.probes;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GrpcProbeTest {
    private static final Duration AMPLE = Duration.ofSeconds(20);
    private static final EventLoopGroup SERVER = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private static final EventLoopGroup CLIENT = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

    private final Prober prober = new Prober(
            CLIENT.next(),
            NioSocketChannel.class,
            Runnable::run,
            (container, command, timeout) -> CompletableFuture.completedFuture(new ProbeResult.Passed("")));

    @AfterAll
    static void end() {
        CLIENT.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        SERVER.shutdownGracefully(0, 1, TimeUnit.SECONDS);
    }

    @Test
    void aServingServerPasses() throws Exception {
        try (HealthServer server = new HealthServer(SERVER, new byte[] {8, 1}, status(0, ""))) {
            assertThat(ask(server, "")).isEqualTo(new ProbeResult.Passed("service healthy"));
            assertThat(server.requests().poll(20, TimeUnit.SECONDS))
                    .isEqualTo("/grpc.health.v1.Health/Check application/grpc 0000000000");
        }
    }

    @Test
    void theServiceIsNamedInTheRequest() throws Exception {
        try (HealthServer server = new HealthServer(SERVER, new byte[] {8, 1}, status(0, ""))) {
            assertThat(ask(server, "db")).isEqualTo(new ProbeResult.Passed("service healthy"));
            assertThat(server.requests().poll(20, TimeUnit.SECONDS))
                    .isEqualTo("/grpc.health.v1.Health/Check application/grpc 00000000040a026462");
        }
    }

    @ParameterizedTest
    @CsvSource({"0, UNKNOWN", "2, NOT_SERVING", "3, SERVICE_UNKNOWN", "9, 9"})
    void anyOtherStatusFails(byte status, String name) throws Exception {
        try (HealthServer server = new HealthServer(SERVER, new byte[] {8, status}, status(0, ""))) {
            assertThat(ask(server, ""))
                    .isEqualTo(new ProbeResult.Failed("service unhealthy (responded with \"%s\")".formatted(name)));
        }
    }

    @Test
    void aServerWithoutTheHealthServiceFails() throws Exception {
        try (HealthServer server = new HealthServer(SERVER, new byte[0], status(12, "unknown service"))) {
            assertThat(ask(server, ""))
                    .isEqualTo(new ProbeResult.Failed(
                            "this server does not implement the grpc health protocol (grpc.health.v1.Health)"));
        }
    }

    @Test
    void anErrorOfTheServerIsShown() throws Exception {
        try (HealthServer server = new HealthServer(SERVER, new byte[0], status(5, "unknown service db"))) {
            assertThat(ask(server, "db"))
                    .isEqualTo(new ProbeResult.Failed("rpc error: code = 5 desc = unknown service db"));
        }
    }

    @Test
    void anEndlessAnswerIsCut() throws Exception {
        try (HealthServer server = new HealthServer(SERVER, new byte[5000], status(0, ""))) {
            assertThat(ask(server, "")).isEqualTo(new ProbeResult.Failed("health check response exceeds 1024 bytes"));
        }
    }

    private ProbeResult ask(HealthServer server, String service) throws Exception {
        return prober.tryOnce(new ProbeAction.Grpc("127.0.0.1", server.port(), service), AMPLE)
                .get(30, TimeUnit.SECONDS);
    }

    private static Http2Headers status(int code, String message) {
        Http2Headers trailers = new DefaultHttp2Headers().setInt("grpc-status", code);
        return message.isEmpty() ? trailers : trailers.set("grpc-message", message);
    }
}
