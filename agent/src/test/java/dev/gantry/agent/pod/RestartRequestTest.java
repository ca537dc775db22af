package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code gantry restart}: containers, and pods as a whole, begin anew in the sandbox that they have. */
class RestartRequestTest extends EngineTest {
    @BeforeEach
    void open() {
        fixture.apply();
        fixture.runtime.stopTakes(Duration.ofSeconds(2));
    }

    private static Pod pod(String policy) {
        return EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  restartPolicy: %s
                  terminationGracePeriodSeconds: 10
                  initContainers:
                  - {name: setup, image: busybox, imagePullPolicy: IfNotPresent}
                  - {name: proxy, image: busybox, imagePullPolicy: IfNotPresent, restartPolicy: Always}
                  containers:
                  - {name: app, image: busybox, imagePullPolicy: IfNotPresent}
                  - {name: log, image: busybox, imagePullPolicy: IfNotPresent}
                """.formatted(policy));
    }

    private void start(String policy) {
        fixture.create(pod(policy));
        fixture.runtime.exit("setup", 0);
        fixture.advance(Duration.ofSeconds(30));
        assertThat(fixture.runtime.runningNames()).containsExactlyInAnyOrder("proxy", "app", "log");
        fixture.runtime.clearCalls();
    }

    private void restart(String container, Instant asOf) throws PodRejectedException {
        fixture.engine.restart("default", "web", container.isEmpty() ? Optional.empty() : Optional.of(container), asOf);
        fixture.run();
    }

    private int restarts(String container) {
        return java.util.stream.Stream.of(
                        fixture.shown("web").getStatus().getContainerStatuses(),
                        fixture.shown("web").getStatus().getInitContainerStatuses())
                .flatMap(List::stream)
                .filter(status -> status.getName().equals(container))
                .findFirst()
                .map(ContainerStatus::getRestartCount)
                .orElseThrow();
    }

    @Test
    void aContainerIsStartedAnewWhateverItsPolicyAndNothingElseIs() throws Exception {
        start("Never");
        String before = fixture.shown("web").getStatus().getPodIP();

        restart("app", fixture.clock.instant());
        fixture.advance(Duration.ofSeconds(5));

        assertThat(restarts("app")).isEqualTo(1);
        assertThat(restarts("log")).isZero();
        assertThat(restarts("proxy")).isZero();
        assertThat(fixture.phase("web")).isEqualTo("Running");
        assertThat(fixture.shown("web").getStatus().getPodIP()).isEqualTo(before);
        assertThat(fixture.runtime.sandboxCount()).isEqualTo(1);
        assertThat(fixture.engine.events())
                .extracting(Event::getMessage)
                .contains("Container app will be restarted as requested");
    }

    @Test
    void theSameRequestAgainDoesNothingMore() throws Exception {
        start("Always");
        Instant asOf = fixture.clock.instant();

        restart("app", asOf);
        restart("app", asOf);
        fixture.advance(Duration.ofSeconds(5));
        restart("app", asOf);
        fixture.advance(Duration.ofSeconds(5));
        assertThat(restarts("app")).isEqualTo(1);

        restart("app", fixture.clock.instant());
        fixture.advance(Duration.ofSeconds(5));
        assertThat(restarts("app")).isEqualTo(2);
    }

    @Test
    void aContainerInBackOffStartsAtOnceAndItsBackOffIsForgotten() throws Exception {
        start("Always");
        for (int i = 0; i < 2; i++) {
            fixture.runtime.exit("app", 1);
            fixture.advance(Duration.ofSeconds(1));
        }
        assertThat(fixture.status("web").getState().getWaiting().getReason()).isEqualTo("CrashLoopBackOff");

        restart("app", fixture.clock.instant());
        fixture.advance(Duration.ofSeconds(1));
        assertThat(fixture.runtime.runningNames()).contains("app");

        // The first end after that is followed at once again.
        fixture.runtime.exit("app", 1);
        fixture.advance(Duration.ofSeconds(1));
        assertThat(fixture.runtime.runningNames()).contains("app");
    }

    @Test
    void aPodIsStoppedInOrderAndBeginsWithItsInitContainers() throws Exception {
        start("Always");

        restart("", fixture.clock.instant());
        assertThat(fixture.runtime.calls()).containsExactlyInAnyOrder("StopContainer app 10", "StopContainer log 10");
        fixture.advance(Duration.ofSeconds(3));
        assertThat(fixture.runtime.calls()).contains("StopContainer proxy 8");
        fixture.advance(Duration.ofSeconds(3));

        assertThat(fixture.runtime.runningNames()).containsExactly("setup");
        assertThat(fixture.status("web").getState().getWaiting().getReason()).isEqualTo("RestartingAllContainers");
        assertThat(fixture.shown("web").getStatus().getConditions())
                .filteredOn(condition -> condition.getType().equals("AllContainersRestarting"))
                .singleElement()
                .satisfies(condition -> {
                    assertThat(condition.getStatus()).isEqualTo("True");
                    assertThat(condition.getReason()).isEqualTo("RestartAllContainersStarted");
                });

        fixture.runtime.exit("setup", 0);
        fixture.advance(Duration.ofSeconds(3));
        assertThat(fixture.runtime.runningNames()).containsExactlyInAnyOrder("proxy", "app", "log");
        assertThat(List.of(restarts("setup"), restarts("proxy"), restarts("app"), restarts("log")))
                .containsOnly(1);
        assertThat(fixture.runtime.sandboxCount()).isEqualTo(1);
        assertThat(fixture.shown("web").getStatus().getConditions())
                .extracting(condition -> condition.getType())
                .doesNotContain("AllContainersRestarting");

        fixture.advance(Duration.ofMinutes(5));
        assertThat(restarts("app")).isEqualTo(1);
    }

    @Test
    void anAgentThatIsKilledInBetweenLeavesTheRestOfARestartToTheNext() throws Exception {
        start("OnFailure");
        restart("", fixture.clock.instant());
        fixture.advance(Duration.ofSeconds(1));
        fixture.restartAgent();
        fixture.apply();
        fixture.advance(Duration.ofSeconds(10));
        assertThat(fixture.runtime.runningNames()).containsExactly("setup");

        fixture.restartAgent();
        fixture.apply();
        fixture.runtime.exit("setup", 0);
        fixture.advance(Duration.ofSeconds(3));
        assertThat(fixture.runtime.runningNames()).containsExactlyInAnyOrder("proxy", "app", "log");

        fixture.restartAgent();
        fixture.apply();
        fixture.advance(Duration.ofMinutes(2));
        assertThat(List.of(restarts("setup"), restarts("proxy"), restarts("app"), restarts("log")))
                .containsOnly(1);
    }

    @Test
    void aContainerThatHasDoneItsWorkWorksAgain() throws Exception {
        start("OnFailure");
        fixture.runtime.exit("app", 0);
        fixture.advance(Duration.ofSeconds(30));
        assertThat(fixture.runtime.runningNames()).doesNotContain("app");

        restart("app", fixture.clock.instant());
        fixture.advance(Duration.ofSeconds(1));

        assertThat(fixture.runtime.runningNames()).contains("app");
    }

    @Test
    void aPodOfAFileIsRestartedToo() throws Exception {
        Pod pod = EngineFixture.filePod("static", "uid-1", "Always");
        fixture.apply(pod);
        fixture.advance(Duration.ofSeconds(10));

        fixture.engine.restart("default", "static", Optional.empty(), fixture.clock.instant());
        fixture.advance(Duration.ofSeconds(5));

        assertThat(fixture.status("static").getRestartCount()).isEqualTo(1);
    }

    @Test
    void whatCannotBeRestartedSaysWhy() throws Exception {
        start("Never");
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> restart("setup", fixture.clock.instant()))
                .withMessage("container setup is an init container, which runs at the start of its pod; restart the pod"
                        + " instead");
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> restart("none", fixture.clock.instant()))
                .withMessage("container none is not valid for pod web");
        assertThat(fixture.engine.restart("default", "none", Optional.empty(), fixture.clock.instant()))
                .isEmpty();

        fixture.engine.delete("default", "web", OptionalLong.empty());
        fixture.run();
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> restart("app", fixture.clock.instant()))
                .withMessage("pods \"web\" is forbidden: it is being deleted, and cannot be restarted");
    }

    @Test
    void aPodThatHasEndedStaysEnded() throws Exception {
        start("Never");
        fixture.runtime.exit("app", 0);
        fixture.runtime.exit("log", 0);
        fixture.advance(Duration.ofSeconds(20));
        assertThat(fixture.phase("web")).isEqualTo("Succeeded");

        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> restart("", fixture.clock.instant()))
                .withMessage("pods \"web\" is forbidden: it has ended, and cannot be restarted");
    }

    /** {@code RestartAllContainers}, KEP-5532. */
    @Test
    void anExitCodeCanHaveTheWholePodBeginAnewWithBackOff() {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  restartPolicy: Never
                  initContainers:
                  - {name: setup, image: busybox, imagePullPolicy: IfNotPresent}
                  containers:
                  - name: app
                    image: busybox
                    imagePullPolicy: IfNotPresent
                    restartPolicy: Never
                    restartPolicyRules:
                    - {action: Restart, exitCodes: {operator: In, values: [41]}}
                    - {action: RestartAllContainers, exitCodes: {operator: In, values: [41, 42]}}
                  - {name: log, image: busybox, imagePullPolicy: IfNotPresent}
                """);
        fixture.create(pod);
        fixture.runtime.exit("setup", 0);
        fixture.advance(Duration.ofSeconds(5));

