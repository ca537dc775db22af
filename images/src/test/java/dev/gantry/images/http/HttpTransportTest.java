package dev.gantry.images.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.images.source.Cancellation;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a server that sends exactly what it is told, one connection per text. */
@Timeout(60)
class HttpTransportTest {
    private final ServerSocket server;
    private final Cancellation cancellation = new Cancellation();

    HttpTransportTest() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    @AfterEach
    void close() throws IOException {
        cancellation.cancel();
        server.close();
    }

    private HttpTransport serve(List<String> answers) {
        Thread thread = new Thread(
                () -> {
                    for (String answer : answers) {
                        try (Socket socket = server.accept()) {
                            readHead(socket);
                            socket.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
                        } catch (IOException e) {
                            return; // the test is over
                        }
                    }
                },
                "server");
        thread.setDaemon(true);
        thread.start();
        Duration patience = Duration.ofSeconds(20);
        return new HttpTransport(
                new HttpTimeouts(patience, patience, patience),
                endpoint -> {
                    throw new IOException("no TLS here");
                },
                ProxySettings.NONE,
                cancellation);
    }

    private static void readHead(Socket socket) throws IOException {
        int state = 0;
        while (state < 4) {
            int b = socket.getInputStream().read();
            if (b < 0) {
                return;
            }
            state = b == "\r\n\r\n".charAt(state) ? state + 1 : 0;
        }
    }

    private HttpRequest request() {
        return HttpRequest.get(Endpoint.of(false, "127.0.0.1:" + server.getLocalPort()), "/");
    }

    private String get(String answer) throws IOException {
        try (HttpResponse response = serve(List.of(answer)).send(request())) {
            return response.status() + " " + new String(response.readBody(1000), StandardCharsets.UTF_8);
        }
    }

    @Test
    void bodiesEndAsTheirHeadersSay() throws Exception {
        assertThat(get("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef")).isEqualTo("200 abc");
        assertThat(
                        get(
                                "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n"))
                .isEqualTo("200 abc0123456789");
        assertThat(get("HTTP/1.0 200 OK\r\n\r\nuntil the end")).isEqualTo("200 until the end");
        assertThat(get("HTTP/1.1 204 No Content\r\n\r\n")).isEqualTo("204 ");
        assertThat(get("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"))
                .isEqualTo("200 x");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "garbage\r\n\r\n",
                "HTTP/2 200 OK\r\n\r\n",
                "HTTP/1.1 abc OK\r\n\r\n",
                "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
                "HTTP/1.1 101 Switching\r\n\r\n",
            })
    void whatIsNoProperAnswerIsAnError(String answer) {
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> get(answer));
    }

    @Test
    void endlessHeadersAreCutOff() {
        assertThatExceptionOfType(HttpException.class)
                .isThrownBy(() -> get("HTTP/1.1 200 OK\r\nX: " + "x".repeat(70_000) + "\r\n\r\n"));
        assertThatExceptionOfType(HttpException.class)
                .isThrownBy(() -> get("HTTP/1.1 200 OK\r\n" + "X: y\r\n".repeat(20_000) + "\r\n"));
    }

    @Test
    void aKeptConnectionThatTheServerClosedIsReplaced() throws Exception {
        String answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
        try (HttpTransport transport = serve(List.of(answer, answer))) {
            for (int i = 0; i < 2; i++) {
                try (HttpResponse response = transport.send(request())) {
                    assertThat(response.readBody(10)).hasSize(1);
                }
            }
        }
    }

    @Test
    void requestsCannotBeSplit() {
        org.assertj.core.api.Assertions.assertThatIllegalArgumentException()
                .isThrownBy(() -> HttpRequest.get(Endpoint.of(false, "x"), "/a\r\nX: y"));
        org.assertj.core.api.Assertions.assertThatIllegalArgumentException()
                .isThrownBy(() -> HttpRequest.get(Endpoint.of(false, "x"), "/").with("A", "b\nc"));
    }

    @Test
    void proxiesAreForOtherMachinesOnly() {
        ProxySettings proxies = ProxySettings.of(
                java.util.Map.of("HTTPS_PROXY", "http://proxy:3128", "no_proxy", ".corp.example, quay.io"));

        assertThat(proxies.forEndpoint(Endpoint.of(true, "gcr.io"))).isPresent();
        assertThat(proxies.forEndpoint(Endpoint.of(true, "a.corp.example"))).isEmpty();
        assertThat(proxies.forEndpoint(Endpoint.of(true, "quay.io"))).isEmpty();
        assertThat(proxies.forEndpoint(Endpoint.of(true, "127.0.0.1:5000"))).isEmpty();
        assertThat(proxies.forEndpoint(Endpoint.of(false, "gcr.io"))).isEmpty();
    }
}
