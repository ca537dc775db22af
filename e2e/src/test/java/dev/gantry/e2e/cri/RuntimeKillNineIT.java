package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.ContainerState;
import dev.gantry.cri.v1.CreateContainerRequest;
import dev.gantry.cri.v1.ImageServiceGrpc;
import dev.gantry.cri.v1.ImageSpec;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.ListImagesRequest;
import dev.gantry.cri.v1.ListPodSandboxRequest;
import dev.gantry.cri.v1.PodSandbox;
import dev.gantry.cri.v1.PodSandboxConfig;
import dev.gantry.cri.v1.PullImageRequest;
import dev.gantry.cri.v1.RemoveImageRequest;
import dev.gantry.cri.v1.RemovePodSandboxRequest;
import dev.gantry.cri.v1.RunPodSandboxRequest;
import dev.gantry.cri.v1.RuntimeServiceGrpc;
import dev.gantry.cri.v1.StartContainerRequest;
import dev.gantry.cri.v1.StopContainerRequest;
import dev.gantry.cri.v1.StopPodSandboxRequest;
import dev.gantry.e2e.Await;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** kill -9 of the server between requests and in the middle of one: the next one answers the same lists. */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox"})
class RuntimeKillNineIT {
    private static final int ROUNDS = Integer.getInteger("gantry.e2e.kills", 5);

    private final CriServer cri = CriServer.gantry();

    RuntimeKillNineIT() throws Exception {}

    @AfterEach
    void end() throws IOException {
        cri.end();
    }

    @Test
    void betweenTwoRequestsNothingIsForgotten() throws Exception {
        killed("before the first pod");
        CriPod pod = CriPod.run(cri);
        killed("after RunPodSandbox");
        String main = pod.create(pod.container("main", "sh", "-c", "while :; do echo tick; sleep 0.05; done"));
        killed("after CreateContainer");
        pod.start(main);
        killed("after StartContainer");
        assertThat(pod.shell(main, "echo alive")).isEqualTo("alive");
        String brief = pod.started(pod.container("short", "sh", "-c", "exit 7"));
        pod.awaitExit(brief);
        killed("after an exit");
        assertThat(pod.status(brief).getExitCode()).isEqualTo(7);
        pod.stop(main, 0);
        killed("after StopContainer");
        assertThat(pod.status(main).getExitCode()).isEqualTo(137);
        pod.remove(main);
        killed("after RemoveContainer");
        pod.stop();
        killed("after StopPodSandbox");
        pod.remove();
        killed("after RemovePodSandbox");
        assertThat(lists()).noneMatch(line -> line.contains(pod.id()));
    }

    @Test
    void anExitWhileNobodyServesIsKnownAfterwards() throws Exception {
        try (CriPod pod = CriPod.run(cri)) {
            String id = pod.started(pod.container("main", "sh", "-c", "sleep 0.3; echo done; exit 9"));
            cri.own().killNine();
            pod.awaitLog("main.log", "done");
            cri.own().startAgain();

            assertThat(pod.awaitExit(id).getExitCode()).isEqualTo(9);
            assertThat(pod.status(id).getFinishedAt())
                    .isGreaterThan(pod.status(id).getStartedAt());
        }
    }

    @Test
    void inTheMiddleOfARequestItIsDoneOrNotAndCanBeRepeated() throws Exception {
        long seed = Long.getLong("gantry.e2e.seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < ROUNDS; round++) {
            String where = "seed %d, round %d".formatted(seed, round);
            PodSandboxConfig config = CriPod.config(cri).build();
            Step step = Step.values()[round % Step.values().length];
            String pod = step.comesAfter(Step.RUN) ? run(config) : "";
            String container = step.comesAfter(Step.CREATE) ? create(config, pod) : "";
            if (step.comesAfter(Step.START)) {
                start(container);
            }

            begin(step, config, pod, container);
            LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(40_000)));
            cri.own().killNine();
            cri.own().startAgain();