        fixture.runtime.exit("app", 41);
        fixture.advance(Duration.ofSeconds(1));
        assertThat(List.of(restarts("app"), restarts("log"))).containsExactly(1, 0);

        fixture.runtime.clearCalls();
        fixture.runtime.exit("app", 42);
        fixture.run();
        assertThat(fixture.runtime.calls()).startsWith("StopContainer log 0");
        assertThat(fixture.phase("web")).isEqualTo("Running");
        fixture.advance(Duration.ofSeconds(1));
        assertThat(fixture.runtime.runningNames()).containsExactly("setup");

        fixture.restartAgent();
        fixture.apply();
        fixture.runtime.exit("setup", 0);
        fixture.advance(Duration.ofSeconds(1));
        // The one that ended waits as after any other end; it has ended before.
        assertThat(fixture.runtime.runningNames()).containsExactly("log");
        assertThat(fixture.status("web").getState().getWaiting().getReason()).isEqualTo("RestartingAllContainers");
        fixture.advance(Duration.ofSeconds(10));
        assertThat(fixture.runtime.runningNames()).containsExactlyInAnyOrder("app", "log");
        assertThat(List.of(restarts("setup"), restarts("app"), restarts("log"))).containsExactly(1, 2, 1);

        fixture.advance(Duration.ofMinutes(5));
        assertThat(List.of(restarts("setup"), restarts("app"), restarts("log"))).containsExactly(1, 2, 1);
    }
}
