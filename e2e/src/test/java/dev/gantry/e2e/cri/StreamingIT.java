package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.AttachRequest;
import dev.gantry.cri.v1.ExecRequest;
import dev.gantry.cri.v1.PortForwardRequest;
import dev.gantry.e2e.cri.CriServer.Feature;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.ServerSocket;
import java.net.URI;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ArgumentsSource;
import org.junit.jupiter.params.provider.CsvSource;

/** Exec, attach and port-forward over the URLs that CRI answers with. */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox"})
@ParameterizedClass
@ArgumentsSource(CriServers.class)
record StreamingIT(CriServer cri) {
    private static final String V4 = "v4.channel.k8s.io";
    private static final String V5 = "v5.channel.k8s.io";

    @Test
    void aCommandsOutputsAndItsEndComeOnTheirChannels() {
        try (CriPod pod = CriPod.run(cri)) {
            String url = exec(
                    pod.sleeper("main"),
                    request -> request.setStdout(true).setStderr(true),
                    "sh",
                    "-c",
                    "echo out; echo err >&2; exit 5");
            assertThat(URI.create(url).getHost()).isEqualTo("127.0.0.1");
            try (StreamClient client = StreamClient.connect(url, V4)) {
                client.awaitEnd();

                assertThat(client.text(StreamClient.STDOUT)).isEqualTo("out\n");
                assertThat(client.text(StreamClient.STDERR)).isEqualTo("err\n");
                assertThat(client.text(StreamClient.ERROR))
                        .contains("\"status\":\"Failure\"", "\"reason\":\"NonZeroExitCode\"", "\"message\":\"5\"");
            }
        }
    }

    @Test
    void aCommandThatSucceedsIsASuccess() {
        try (CriPod pod = CriPod.run(cri)) {
            String url = exec(pod.sleeper("main"), request -> request.setStdout(true), "true");
            try (StreamClient client = StreamClient.connect(url, V4)) {
                client.awaitEnd();

                assertThat(client.text(StreamClient.ERROR)).contains("\"status\":\"Success\"");
            }
        }
    }

    @Test
    void aTerminalEchoesIsResizedAndEndsItsShell() throws Exception {
        try (CriPod pod = CriPod.run(cri)) {
            String url = exec(
                    pod.sleeper("main"),
                    request -> request.setTty(true).setStdin(true).setStdout(true),
                    "sh");
            try (StreamClient client = StreamClient.connect(url, V4)) {
                client.send(StreamClient.RESIZE, "{\"Width\":123,\"Height\":45}");
                client.send(
                        StreamClient.STDIN,
                        "while [ \"$(stty size)\" != '45 123' ]; do sleep 0.05; done; stty size; tty\n");
                client.awaitText(StreamClient.STDOUT, "\n45 123\r\n");
                client.awaitText(StreamClient.STDOUT, "/dev/pts/");

                client.send(StreamClient.STDIN, "exit 3\n");
                client.awaitEnd();

                assertThat(client.text(StreamClient.ERROR)).contains("\"message\":\"3\"");
            }
        }
    }

    @Test
    void inputIsReadToItsEndWhereTheProtocolCanSayIt() {
        cri.requires(Feature.WEBSOCKET_V5);
        try (CriPod pod = CriPod.run(cri)) {
            String url = exec(
                    pod.sleeper("main"),
                    request -> request.setStdin(true).setStdout(true),
                    "sh",
                    "-c",
                    "cat; echo end");
            try (StreamClient client = StreamClient.connect(url, V5)) {
                client.send(StreamClient.STDIN, "some input, ");
                client.closeChannel(StreamClient.STDIN);
                client.awaitEnd();

                assertThat(client.text(StreamClient.STDOUT)).isEqualTo("some input, end\n");
                assertThat(client.text(StreamClient.ERROR)).contains("Success");
            }
        }
    }