            List<String> lists = lists();
            cri.own().killNine();
            cri.own().startAgain();
            assertThat(lists()).as(where).isEqualTo(lists);
            repeat(step, config, where);
            String uid = config.getMetadata().getUid();
            Await.until(
                    Duration.ofSeconds(5),
                    where + ": no process of the pod",
                    () -> processes(uid).isEmpty(),
                    () -> "There is something in its cgroups.");
        }
    }

    @Test
    void aPullThatIsCutShortIsDoneOrNotAndCanBeRepeated() throws Exception {
        long seed = Long.getLong("gantry.e2e.seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < 3; round++) {
            String where = "seed %d, round %d".formatted(seed, round);
            var unusedRemoval = cri.images()
                    .removeImage(
                            RemoveImageRequest.newBuilder().setImage(image()).build());
            Object unused = ImageServiceGrpc.newFutureStub(cri.channel()).pullImage(pull());
            LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(150_000)));
            cri.own().killNine();
            cri.own().startAgain();

            boolean done = !lists().isEmpty();
            String id = cri.images().pullImage(pull()).getImageRef();

            assertThat(lists())
                    .as(where + ", done before: " + done)
                    .singleElement()
                    .satisfies(line -> assertThat(line).contains(id, cri.image()));
            try (CriPod pod = CriPod.run(cri)) {
                assertThat(pod.shell(pod.sleeper("main"), "echo whole"))
                        .as(where)
                        .isEqualTo("whole");
            }
        }
    }

    private ImageSpec image() {
        return ImageSpec.newBuilder().setImage(cri.image()).build();
    }

    private PullImageRequest pull() {
        return PullImageRequest.newBuilder().setImage(image()).build();
    }

    /** In the order of a pod's life. */
    private enum Step {
        RUN,
        CREATE,
        START,
        STOP,
        REMOVE;

        boolean comesAfter(Step other) {
            return compareTo(other) > 0;
        }
    }

    private void begin(Step step, PodSandboxConfig config, String pod, String container) {
        RuntimeServiceGrpc.RuntimeServiceFutureStub calls = RuntimeServiceGrpc.newFutureStub(cri.channel());
        Object unused = switch (step) {
            case RUN -> calls.runPodSandbox(runRequest(config));
            case CREATE -> calls.createContainer(createRequest(config, pod));
            case START ->
                calls.startContainer(StartContainerRequest.newBuilder()
                        .setContainerId(container)
                        .build());
            case STOP ->
                calls.stopContainer(StopContainerRequest.newBuilder()
                        .setContainerId(container)
                        .build());
            case REMOVE ->
                calls.removePodSandbox(RemovePodSandboxRequest.newBuilder()
                        .setPodSandboxId(pod)
                        .build());
        };
    }

    /** Whatever became of the request, its client goes on as it would: look, finish, clean up. */
    private void repeat(Step step, PodSandboxConfig config, String where) throws InterruptedException {
        List<PodSandbox> found =
                cri.runtime().listPodSandbox(ListPodSandboxRequest.getDefaultInstance()).getItemsList().stream()
                        .filter(item -> item.getMetadata().equals(config.getMetadata()))
                        .toList();
        assertThat(found).as(where).hasSizeLessThanOrEqualTo(1);
        String pod = found.isEmpty() ? run(config) : found.get(0).getId();
        var containers =
                cri.runtime().listContainers(ListContainersRequest.getDefaultInstance()).getContainersList().stream()
                        .filter(item -> item.getPodSandboxId().equals(pod))
                        .toList();
        if (step != Step.REMOVE && !found.isEmpty()) {
            String container = containers.isEmpty()
                    ? create(config, pod)
                    : containers.get(0).getId();
            if (containers.isEmpty() || containers.get(0).getState() == ContainerState.CONTAINER_CREATED) {
                start(container);
            }
        }
        var unusedStop = cri.runtime()
                .stopPodSandbox(
                        StopPodSandboxRequest.newBuilder().setPodSandboxId(pod).build());
        var unusedRemoval = cri.runtime()
                .removePodSandbox(RemovePodSandboxRequest.newBuilder()
                        .setPodSandboxId(pod)
                        .build());
        Await.until(
                Duration.ofSeconds(5),
                where + ": no pod",
                () -> lists().stream().noneMatch(line -> line.startsWith("pod ")),
                () -> lists().toString());
    }

    private String run(PodSandboxConfig config) {
        return cri.runtime().runPodSandbox(runRequest(config)).getPodSandboxId();
    }

    private static RunPodSandboxRequest runRequest(PodSandboxConfig config) {
        return RunPodSandboxRequest.newBuilder().setConfig(config).build();
    }

    private String create(PodSandboxConfig config, String pod) {
        return cri.runtime().createContainer(createRequest(config, pod)).getContainerId();
    }

    private CreateContainerRequest createRequest(PodSandboxConfig config, String pod) {
        return CreateContainerRequest.newBuilder()
                .setPodSandboxId(pod)
                .setConfig(CriPod.of(cri, config, pod).container("main", "sleep", "1000000"))
                .setSandboxConfig(config)
                .build();
    }

    private void start(String container) {
        try {
            var unused = cri.runtime()
                    .startContainer(StartContainerRequest.newBuilder()
                            .setContainerId(container)
                            .build());
        } catch (StatusRuntimeException e) {
            throw new AssertionError(
                    "start " + container + ". The server's log: " + cri.own().log(), e);
        }
    }

    private void killed(String when) throws Exception {
        List<String> before = lists();
        cri.own().killNine();
        cri.own().startAgain();
        assertThat(lists()).as(when).isEqualTo(before);
    }

    /** Everything that the lists say; of statuses what the lists leave out. */
    private List<String> lists() {
        List<String> lines = new ArrayList<>();
        cri.runtime()
                .listPodSandbox(ListPodSandboxRequest.getDefaultInstance())
                .getItemsList()
                .forEach(item -> lines.add("pod " + item));
        cri.runtime()
                .listContainers(ListContainersRequest.getDefaultInstance())
                .getContainersList()
                .forEach(item -> lines.add("container " + item));
        cri.images()
                .listImages(ListImagesRequest.getDefaultInstance())
                .getImagesList()
                .forEach(item -> lines.add("image " + item));
        return lines;
    }

    /** What runs in the cgroups of a pod; what has ended and waits for its parent has no command line. */
    private static List<String> processes(String uid) throws IOException {
        List<String> found = new ArrayList<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                try {
                    String command = Files.readString(process.resolve("cmdline"));
                    if (!command.isEmpty()
                            && Files.readString(process.resolve("cgroup")).contains(uid)) {
                        found.add(process + ": " + command);
                    }
                } catch (IOException e) {
                    // It has ended.
                }
            }
        }
        return found;
    }
}
