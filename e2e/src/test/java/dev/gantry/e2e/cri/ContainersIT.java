package dev.gantry.e2e.cri;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.Container;
import dev.gantry.cri.v1.ContainerConfig;
import dev.gantry.cri.v1.ContainerFilter;
import dev.gantry.cri.v1.ContainerState;
import dev.gantry.cri.v1.ContainerStateValue;
import dev.gantry.cri.v1.ContainerStatus;
import dev.gantry.cri.v1.ContainerStatusRequest;
import dev.gantry.cri.v1.KeyValue;
import dev.gantry.cri.v1.ListContainersRequest;
import dev.gantry.cri.v1.StreamContainersRequest;
import dev.gantry.e2e.cri.CriServer.Feature;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ArgumentsSource;

/** The life of containers and their lists. */
@RequiresRoot
@RequiresTool({"docker-registry", "/bin/busybox"})
@ParameterizedClass
@ArgumentsSource(CriServers.class)
class ContainersIT {
    /** Waits for a container that says that its trap is set. */
    private static final String READY = "until [ -e /ready ]; do sleep 0.05; done";

    private final CriServer cri;
    private final CriPod pod;

    ContainersIT(CriServer cri) {
        this.cri = cri;
        this.pod = CriPod.run(cri);
    }

    @AfterEach
    void removePod() {
        pod.close();
    }

    @Test
    void aContainerIsCreatedThenRunsThenHasExited() throws Exception {
        String id = pod.create(pod.container("main", "sh", "-c", "sleep 0.1"));
        ContainerStatus created = pod.status(id);
        assertThat(created.getState()).isEqualTo(ContainerState.CONTAINER_CREATED);
        assertThat(created.getCreatedAt()).isPositive();
        assertThat(created.getStartedAt()).isZero();

        pod.start(id);
        ContainerStatus exited = pod.awaitExit(id);

        assertThat(exited.getExitCode()).isZero();
        assertThat(exited.getReason()).isEqualTo("Completed");
        assertThat(exited.getCreatedAt()).isEqualTo(created.getCreatedAt());
        assertThat(exited.getStartedAt()).isGreaterThanOrEqualTo(created.getCreatedAt());
        assertThat(exited.getFinishedAt() - exited.getStartedAt()).isGreaterThanOrEqualTo(90_000_000);
    }

    @Test
    void aFailureHasItsExitCode() throws Exception {
        ContainerStatus status = pod.awaitExit(pod.started(pod.container("main", "sh", "-c", "exit 7")));

        assertThat(status.getExitCode()).isEqualTo(7);
        assertThat(status.getReason()).isEqualTo("Error");
    }

    @Test
    void aContainerKilledByASignalHasExitCode128AndMore() throws Exception {
        ContainerStatus status = pod.awaitExit(pod.started(pod.container("main", "sh", "-c", "kill -9 $$")));
        // The first process of a PID namespace does not hear its own signals.
        assertThat(status.getExitCode()).isZero();

        String id = pod.sleeper("other");
        pod.stop(id, 0);

        assertThat(pod.status(id).getExitCode()).isEqualTo(137);
    }

    @Test
    void whatItWasGivenComesBack() {
        ContainerConfig.Builder config = pod.container("main", "sleep", "1000000")
                .putLabels("app", "web")
                .putAnnotations("note", "any text: ä\n2");
        config.getMetadataBuilder().setAttempt(2);
        String id = pod.started(config);
        ContainerStatus status = pod.status(id);

        assertThat(status.getMetadata()).isEqualTo(config.getMetadata());
        assertThat(status.getLabelsMap()).isEqualTo(config.getLabelsMap());
        assertThat(status.getAnnotationsMap()).isEqualTo(config.getAnnotationsMap());
        assertThat(status.getLogPath()).isEqualTo(pod.logPath("main.log").toString());
        assertThat(status.getImage().getImage()).isEqualTo(cri.image());
        Container item = list(filter -> filter.setId(id)).get(0);
        assertThat(item.getMetadata()).isEqualTo(config.getMetadata());
        assertThat(item.getPodSandboxId()).isEqualTo(pod.id());
        assertThat(item.getLabelsMap()).isEqualTo(config.getLabelsMap());
        assertThat(item.getAnnotationsMap()).isEqualTo(config.getAnnotationsMap());
    }

