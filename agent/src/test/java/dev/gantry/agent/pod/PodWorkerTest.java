package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** One pod between its first sandbox and its end: starts that fail, restarts, back-off. */
class PodWorkerTest extends EngineTest {
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
    void aLookAtTheRuntimeThatFailedIsTakenAgainWhateverHappensMeanwhile() throws Exception {
        Pod pod = EngineFixture.pod("web", "Always");
        pod.getSpec().setActiveDeadlineSeconds(3600L);
        fixture.create(pod);
        fixture.runtime.failNext("ListContainers", Status.UNAVAILABLE);

        fixture.runtime.exit("main", 1);
        fixture.run();
        fixture.engine.report(
                "default",
                "web",
                List.of(new PodConditionBuilder()
                        .withType("example.com/lb")
                        .withStatus("True")
                        .build()));
        fixture.advance(Duration.ofSeconds(2));

        assertThat(fixture.status("web").getRestartCount()).isEqualTo(1);
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
    void aNameThatIsTooLongForADirectoryIsToldAsSuch() {
        String name = "n".repeat(240);
        fixture.create(EngineFixture.pod(name, "Always"));

        assertThat(fixture.status(name).getState().getWaiting().getMessage())
                .isEqualTo(
                        "Failed to create pod sandbox: make the directory of the pod's logs, namespace_name_uid: its name"
                                + " has 285 characters, and a file's has 255 at most; choose a shorter name");
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

    private PodCondition condition(String pod, String type) {
        Optional<PodCondition> found = fixture.shown(pod).getStatus().getConditions().stream()
                .filter(condition -> condition.getType().equals(type))
                .findFirst();
        return found.orElseThrow(() -> new IllegalStateException("no condition " + type));
    }
}
