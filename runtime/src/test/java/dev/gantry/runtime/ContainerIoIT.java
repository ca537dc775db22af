package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.transport.CriTransport;
import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.runtime.io.AttachRequest;
import dev.gantry.runtime.io.ContainerStreams;
import dev.gantry.runtime.io.ExecRequest;
import dev.gantry.testing.RequiresRoot;
import io.grpc.StatusRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresRoot
class ContainerIoIT {
    @TempDir
    Path directory;

    private RuntimeFixture fixture;
    private PodSandboxConfig pod;
    private String sandbox;

    @BeforeEach
    void open() throws Exception {
        fixture = new RuntimeFixture(directory);
        pod = fixture.pod("web");
        sandbox = fixture.run(pod);
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    private String sleeper() {
        return fixture.startNew(sandbox, pod, RuntimeFixture.container(pod, "app", "sleep", "1000"));
    }

    @Test
    void execSyncSeparatesOutputsAndTellsTheExitCode() {
        ExecSyncResponse response = fixture.exec(sleeper(), "sh", "-c", "echo out; echo err >&2; exit 5");

        assertThat(response.getStdout().toStringUtf8()).isEqualTo("out\n");
        assertThat(response.getStderr().toStringUtf8()).isEqualTo("err\n");
        assertThat(response.getExitCode()).isEqualTo(5);
    }

    @Test
    void execSyncThatTakesTooLongIsKilledWithItsChildren() {
        String id = sleeper();

        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.cri()
                        .execSync(ExecSyncRequest.newBuilder()
                                .setContainerId(id)
                                .addAllCmd(List.of("sh", "-c", "sleep 1234 & sleep 1234"))
                                .setTimeout(1)
                                .build()))
                .withMessageStartingWith("DEADLINE_EXCEEDED");
        assertThat(fixture.shell(id, "ps | grep -c '[s]leep 1234'")).isEqualTo("0\n");
    }

    @Test
    void execSyncThatNobodyWaitsForAnyMoreIsKilledWithItsChildren() {
        String id = sleeper();

        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> fixture.cri()
                        .withDeadlineAfter(300, TimeUnit.MILLISECONDS)
                        .execSync(ExecSyncRequest.newBuilder()
                                .setContainerId(id)
                                .addAllCmd(List.of("sh", "-c", "sleep 1235 & sleep 1235"))
                                .setTimeout(60)
                                .build()))
                .withMessageStartingWith("DEADLINE_EXCEEDED");
        String untilGone =
                "for i in $(seq 200); do ps | grep -q '[s]leep 1235' || { echo gone; exit; }; sleep 0.1; done";
        assertThat(fixture.shell(id, untilGone)).isEqualTo("gone\n");
    }

    @Test
    void execSyncKeepsOfEndlessOutputWhatAMessageHolds() {
        ExecSyncResponse response = fixture.exec(sleeper(), "sh", "-c", "yes | head -c 20000000; echo done >&2");

        assertThat(response.getStderr().toStringUtf8()).isEqualTo("done\n");
        assertThat(response.getStdout().size()).isEqualTo(Execs.MAX_OUTPUT - "done\n".length());
        assertThat(response.getSerializedSize())
                .isLessThanOrEqualTo(CriTransport.MAX_MESSAGE_BYTES)
                .isGreaterThan(CriTransport.MAX_MESSAGE_BYTES - 1024);
    }

    @Test
    void anExecWithPipesPassesInputAndItsEndOn() throws Exception {
        try (ContainerStreams streams =
                fixture.runtime().io().exec(new ExecRequest(sleeper(), List.of("cat"), true, false))) {
            streams.stdin().write("through\n".getBytes(StandardCharsets.UTF_8));
            streams.stdin().close();

            assertThat(new String(streams.stdout().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("through\n");
            assertThat(streams.exit().get(10, TimeUnit.SECONDS)).isZero();
        }
    }

    @Test
    void anExecWithATerminalHasOneOfTheSizeGiven() throws Exception {
        try (ContainerStreams streams = fixture.runtime()
                .io()
                .exec(new ExecRequest(
                        sleeper(), List.of("sh", "-c", "read x; tty; stty size; echo $TERM"), true, true))) {
            streams.resize(123, 45);
            streams.stdin().write("go\n".getBytes(StandardCharsets.UTF_8));

            assertThat(new String(streams.stdout().readAllBytes(), StandardCharsets.UTF_8))
                    .contains("/dev/pts/")
                    .contains("45 123")
                    .contains("xterm");
            assertThat(streams.exit().get(10, TimeUnit.SECONDS)).isZero();
        }
    }

    @Test
    void closingAnExecEndsIt() throws Exception {
        String id = sleeper();
        ContainerStreams streams =
                fixture.runtime().io().exec(new ExecRequest(id, List.of("sleep", "4321"), false, false));

        streams.close();

        assertThat(streams.exit().get(10, TimeUnit.SECONDS)).isEqualTo(137);
    }

    @Test
    void attachJoinsInputAndOutput() throws Exception {
        String id = fixture.startNew(
                sandbox,
                pod,
                RuntimeFixture.container(pod, "echo", List.of("sh", "-c", "while read x; do echo got $x; done"))
                        .setStdin(true)
                        .setStdinOnce(true)
                        .build());
        try (ContainerStreams streams = fixture.runtime().io().attach(new AttachRequest(id, true, false))) {
            streams.stdin().write("one\n".getBytes(StandardCharsets.UTF_8));
            streams.stdin().close();

            assertThat(new String(streams.stdout().readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("got one\n");
            assertThat(streams.exit().get(10, TimeUnit.SECONDS)).isZero();
        }
        assertThat(fixture.log(pod, "echo")).containsExactly("got one");
    }

    @Test
    void aContainerWithATerminalSeesOneAndIsLoggedAsStdout() throws Exception {
        String id = fixture.startNew(
                sandbox,
                pod,
                RuntimeFixture.container(pod, "tty", List.of("sh", "-c", "tty; test -c /dev/console && echo console"))
                        .setTty(true)
                        .build());

        assertThat(fixture.awaitExit(id).getExitCode()).isZero();
        assertThat(fixture.log(pod, "tty")).containsExactly("/dev/pts/0", "console");
    }

    @Test
    void aPortInsideThePodIsForwarded() throws Exception {
        fixture.startNew(
                sandbox,
                pod,
                RuntimeFixture.container(pod, "server", "sh", "-c", "while :; do echo hello | nc -l -p 8080; done"));
        String text = "";
        for (int attempt = 0; attempt < 1000 && text.isEmpty(); attempt++) {
            try (ContainerStreams streams = fixture.runtime().io().portForward(sandbox, 8080)) {
                streams.stdin().close();
                text = new String(streams.stdout().readAllBytes(), StandardCharsets.UTF_8);
            } catch (java.io.IOException e) {
                // It does not listen yet.
                Thread.onSpinWait();
            }
        }

        assertThat(text).isEqualTo("hello\n");
    }
}
