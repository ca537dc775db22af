package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import dev.gantry.cri.transport.CriEventLoops;
import dev.gantry.cri.transport.CriTransport;
import dev.gantry.cri.v1.AttachRequest;
import dev.gantry.cri.v1.ContainerStatusRequest;
import dev.gantry.cri.v1.ExecSyncRequest;
import dev.gantry.cri.v1.ExecSyncResponse;
import dev.gantry.cri.v1.ImageServiceGrpc;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.ListContainerStatsRequest;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.ListImagesRequest;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.PodSandboxStatusRequest;
import dev.gantry.cri.v1.PullImageRequest;
import dev.gantry.cri.v1.PullImageResponse;
import dev.gantry.cri.v1.RunPodSandboxRequest;
import dev.gantry.cri.v1.RunPodSandboxResponse;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.cri.v1.StatusRequest;
import dev.gantry.cri.v1.VersionRequest;
import dev.gantry.e2e.Await;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Many clients at once: everybody is answered, and afterwards the server is as it was before. */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox"})
class RuntimeLoadIT {
    private static final int CLIENTS = 50;
    private static final int REQUESTS = Integer.getInteger("gantry.e2e.requests", 10_000);
    private static final int EXECS = 200;
    private static final int ATTACHED = 100;
    private static final int ATTACHED_PODS = 4;
    /** Idle threads of the server stay for ten seconds. */
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private final CriServer cri = CriServer.gantry();

    RuntimeLoadIT() throws Exception {}

    @AfterEach
    void end() throws IOException {
        cri.end();
    }

    @Test
    void fiftyClientsWithTenThousandRequestsLeaveNothingBehind() throws Exception {
        try (CriPod pod = CriPod.run(cri)) {
            String id = pod.sleeper("main");
            mixed(pod, id, REQUESTS / 2);
            Use before = Use.of(cri.own().pid());

            mixed(pod, id, REQUESTS / 2);
            execsAtOnce(id);
            attachedAndCut();

            Await.until(
                    PATIENCE,
                    "threads and descriptors to be as before, " + before,
                    () -> Use.of(cri.own().pid()).within(before),
                    () -> "They are " + now());
            assertThat(pod.shell(id, "ps | grep -c '[e]cho answer'")).isEqualTo("0");
            Path cgroup = cgroupOf(pod.config().getMetadata().getUid());
            Await.until(
                    PATIENCE, "the execs' cgroups to be gone", () -> execCgroups(cgroup) == 0, () -> cgroup.toString());
            assertThat(Use.of(cri.own().pid()).residentKilobytes()).isLessThan(before.residentKilobytes() + 64 * 1024);
        }
    }

    @Test
    void aNameThatIsBeingCreatedIsJoinedAndAGivenUpCallHarmsNobody() throws Exception {
        RunPodSandboxRequest request =
                RunPodSandboxRequest.newBuilder().setConfig(CriPod.config(cri)).build();
        RuntimeServiceGrpc.RuntimeServiceFutureStub calls = RuntimeServiceGrpc.newFutureStub(cri.channel());
        List<ListenableFuture<RunPodSandboxResponse>> joined = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            joined.add(calls.runPodSandbox(request));
        }
        joined.remove(0).cancel(true);