    @Test
    void aContainerCanBeRemovedInEachState() throws Exception {
        String created = pod.create(pod.container("created", "true"));
        String running = pod.sleeper("running");
        String exited = pod.started(pod.container("exited", "true"));
        pod.awaitExit(exited);

        for (String id : List.of(created, running, exited)) {
            pod.remove(id);
            assertThat(list(filter -> filter.setId(id))).isEmpty();
            refused(Status.Code.NOT_FOUND, () -> pod.status(id));
        }
    }

    @Test
    void stopAndRemoveMayBeRepeated() {
        String id = pod.sleeper("main");

        assertThatCode(() -> {
                    pod.stop(id, 0);
                    pod.stop(id, 0);
                    pod.remove(id);
                    pod.remove(id);
                })
                .doesNotThrowAnyException();
    }

    @Test
    void aContainerThatNeverWasCanBeStoppedAndRemoved() {
        cri.requires(Feature.UNKNOWN_IS_GONE);
        assertThatCode(() -> {
                    pod.stop("no-such-container", 1);
                    pod.remove("no-such-container");
                })
                .doesNotThrowAnyException();
    }

    @Test
    void aStoppedContainerHadTimeToEndInOrder() {
        String id = pod.started(
                pod.container("main", "sh", "-c", "trap 'exit 3' TERM; touch /ready; while :; do sleep 0.05; done"));
        pod.shell(id, READY);

        pod.stop(id, 20);

        ContainerStatus status = pod.status(id);
        assertThat(status.getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
        assertThat(status.getExitCode()).isEqualTo(3);
    }

    @Test
    void aContainerThatDoesNotListenIsKilledWhenItsTimeIsOver() {
        String id = pod.sleeper("main");

        pod.stop(id, 1);

        assertThat(pod.status(id).getExitCode()).isEqualTo(137);
    }

    @Test
    void theStopSignalIsTheOneAskedFor() {
        cri.requires(Feature.STOP_SIGNAL);
        String id = pod.started(
                pod.container("main", "sh", "-c", "trap 'exit 4' USR1; touch /ready; while :; do sleep 0.05; done")
                        .setStopSignal(dev.gantry.cri.v1.Signal.SIGNAL_SIGUSR1));
        pod.shell(id, READY);

        pod.stop(id, 20);

        assertThat(pod.status(id).getExitCode()).isEqualTo(4);
        assertThat(pod.status(id).getStopSignal()).isEqualTo(dev.gantry.cri.v1.Signal.SIGNAL_SIGUSR1);
    }

    @Test
    void aContainerStartsOnce() throws Exception {
        String id = pod.sleeper("main");
        assertThatExceptionOfType(StatusRuntimeException.class).isThrownBy(() -> pod.start(id));

        pod.stop(id, 0);
        assertThatExceptionOfType(StatusRuntimeException.class).isThrownBy(() -> pod.start(id));
    }

    @Test
    void aCommandThatIsNotThereFailsTheStartAndIsSeenInTheStatus() {
        cri.requires(Feature.LATE_COMMANDS);
        String id = pod.create(pod.container("main", "/no/such/program"));

        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> pod.start(id))
                .withMessageContaining("/no/such/program");
        ContainerStatus status = pod.status(id);
        assertThat(status.getState()).isEqualTo(ContainerState.CONTAINER_EXITED);
        assertThat(status.getExitCode()).isEqualTo(128);
        assertThat(status.getReason()).isIn("StartError", "ContainerCannotRun");
        assertThat(status.getMessage()).contains("/no/such/program");
    }

    @Test
    void anImageThatIsNotPresentFailsTheCreation() {
        ContainerConfig.Builder config = pod.container("main", "true");
        config.getImageBuilder().setImage("127.0.0.1:1/never/pulled:1");

        assertThatExceptionOfType(StatusRuntimeException.class).isThrownBy(() -> pod.create(config));
        assertThat(list(filter -> filter.setPodSandboxId(pod.id()))).isEmpty();
    }

