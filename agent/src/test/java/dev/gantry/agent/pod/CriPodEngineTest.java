package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.grpc.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CriPodEngineTest {
    @TempDir
    Path directory;

    private EngineFixture fixture;

    @BeforeEach
    void open() {
        fixture = new EngineFixture(directory);
        fixture.run();
    }

    @AfterEach
    void close() {
        fixture.close();
    }

    @Test
    void aPodStartsAndIsShownRunning() {
        fixture.create(EngineFixture.pod("web", "Always"));

        assertThat(fixture.runtime.calls())
                .containsExactly("RunPodSandbox web 0", "CreateContainer main 0", "StartContainer main");
        Pod pod = fixture.shown("web");
        assertThat(pod.getStatus().getPhase()).isEqualTo("Running");
        assertThat(pod.getStatus().getPodIP()).startsWith("10.88.0.");
        assertThat(pod.getStatus().getHostIP()).isEqualTo("192.0.2.1");
        assertThat(pod.getStatus().getQosClass()).isEqualTo("BestEffort");
        assertThat(pod.getStatus().getContainerStatuses().get(0).getContainerID())
                .startsWith("fake://container-");
        assertThat(pod.getStatus().getConditions())
                .extracting(PodCondition::getType, PodCondition::getStatus)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("PodReadyToStartContainers", "True"),
                        org.assertj.core.groups.Tuple.tuple("Initialized", "True"),
                        org.assertj.core.groups.Tuple.tuple("Ready", "True"),
                        org.assertj.core.groups.Tuple.tuple("ContainersReady", "True"),
                        org.assertj.core.groups.Tuple.tuple("PodScheduled", "True"));
        assertThat(fixture.events()).containsExactly("Pulled x1", "Created x1", "Started x1");
    }

    @Test
    void aContainerThatExitsIsRestartedAtOnceAndThenLaterAndLater() {
        fixture.create(EngineFixture.pod("web", "Always"));

        fixture.runtime.exit("main", 1);
        fixture.run();
        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        assertThat(fixture.status("web").getRestartCount()).isEqualTo(1);

        for (int seconds : new int[] {10, 20, 40, 80, 160, 300, 300}) {
            fixture.runtime.exit("main", 1);
            fixture.run();
            assertThat(fixture.status("web").getState().getWaiting().getReason())
                    .isEqualTo("CrashLoopBackOff");
            assertThat(fixture.status("web").getState().getWaiting().getMessage())
                    .startsWith("back-off " + PodStatuses.text(Duration.ofSeconds(seconds))
                            + " restarting failed container=main pod=web_default(");
            assertThat(fixture.status("web").getLastState().getTerminated().getExitCode())
                    .isEqualTo(1);
            assertThat(fixture.phase("web")).isEqualTo("Running");

            fixture.advance(Duration.ofSeconds(seconds).minusMillis(1));
            assertThat(fixture.runtime.runningNames()).isEmpty();
            fixture.advance(Duration.ofMillis(1));
            assertThat(fixture.runtime.runningNames()).containsExactly("main");
        }

        assertThat(fixture.status("web").getRestartCount()).isEqualTo(8);
        assertThat(fixture.events()).contains("BackOff x7", "Started x9");
    }

    @Test
    void aLongRunIsForgiven() {
        fixture.create(EngineFixture.pod("web", "Always"));
        for (int i = 0; i < 3; i++) {
            fixture.runtime.exit("main", 1);
            fixture.advance(Duration.ofSeconds(60));
        }

        fixture.advance(Duration.ofSeconds(601));
        fixture.runtime.exit("main", 1);
        fixture.run();

        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        fixture.runtime.exit("main", 1);
        fixture.run();
        assertThat(fixture.status("web").getState().getWaiting().getMessage()).startsWith("back-off 10s");
    }

    @Test
    void backOffAndRestartCountOutliveTheAgent() {
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.runtime.exit("main", 1);
        fixture.run();
        fixture.runtime.exit("main", 2);
        fixture.run();

        fixture.restartAgent();
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));

        assertThat(fixture.status("web").getRestartCount()).isEqualTo(1);
        assertThat(fixture.status("web").getState().getWaiting().getReason()).isEqualTo("CrashLoopBackOff");
        assertThat(fixture.status("web").getLastState().getTerminated().getExitCode())
                .isEqualTo(2);
        fixture.advance(Duration.ofSeconds(10));
        assertThat(fixture.status("web").getRestartCount()).isEqualTo(2);
        fixture.runtime.exit("main", 3);
        fixture.run();
        assertThat(fixture.status("web").getState().getWaiting().getMessage()).startsWith("back-off 20s");
    }

    @Test
    void theAgeOfAFilesPodOutlivesTheAgent() {
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        String created = fixture.shown("web").getMetadata().getCreationTimestamp();
        fixture.advance(Duration.ofHours(2));

        fixture.restartAgent();
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));

        assertThat(fixture.shown("web").getMetadata().getCreationTimestamp()).isEqualTo(created);
        assertThat(fixture.shown("web").getStatus().getStartTime()).isEqualTo(created);
    }

    @Test
    void aRunningPodIsAdoptedUntouched() {
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.create(EngineFixture.pod("api", "Always"));
        List<String> ids = fixture.runtime.runningIds();
        fixture.runtime.clearCalls();

        fixture.restartAgent();
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.advance(Duration.ofMinutes(5));

        assertThat(fixture.runtime.runningIds()).isEqualTo(ids);
        assertThat(fixture.runtime.calls()).isEmpty();
        assertThat(fixture.phase("web")).isEqualTo("Running");
        assertThat(fixture.phase("api")).isEqualTo("Running");
    }

    @Test
    void aPodThatEndsForGoodGivesItsSandboxBackAndKeepsItsContainers() {
        fixture.create(EngineFixture.pod("job", "OnFailure"));
        fixture.runtime.exit("main", 1);
        fixture.run();
        assertThat(fixture.phase("job")).isEqualTo("Running");

        fixture.runtime.exit("main", 0);
        fixture.advance(Duration.ofMinutes(1));

        assertThat(fixture.phase("job")).isEqualTo("Succeeded");
        assertThat(fixture.runtime.readySandboxes()).isEmpty();
        assertThat(fixture.status("job").getState().getTerminated().getReason()).isEqualTo("Completed");
        assertThat(condition("job", "Ready").getReason()).isEqualTo("PodCompleted");

        fixture.restartAgent();
        assertThat(fixture.phase("job")).isEqualTo("Succeeded");
        assertThat(fixture.runtime.runningNames()).isEmpty();
    }

    @Test
    void aFailedPodThatIsNotRestartedIsFailed() {
        fixture.create(EngineFixture.pod("job", "Never"));

        fixture.runtime.exit("main", 3);
        fixture.run();

        assertThat(fixture.phase("job")).isEqualTo("Failed");
        assertThat(fixture.status("job").getState().getTerminated().getExitCode())
                .isEqualTo(3);
        assertThat(fixture.status("job").getRestartCount()).isZero();
    }

    @Test
    void deletionStopsContainersWithinTheGraceAndLeavesNothing() throws PodRejectedException {
        fixture.runtime.stopTakes(Duration.ofSeconds(5));
        fixture.create(EngineFixture.pod("web", "Always"));
        List<PodChange.Type> changes = new ArrayList<>();
        fixture.engine.watch(change -> changes.add(change.type()));

        Pod deleted =
                fixture.engine.delete("default", "web", OptionalLong.of(20)).orElseThrow();
        assertThat(deleted.getMetadata().getDeletionTimestamp()).isEqualTo("2026-01-01T00:00:20Z");
        fixture.advance(Duration.ofSeconds(4));
        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        fixture.advance(Duration.ofSeconds(1));

        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
        assertThat(fixture.runtime.calls()).contains("StopContainer main 20").doesNotHaveDuplicates();
        assertThat(changes)
                .startsWith(PodChange.Type.ADDED, PodChange.Type.MODIFIED)
                .endsWith(PodChange.Type.DELETED);
        assertThat(directory.resolve("pods")).isEmptyDirectory();
        assertThat(directory.resolve("logs")).isEmptyDirectory();
        assertThat(fixture.events()).contains("Killing x1");
    }

    @Test
    void aShorterDeadlineWinsAndALongerOneDoesNot() throws PodRejectedException {
        fixture.runtime.stopTakes(Duration.ofHours(1));
        fixture.create(EngineFixture.pod("web", "Always"));

        fixture.engine.delete("default", "web", OptionalLong.of(30));
        fixture.run();
        fixture.engine.delete("default", "web", OptionalLong.of(300));
        fixture.run();
        fixture.engine.delete("default", "web", OptionalLong.of(2));
        fixture.run();
        assertThat(fixture.runtime.calls()).contains("StopContainer main 30", "StopContainer main 2");

        fixture.advance(Duration.ofSeconds(2));
        assertThat(fixture.engine.pods()).isEmpty();
    }

    @Test
    void deletionGoesOnAfterARestartOfTheAgent() throws PodRejectedException {
        fixture.runtime.stopTakes(Duration.ofHours(1));
        fixture.create(EngineFixture.pod("web", "Always"));
        fixture.engine.delete("default", "web", OptionalLong.of(30));
        fixture.advance(Duration.ofSeconds(10));
        fixture.runtime.clearCalls();

        fixture.restartAgent();

        assertThat(fixture.runtime.calls()).contains("StopContainer main 20");
        fixture.advance(Duration.ofSeconds(20));
        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
    }

    @Test
    void anEditedManifestReplacesThePodByUid() {
        fixture.runtime.stopTakes(Duration.ofSeconds(3));
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.runtime.clearCalls();

        fixture.apply(EngineFixture.filePod("web", "uid-2", "Always"));
        assertThat(fixture.shown("web").getMetadata().getUid()).isEqualTo("uid-1");
        assertThat(fixture.shown("web").getMetadata().getDeletionTimestamp()).isNotNull();
        fixture.advance(Duration.ofSeconds(3));

        assertThat(fixture.shown("web").getMetadata().getUid()).isEqualTo("uid-2");
        assertThat(fixture.runtime.calls())
                .containsExactly(
                        "StopContainer main 30",
                        "StopPodSandbox web",
                        "RemovePodSandbox web",
                        "RunPodSandbox web 0",
                        "CreateContainer main 0",
                        "StartContainer main");
    }

    @Test
    void aManifestThatComesBackWhileItsPodStopsStartsItAgain() {
        fixture.runtime.stopTakes(Duration.ofSeconds(3));
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));

        fixture.apply();
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.advance(Duration.ofSeconds(3));

        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        assertThat(fixture.phase("web")).isEqualTo("Running");
    }

    @Test
    void whatNobodyWantsIsRemovedOnceEverySourceWasSeen() {
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"), EngineFixture.filePod("api", "uid-2", "Always"));
        fixture.runtime.clearCalls();

        fixture.restartAgent();
        fixture.advance(Duration.ofMinutes(10));
        assertThat(fixture.runtime.runningNames()).hasSize(2);

        fixture.apply(EngineFixture.filePod("api", "uid-2", "Always"));
        assertThat(fixture.runtime.calls())
                .containsExactly("StopContainer main 30", "StopPodSandbox web", "RemovePodSandbox web");
        assertThat(fixture.runtime.runningNames()).hasSize(1);
    }

    @Test
    void aManifestEditedWhileTheAgentWasAwayReplacesItsPod() {
        fixture.runtime.stopTakes(Duration.ofSeconds(1));
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.runtime.clearCalls();

        fixture.restartAgent();
        fixture.apply(EngineFixture.filePod("web", "uid-2", "Always"));
        assertThat(fixture.phase("web")).isEqualTo("Pending");
        fixture.advance(Duration.ofSeconds(2));

        assertThat(fixture.runtime.calls())
                .containsExactly(
                        "StopContainer main 30",
                        "StopPodSandbox web",
                        "RemovePodSandbox web",
                        "RunPodSandbox web 0",
                        "CreateContainer main 0",
                        "StartContainer main");
    }

    @Test
    void aTransientPodEndsWithItsAgent() {
        Pod pod = EngineFixture.pod("web", "Always");
        pod.getMetadata().setAnnotations(java.util.Map.of(PodEngine.TRANSIENT_ANNOTATION, "true"));
        fixture.create(pod);

        fixture.restartAgent();
        fixture.apply();

        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
    }

    @Test
    void anImageThatCannotBePulledBacksOff() {
        Pod pod = EngineFixture.pod("web", "Always");
        pod.getSpec().getContainers().get(0).setImage("nowhere/nothing:1");
        fixture.create(pod);

        assertThat(fixture.phase("web")).isEqualTo("Pending");
        assertThat(fixture.status("web").getState().getWaiting().getReason()).isEqualTo("ImagePullBackOff");
        assertThat(fixture.status("web").getState().getWaiting().getMessage())
                .isEqualTo(
                        "Back-off pulling image \"nowhere/nothing:1\": ErrImagePull: nowhere/nothing:1 is not known");
        assertThat(fixture.events()).contains("Pulling x1", "Failed x1", "BackOff x1");

        fixture.runtime.addToRegistry("nowhere/nothing:1");
        fixture.advance(Duration.ofSeconds(10));
        assertThat(fixture.phase("web")).isEqualTo("Running");
        assertThat(fixture.events()).contains("Pulling x2", "Pulled x1");
    }

    @Test
    void anImageThatMayNotBePulledIsNotPulled() {
        Pod pod = EngineFixture.pod("web", "Always");
        pod.getSpec().getContainers().get(0).setImage("absent");
        pod.getSpec().getContainers().get(0).setImagePullPolicy("Never");
        fixture.create(pod);

        assertThat(fixture.status("web").getState().getWaiting().getReason()).isEqualTo("ErrImageNeverPull");
        assertThat(fixture.runtime.calls()).noneMatch(call -> call.startsWith("PullImage"));
    }

    @Test
    void aSandboxThatFailsIsTriedAgain() {
        fixture.runtime.failNext("RunPodSandbox", Status.UNKNOWN.withDescription("no addresses left"));
        fixture.create(EngineFixture.pod("web", "Always"));

        assertThat(fixture.status("web").getState().getWaiting().getMessage())
                .isEqualTo("Failed to create pod sandbox: no addresses left");
        assertThat(fixture.events()).contains("FailedCreatePodSandBox x1");

        fixture.advance(Duration.ofSeconds(1));
        assertThat(fixture.phase("web")).isEqualTo("Running");
    }

    @Test
    void aContainerThatCannotStartSaysWhy() {
        fixture.runtime.failNext(
                "StartContainer", Status.UNKNOWN.withDescription("step 17, mount proc on /proc: EPERM"));
        fixture.create(EngineFixture.pod("web", "Always"));

        assertThat(fixture.status("web").getState().getWaiting().getReason()).isEqualTo("RunContainerError");
        assertThat(fixture.status("web").getState().getWaiting().getMessage())
                .isEqualTo("step 17, mount proc on /proc: EPERM");

        fixture.advance(Duration.ofSeconds(1));
        assertThat(fixture.phase("web")).isEqualTo("Running");
        assertThat(fixture.status("web").getRestartCount()).isZero();
    }

    @Test
    void aDeadSandboxIsReplacedWithItsContainers() {
        fixture.create(EngineFixture.pod("web", "Always"));

        fixture.runtime.kill(fixture.runtime.readySandboxes().get(0));
        fixture.run();

        assertThat(fixture.phase("web")).isEqualTo("Running");
        assertThat(fixture.status("web").getRestartCount()).isEqualTo(1);
        assertThat(fixture.runtime.calls()).contains("RunPodSandbox web 1", "CreateContainer main 1");
        assertThat(fixture.events()).contains("SandboxChanged x1");
    }

    @Test
    void lostEventsAreMadeUpFor() {
        fixture.create(EngineFixture.pod("web", "Always"));

        fixture.runtime.dropSubscribers();
        fixture.run();
        fixture.runtime.exit("main", 1);
        fixture.run();
        assertThat(fixture.runtime.runningNames()).isEmpty();

        fixture.advance(Duration.ofSeconds(1));
        assertThat(fixture.runtime.runningNames()).containsExactly("main");
    }

    @Test
    void containersStartInTheOrderOfTheSpec() {
        fixture.runtime.addToRegistry("slow");
        fixture.runtime.hold("PullImage");
        fixture.create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: two}
                spec:
                  containers:
                  - {name: first, image: slow, imagePullPolicy: IfNotPresent}
                  - {name: second, image: busybox, imagePullPolicy: IfNotPresent}
                """));
        assertThat(fixture.runtime.runningNames()).isEmpty();

        fixture.runtime.release("PullImage");
        fixture.run();

        assertThat(fixture.runtime.runningNames()).containsExactly("first", "second");
    }

    @Test
    void nothingStartsOnceDeletionBegan() throws PodRejectedException {
        fixture.runtime.hold("CreateContainer");
        fixture.create(EngineFixture.pod("web", "Always"));

        fixture.engine.delete("default", "web", OptionalLong.of(30));
        fixture.run();
        fixture.runtime.release("CreateContainer");
        fixture.run();

        assertThat(fixture.runtime.calls()).doesNotContain("StartContainer main");
        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
    }

    @Test
    void whatCannotBeHonouredIsRefusedByName() {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  resourceClaims: [{name: gpu, resourceClaimName: gpu}]
                  containers:
                  - {name: main, image: busybox}
                """);
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> fixture.engine.create(pod))
                .withMessage("Pod \"web\" is invalid: spec.resourceClaims: Forbidden: not supported by this version of"
                        + " Gantry; remove it to run the pod");

        pod.getMetadata().setUid("uid-1");
        fixture.apply(pod);
        assertThat(fixture.phase("web")).isEqualTo("Failed");
        assertThat(fixture.shown("web").getStatus().getReason()).isEqualTo("PodFeatureUnsupported");
        fixture.apply();
        assertThat(fixture.engine.pods()).isEmpty();
    }

    @Test
    void aNameIsTakenOnlyOnce() {
        fixture.create(EngineFixture.pod("web", "Always"));

        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> fixture.engine.create(EngineFixture.pod("web", "Always")))
                .withMessage("pods \"web\" already exists")
                .satisfies(e -> assertThat(e.reason().code()).isEqualTo(409));
    }

    @Test
    void runsOfAContainerAreFoundForLogs() throws Exception {
        fixture.create(EngineFixture.pod("web", "Always"));
        fixture.runtime.exit("main", 1);
        fixture.run();

        ContainerRef current = fixture.engine.container("default", "web", null, false);
        ContainerRef previous = fixture.engine.container("default", "web", "main", true);

        assertThat(current.restartCount()).isEqualTo(1);
        assertThat(current.running()).isTrue();
        assertThat(previous.restartCount()).isZero();
        assertThat(previous.logPath().toString()).endsWith("/main/0.log");
        assertThatExceptionOfType(ContainerUnavailableException.class)
                .isThrownBy(() -> fixture.engine.container("default", "gone", null, false))
                .withMessage("pods \"gone\" not found");
        assertThatExceptionOfType(ContainerUnavailableException.class)
                .isThrownBy(() -> fixture.engine.container("default", "web", "x", false))
                .withMessage("container x is not valid for pod web");
    }

    @Test
    void aWatchBeginsWithWhatThereIs() {
        fixture.create(EngineFixture.pod("web", "Always"));
        List<String> seen = new ArrayList<>();

        PodEngine.Watch watch = fixture.engine.watch(change ->
                seen.add(change.type() + " " + change.pod().getMetadata().getName()));
        fixture.run();
        fixture.create(EngineFixture.pod("api", "Always"));
        watch.close();
        fixture.create(EngineFixture.pod("late", "Always"));

        assertThat(seen).startsWith("ADDED web", "ADDED api").doesNotContain("ADDED late");
    }

    @Test
    void eventsOutliveTheAgent() throws Exception {
        fixture.create(EngineFixture.pod("web", "Always"));
        fixture.advance(Duration.ofSeconds(2));
        List<String> before = fixture.events();

        fixture.restartAgent();

        assertThat(before).contains("Started x1");
        assertThat(fixture.events()).isEqualTo(before);
        assertThat(Files.readAllLines(directory.resolve("events"))).hasSize(before.size());
    }

    private PodCondition condition(String pod, String type) {
        Optional<PodCondition> found = fixture.shown(pod).getStatus().getConditions().stream()
                .filter(condition -> condition.getType().equals(type))
                .findFirst();
        return found.orElseThrow(() -> new IllegalStateException("no condition " + type));
    }

    @Test
    void whatPodsLeftThatEndedWithoutAnAgentIsRemovedOnceAllSourcesAreKnown() throws Exception {
        fixture.create(EngineFixture.pod("kept", "Always"));
        String uid = fixture.shown("kept").getMetadata().getUid();
        Path kept =
                Files.createDirectories(directory.resolve("pods").resolve(uid).resolve("volumes"));
        Path left = Files.createDirectories(directory.resolve("pods/gone/volumes/kubernetes.io~empty-dir/a"));
        Path log = Files.createDirectories(directory.resolve("logs/default_old_gone/main"));
        Path unreadable = Files.createDirectories(directory.resolve("pods/unreadable"));
        Files.writeString(unreadable.resolve("pod.json"), "{");

        fixture.restartAgent();
        assertThat(left).exists();
        fixture.apply();

        assertThat(directory.resolve("pods/gone")).doesNotExist();
        assertThat(log).doesNotExist();
        assertThat(kept).exists();
        assertThat(unreadable).exists();
    }
}
