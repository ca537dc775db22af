package dev.gantry.cri.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.google.protobuf.ByteString;
import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.cri.v1.VersionRequest;
import dev.gantry.cri.v1.VersionResponse;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CriTransportTest {
    private static final int LARGE = 15 * 1024 * 1024;

    @TempDir
    Path directory;

    private final CriEventLoops loops = CriEventLoops.open(1);

    @AfterEach
    void endLoops() {
        loops.close();
    }

    @Test
    void messagesWithinTheProcessAreHandedOverAsTheyAre() throws Exception {
        AtomicReference<VersionRequest> received = new AtomicReference<>();
        Server server = CriTransport.startInProcess("transport-test", Runnable::run, List.of(new Echo(received)));
        ManagedChannel channel = CriTransport.inProcessChannel("transport-test");
        try {
            VersionRequest request =
                    VersionRequest.newBuilder().setVersion("v1").build();

            VersionResponse answer = RuntimeServiceGrpc.newBlockingStub(channel).version(request);

            assertThat(answer.getRuntimeName()).isEqualTo("echo");
            assertThat(received.get()).isSameAs(request);
        } finally {
            end(channel, server);
        }
    }

    @Test
    void aUnixSocketCarriesLargeMessagesForItsOwnerOnly() throws Exception {
        Path socket = directory.resolve("made").resolve("cri.sock");
        AtomicInteger seenPid = new AtomicInteger();
        Server server = CriTransport.startUnix(
                socket,
                peer -> {
                    seenPid.set(peer.pid());
                    return true;
                },
                loops,
                Runnable::run,
                List.of(new Echo(new AtomicReference<>())));
        ManagedChannel channel = CriTransport.unixChannel(socket, loops);
        try {
            ExecSyncResponse answer = RuntimeServiceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(10, TimeUnit.SECONDS)
                    .execSync(ExecSyncRequest.getDefaultInstance());

            assertThat(answer.getStdout().size()).isEqualTo(LARGE);
            assertThat(seenPid).hasValue((int) ProcessHandle.current().pid());
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                    .isEqualTo("rw-rw----");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("made"))))
                    .isEqualTo("rwx------");
        } finally {
            end(channel, server);
        }
    }

    @Test
    void aPeerThePolicyRefusesIsCutOff() throws Exception {
        Path socket = directory.resolve("cri.sock");
        Server server = CriTransport.startUnix(
                socket, peer -> false, loops, Runnable::run, List.of(new Echo(new AtomicReference<>())));
        ManagedChannel channel = CriTransport.unixChannel(socket, loops);
        try {
            assertThatExceptionOfType(StatusRuntimeException.class)
                    .isThrownBy(() -> RuntimeServiceGrpc.newBlockingStub(channel)
                            .withDeadlineAfter(10, TimeUnit.SECONDS)
                            .version(VersionRequest.getDefaultInstance()))
                    .withMessageStartingWith("UNAVAILABLE");
        } finally {
            end(channel, server);
        }
    }

    @Test
    void aSocketLeftByADeadServerIsReplacedAndALiveOneIsNot() throws Exception {
        Path socket = directory.resolve("cri.sock");
        leaveStaleSocket(socket);

        Server first = CriTransport.startUnix(socket, peer -> true, loops, Runnable::run, List.of());
        try {
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> CriTransport.startUnix(socket, peer -> true, loops, Runnable::run, List.of()))
                    .withMessage("serve CRI on '%s': another process is serving there", socket);
        } finally {
            first.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        }
    }

    @Test
    void aFileThatIsNoSocketIsLeftAlone() throws Exception {
        Path file = Files.writeString(directory.resolve("notes"), "mine");

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> CriTransport.startUnix(file, peer -> true, loops, Runnable::run, List.of()))
                .withMessageContaining("is not a socket");
        assertThat(file).hasContent("mine");
    }

    @Test
    void aPathLongerThanTheKernelTakesIsRefusedWithItsLength() {
        Path socket = Path.of("/" + "d".repeat(107));

        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> CriTransport.unixChannel(socket, loops))
                .withMessageContaining("has 108 bytes, the kernel takes 107");
    }

    private static void leaveStaleSocket(Path socket) throws IOException {
        try (var listener = java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)) {
            listener.bind(java.net.UnixDomainSocketAddress.of(socket));
        }
        assertThat(socket).exists();
    }

    private static void end(ManagedChannel channel, Server server) throws InterruptedException {
        channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
        server.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }

    private static final class Echo extends RuntimeServiceGrpc.RuntimeServiceImplBase {
        private final AtomicReference<VersionRequest> received;

        Echo(AtomicReference<VersionRequest> received) {
            this.received = received;
        }

        @Override
        public void version(VersionRequest request, StreamObserver<VersionResponse> observer) {
            received.set(request);
            observer.onNext(VersionResponse.newBuilder().setRuntimeName("echo").build());
            observer.onCompleted();
        }

        @Override
        public void execSync(ExecSyncRequest request, StreamObserver<ExecSyncResponse> observer) {
            observer.onNext(ExecSyncResponse.newBuilder()
                    .setStdout(ByteString.copyFrom(new byte[LARGE]))
                    .build());
            observer.onCompleted();
        }
    }
}