    @Test
    void listsAreFiltered() {
        String one = pod.sleeper("one");
        String two = pod.create(pod.container("two", "true").putLabels("n", "2"));

        assertThat(ids(filter -> filter.setPodSandboxId(pod.id()))).containsExactlyInAnyOrder(one, two);
        assertThat(ids(filter -> filter.setPodSandboxId(pod.id()).setState(state(ContainerState.CONTAINER_RUNNING))))
                .containsExactly(one);
        assertThat(ids(filter -> filter.setPodSandboxId(pod.id()).setState(state(ContainerState.CONTAINER_CREATED))))
                .containsExactly(two);
        assertThat(ids(filter -> filter.setPodSandboxId(pod.id()).putLabelSelector("n", "2")))
                .containsExactly(two);
        assertThat(ids(filter -> filter.setId(one).putLabelSelector("n", "2"))).isEmpty();
        assertThat(ids(filter -> filter.setPodSandboxId("no-such-pod"))).isEmpty();
        assertThat(ids(filter -> {})).contains(one, two);
    }

    @Test
    void theBeginningOfAnIdIsEnough() {
        cri.requires(Feature.PREFIXES);
        String id = pod.sleeper("main");

        assertThat(ids(filter -> filter.setId(id.substring(0, 13)))).containsExactly(id);
        assertThat(pod.status(id.substring(0, 13)).getId()).isEqualTo(id);
    }

    @Test
    void aStreamedListIsTheList() {
        cri.requires(Feature.STREAMED_LISTS);
        for (int i = 0; i < 120; i++) {
            pod.create(pod.container("c" + i, "true"));
        }
        List<Container> streamed = new ArrayList<>();
        cri.runtime()
                .streamContainers(StreamContainersRequest.newBuilder()
                        .setFilter(ContainerFilter.newBuilder().setPodSandboxId(pod.id()))
                        .build())
                .forEachRemaining(part -> streamed.addAll(part.getContainersList()));

        assertThat(streamed).hasSize(120).isEqualTo(list(filter -> filter.setPodSandboxId(pod.id())));
    }

    @Test
    void verboseStatusNamesTheProcess() {
        String id = pod.sleeper("main");

        String info = cri.runtime()
                .containerStatus(ContainerStatusRequest.newBuilder()
                        .setContainerId(id)
                        .setVerbose(true)
                        .build())
                .getInfoOrThrow("info");

        assertThat(info)
                .containsPattern("\"pid\":[1-9]")
                .contains("\"sandboxID\":\"" + pod.id() + "\"", "\"runtimeSpec\":{");
        assertThat(info.contains("\"config\":{")).isEqualTo(cri.has(Feature.VERBOSE_STATUS));
    }

    @Test
    void aNameBelongsToOneContainerOfAPodAndIsFreeAfterItsRemoval() {
        cri.requires(Feature.NAME_IS_TAKEN);
        String first = pod.sleeper("main");
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(() -> pod.create(pod.container("main", "true")));
        pod.remove(first);

        assertThat(pod.create(pod.container("main", "true"))).isNotEqualTo(first);
    }

    @Test
    void environmentAndDirectoryAreTheImagesWithTheContainersOverThem() throws Exception {
        String output = pod.outputOf(pod.container("main", "sh", "-c", "echo $FROM_IMAGE $MINE; pwd")
                .setWorkingDir("/usr/bin")
                .addEnvs(KeyValue.newBuilder()
                        .setKey("MINE")
                        .setValue(com.google.protobuf.ByteString.copyFromUtf8("two words"))));

        assertThat(output).isEqualTo("yes two words\n/usr/bin");
    }

    @Test
    void argumentsAloneFollowTheImagesEntrypointAndCommandReplacesIt() throws Exception {
        assertThat(pod.outputOf(pod.container("main").addAllArgs(List.of("echo", "an argument"))))
                .isEqualTo("an argument");
    }

    private List<Container> list(Consumer<ContainerFilter.Builder> change) {
        ContainerFilter.Builder filter = ContainerFilter.newBuilder();
        change.accept(filter);
        return cri.runtime()
                .listContainers(
                        ListContainersRequest.newBuilder().setFilter(filter).build())
                .getContainersList();
    }

    private List<String> ids(Consumer<ContainerFilter.Builder> change) {
        return list(change).stream().map(Container::getId).toList();
    }

    private static ContainerStateValue state(ContainerState state) {
        return ContainerStateValue.newBuilder().setState(state).build();
    }

    private static void refused(Status.Code code, Runnable call) {
        assertThatExceptionOfType(StatusRuntimeException.class)
                .isThrownBy(call::run)
                .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(code));
    }
}