        List<String> ids = new ArrayList<>();
        for (ListenableFuture<RunPodSandboxResponse> each : joined) {
            try {
                ids.add(each.get(30, TimeUnit.SECONDS).getPodSandboxId());
            } catch (ExecutionException late) {
                // It came when the operation had ended, and is told so: the name belongs to the new sandbox.
                assertThat(late).hasMessageContaining("ALREADY_EXISTS");
            }
        }
        assertThat(cri.runtime()
                        .listPodSandbox(ListPodSandboxRequest.getDefaultInstance())
                        .getItemsList())
                .singleElement()
                .satisfies(item -> assertThat(ids).allMatch(item.getId()::equals));
        CriPod.of(
                        cri,
                        request.getConfig(),
                        cri.runtime()
                                .listPodSandbox(ListPodSandboxRequest.getDefaultInstance())
                                .getItems(0)
                                .getId())
                .close();
    }

    @Test
    void aGivenUpExecIsKilledAndNobodyWaitsForASlowOne() throws Exception {
        try (CriPod pod = CriPod.run(cri)) {
            String id = pod.sleeper("main");
            List<ListenableFuture<ExecSyncResponse>> slow = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                slow.add(RuntimeServiceGrpc.newFutureStub(cri.channel())
                        .execSync(ExecSyncRequest.newBuilder()
                                .setContainerId(id)
                                .addAllCmd(List.of("sh", "-c", "sleep 7654; true"))
                                .build()));
            }
            Await.until(
                    PATIENCE,
                    "the execs to run",
                    () -> pod.shell(id, "ps | grep -c 'sleep 765[4]'").equals("200"),
                    () -> pod.shell(id, "ps | wc -l"));

            long began = System.nanoTime();
            cri.runtime().listContainers(ListContainersRequest.getDefaultInstance());
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(2));

            slow.forEach(call -> call.cancel(true));
            Await.until(
                    PATIENCE,
                    "the execs to be gone",
                    () -> pod.shell(id, "ps | grep -c 'sleep 765[4]'").equals("0"),
                    () -> pod.shell(id, "ps | wc -l"));
        }
    }

    @Test
    void slowPullsDelayNobodyAndEndWithTheirCallers() throws Exception {
        List<Socket> accepted = new CopyOnWriteArrayList<>();
        try (ServerSocket silent = new ServerSocket(0, 200, InetAddress.getLoopbackAddress())) {
            ExecutorService acceptor = Executors.newSingleThreadExecutor();
            acceptor.execute(() -> {
                try {
                    while (true) {
                        accepted.add(silent.accept());
                    }
                } catch (IOException e) {
                    // It was closed.
                }
            });
            List<ListenableFuture<PullImageResponse>> pulls = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                String name = "127.0.0.1:%d/slow/image%d:1".formatted(silent.getLocalPort(), i);
                pulls.add(ImageServiceGrpc.newFutureStub(cri.channel())
                        .pullImage(PullImageRequest.newBuilder()
                                .setImage(ImageSpec.newBuilder().setImage(name))
                                .build()));
            }
            Await.until(PATIENCE, "pulls to reach the registry", () -> !accepted.isEmpty(), () -> "");

            long began = System.nanoTime();
            try (CriPod pod = CriPod.run(cri)) {
                assertThat(pod.shell(pod.sleeper("main"), "echo answer")).isEqualTo("answer");
                assertThat(cri.images()
                                .listImages(ListImagesRequest.getDefaultInstance())
                                .getImagesCount())
                        .isEqualTo(1);
                assertThat(cri.runtime()
                                .listPodSandbox(ListPodSandboxRequest.getDefaultInstance())
                                .getItemsCount())
                        .isEqualTo(1);
            }
            assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(5));

            pulls.forEach(pull -> pull.cancel(true));
            Await.until(
                    PATIENCE,
                    "all connections to be closed",
                    () -> accepted.stream().allMatch(RuntimeLoadIT::isClosed),
                    () -> "");
            acceptor.shutdownNow();
        } finally {
            for (Socket socket : accepted) {
                socket.close();
            }
        }
    }

    /** Whether the other side has hung up; reads what it had said. */
    private static boolean isClosed(Socket socket) {
        try {
            socket.setSoTimeout(1);
            while (socket.getInputStream().read() >= 0) {
                // the request
            }
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    // ---- load

    /** Each client has a connection of its own. */
    private void mixed(CriPod pod, String container, int requests) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
        try (CriEventLoops loops = CriEventLoops.open(1)) {
            List<Future<?>> clients = new ArrayList<>();
            for (int client = 0; client < CLIENTS; client++) {
                Random random = new Random(client);
                clients.add(threads.submit(() -> {
                    ManagedChannel channel = CriTransport.unixChannel(cri.own().socket(), loops);
                    try {
                        for (int i = 0; i < requests / CLIENTS; i++) {
                            request(random.nextInt(100), channel, pod, container);
                        }
                    } finally {
                        channel.shutdownNow();
                        channel.awaitTermination(5, TimeUnit.SECONDS);
                    }
                    return null;
                }));
            }
            for (Future<?> client : clients) {
                client.get(120, TimeUnit.SECONDS);
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private void request(int kind, ManagedChannel channel, CriPod pod, String container) {
        var calls = RuntimeServiceGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
        Object unused;
        if (kind < 5) {
            unused = calls.execSync(exec(container, "true"));
        } else if (kind < 10) {
            unused = calls.listContainerStats(ListContainerStatsRequest.getDefaultInstance());
        } else if (kind < 15) {
            try {
                unused = calls.containerStatus(ContainerStatusRequest.newBuilder()
                        .setContainerId("no-such-container")
                        .build());
            } catch (StatusRuntimeException refused) {
                // As it should be.
            }
        } else if (kind < 30) {
            unused = calls.containerStatus(ContainerStatusRequest.newBuilder()
                    .setContainerId(container)
                    .setVerbose(kind < 20)
                    .build());
        } else if (kind < 50) {
            unused = calls.podSandboxStatus(PodSandboxStatusRequest.newBuilder()
                    .setPodSandboxId(pod.id())
                    .build());
        } else if (kind < 70) {
            unused = calls.listPodSandbox(ListPodSandboxRequest.getDefaultInstance());
        } else if (kind < 90) {
            unused = calls.listContainers(ListContainersRequest.getDefaultInstance());
        } else if (kind < 95) {
            unused = calls.status(StatusRequest.getDefaultInstance());
        } else {
            unused = calls.version(VersionRequest.getDefaultInstance());
        }
    }

    private void execsAtOnce(String container) throws Exception {
        List<ListenableFuture<ExecSyncResponse>> execs = new ArrayList<>();
        for (int i = 0; i < EXECS; i++) {
            execs.add(RuntimeServiceGrpc.newFutureStub(cri.channel()).execSync(exec(container, "echo answer " + i)));
        }
        for (int i = 0; i < EXECS; i++) {
            assertThat(execs.get(i).get(60, TimeUnit.SECONDS).getStdout().toStringUtf8())
                    .isEqualTo("answer " + i + "\n");
        }
    }

    private static ExecSyncRequest exec(String container, String script) {
        return ExecSyncRequest.newBuilder()
                .setContainerId(container)
                .addAllCmd(List.of("sh", "-c", script))
                .setTimeout(60)
                .build();
    }

    /** Over a few pods: one pod has room for some thirty clients. */
    private void attachedAndCut() throws Exception {
        for (int round = 0; round < ATTACHED_PODS; round++) {
            try (CriPod pod = CriPod.run(cri)) {
                String id =
                        pod.started(pod.container("talker", "sh", "-c", "while :; do echo a line; sleep 0.01; done"));
                List<StreamClient> clients = new ArrayList<>();
                for (int i = 0; i < ATTACHED / ATTACHED_PODS; i++) {
                    String url = cri.runtime()
                            .attach(AttachRequest.newBuilder()
                                    .setContainerId(id)
                                    .setStdout(true)
                                    .build())
                            .getUrl();
                    clients.add(StreamClient.connect(url, "v4.channel.k8s.io"));
                }
                for (StreamClient client : clients) {
                    client.awaitText(StreamClient.STDOUT, "a line");
                    client.cut();
                }
            }
        }
    }

    // ---- what the server uses

    private String now() {
        try {
            return Use.of(cri.own().pid()).toString();
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Of a process. */
    private record Use(long threads, long descriptors, long residentKilobytes) {
        static Use of(long pid) throws IOException {
            Path process = Path.of("/proc", Long.toString(pid));
            long threads = 0;
            long resident = 0;
            for (String line : Files.readAllLines(process.resolve("status"))) {
                if (line.startsWith("Threads:")) {
                    threads = Long.parseLong(line.replaceAll("[^0-9]", ""));
                } else if (line.startsWith("VmRSS:")) {
                    resident = Long.parseLong(line.replaceAll("[^0-9]", ""));
                }
            }
            long descriptors = 0;
            try (DirectoryStream<Path> open = Files.newDirectoryStream(process.resolve("fd"))) {
                for (Path unused : open) {
                    descriptors++;
                }
            }
            return new Use(threads, descriptors, resident);
        }

        /** Pools may have grown by a few threads; a descriptor per request or stream would be hundreds. */
        boolean within(Use before) {
            return threads <= before.threads + 5 && descriptors <= before.descriptors + 10;
        }
    }

    private static Path cgroupOf(String uid) throws IOException {
        try (var found = Files.find(Path.of("/sys/fs/cgroup"), 8, (path, attributes) -> path.endsWith("pod" + uid))) {
            return found.findFirst().orElseThrow(() -> new IOException("no cgroup of pod " + uid));
        }
    }

    private static long execCgroups(Path pod) throws IOException {
        try (var found = Files.find(
                pod, 3, (path, attributes) -> path.getFileName().toString().startsWith("exec-"))) {
            return found.count();
        }
    }
}