    @Test
    void anAttachedClientWritesAndReadsTheContainersOwnStreams() throws Exception {
        try (CriPod pod = CriPod.run(cri)) {
            String id = pod.started(pod.container("main", "sh", "-c", "while read line; do echo \"got $line\"; done")
                    .setStdin(true));
            String url = attach(id);
            try (StreamClient client = StreamClient.connect(url, V4)) {
                client.send(StreamClient.STDIN, "one\n");
                client.awaitText(StreamClient.STDOUT, "got one\n");
            }
            try (StreamClient client = StreamClient.connect(attach(id), V4)) {
                client.send(StreamClient.STDIN, "two\n");
                client.awaitText(StreamClient.STDOUT, "got two\n");
            }
            pod.awaitLog("main.log", "stdout F got two");
        }
    }

    @ParameterizedTest
    @CsvSource({"false", "true"})
    void aPortIsForwardedToThePodsLoopback(boolean hostNetwork) throws Exception {
        int port = 8080;
        if (hostNetwork) {
            try (ServerSocket free = new ServerSocket(0)) {
                port = free.getLocalPort();
            }
        }
        try (CriPod pod = hostNetwork ? CriPod.run(cri, CriPod::hostNetwork) : CriPod.run(cri)) {
            pod.started(pod.container(
                    "server", "nc", "-ll", "-p", "" + port, "-e", "sh", "-c", "read -r it; echo an answer to $it"));
            String listening = ":%04X 0*:0000 0A".formatted(port);
            assertThat(pod.shell(
                            pod.sleeper("look"),
                            "for i in $(seq 100); do grep -q '" + listening
                                    + "' /proc/net/tcp /proc/net/tcp6 && exit; sleep 0.05; done; cat /proc/net/tcp6"))
                    .as("the server listens")
                    .isEmpty();
            String url = cri.runtime()
                    .portForward(PortForwardRequest.newBuilder()
                            .setPodSandboxId(pod.id())
                            .addPort(port)
                            .build())
                    .getUrl();

            try (StreamClient client = StreamClient.connect(url + "?port=" + port, V4)) {
                client.send(0, "a question\n");
                client.awaitText(0, "an answer to a question");
            }
        }
    }

    @Test
    void aUrlWorksOnce() {
        try (CriPod pod = CriPod.run(cri)) {
            String url = exec(pod.sleeper("main"), request -> request.setStdout(true), "true");
            StreamClient.connect(url, V4).close();

            assertThatExceptionOfType(CompletionException.class).isThrownBy(() -> StreamClient.connect(url, V4));
        }
    }

    @Test
    void whatDoesNotFitTogetherIsRefusedBeforeThereIsAUrl() {
        cri.requires(Feature.EXEC_FAILURES);
        try (CriPod pod = CriPod.run(cri)) {
            String id = pod.sleeper("main");
            invalid(() ->
                    exec(id, request -> request.setTty(true).setStdout(true).setStderr(true), "true"));
            invalid(() -> exec(id, request -> {}, "true"));
            invalid(() -> cri.runtime()
                    .attach(AttachRequest.newBuilder().setContainerId(id).build()));
            assertThatExceptionOfType(StatusRuntimeException.class)
                    .isThrownBy(() -> exec("no-such-container", request -> request.setStdout(true), "true"));
            assertThatExceptionOfType(StatusRuntimeException.class).isThrownBy(() -> attach("no-such-container"));
            assertThatExceptionOfType(StatusRuntimeException.class)
                    .isThrownBy(() -> cri.runtime()
                            .portForward(PortForwardRequest.newBuilder()
                                    .setPodSandboxId("no-such-pod")
                                    .build()));
        }
    }

    private static void invalid(Runnable call) {
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(call::run)
                .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT));
    }

    private String exec(String container, Consumer<ExecRequest.Builder> change, String... command) {
        ExecRequest.Builder request =
                ExecRequest.newBuilder().setContainerId(container).addAllCmd(java.util.List.of(command));
        change.accept(request);
        return cri.runtime().exec(request.build()).getUrl();
    }

    private String attach(String container) {
        return cri.runtime()
                .attach(AttachRequest.newBuilder()
                        .setContainerId(container)
                        .setStdin(true)
                        .setStdout(true)
                        .setStderr(true)
                        .build())
                .getUrl();
    }
}
