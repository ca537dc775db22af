package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.hook.HookResult;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** What probes and hooks do to a pod. */
class HealthEngineTest extends EngineTest {
    private static final String POD = """
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec:
              terminationGracePeriodSeconds: 20
              containers:
              - name: main
                image: busybox
                imagePullPolicy: IfNotPresent
                %s
            """;

    private void create(String fields) {
        fixture.create(EngineFixture.pod(POD.formatted(fields)));
    }

    private void delete(OptionalLong graceSeconds) {
        try {
            fixture.engine.delete("default", "web", graceSeconds);
        } catch (PodRejectedException e) {
            throw new IllegalStateException(e);
        }
    }

    private String condition(String type) {
        Pod pod = fixture.shown("web");
        return pod.getStatus().getConditions().stream()
                .filter(condition -> condition.getType().equals(type))
                .map(PodCondition::getStatus)
                .findFirst()
                .orElseThrow();
    }

    private List<String> messages(String reason) {
        return fixture.engine.events().stream()
                .filter(event -> event.getReason().equals(reason))
                .map(Event::getMessage)
                .toList();
    }

    @Test
    void aPodIsReadyOnceItsReadinessProbePasses() {
        fixture.probes.initially("main", FakeProbes.UNREADY);
        create("readinessProbe: {tcpSocket: {port: 80}}");
        assertThat(fixture.status("web").getReady()).isFalse();
        assertThat(fixture.status("web").getStarted()).isTrue();
        assertThat(condition("Ready")).isEqualTo("False");

        fixture.probes.find("web", "main", FakeProbes.READY);
        fixture.run();

        assertThat(fixture.status("web").getReady()).isTrue();
        assertThat(condition("Ready")).isEqualTo("True");
        assertThat(condition("ContainersReady")).isEqualTo("True");
    }

    @Test
    void aContainerHasNotStartedBeforeItsStartupProbePasses() {
        fixture.probes.initially("main", FakeProbes.STARTING);
        create("startupProbe: {tcpSocket: {port: 80}}");

        assertThat(fixture.status("web").getStarted()).isFalse();
        assertThat(fixture.status("web").getReady()).isFalse();
        assertThat(fixture.phase("web")).isEqualTo("Running");
    }

    @Test
    void aContainerThatFailsItsLivenessProbeIsKilledWithTheProbesGraceAndRestarted() {
        create("livenessProbe: {tcpSocket: {port: 80}, terminationGracePeriodSeconds: 7}");
        fixture.runtime.clearCalls();

        fixture.probes.find("web", "main", FakeProbes.failed(OptionalLong.of(7)));
        fixture.run();

        assertThat(fixture.runtime.calls())
                .containsExactly("StopContainer main 7", "CreateContainer main 1", "StartContainer main");
        assertThat(messages("Killing")).containsExactly("Container main failed liveness probe, will be restarted");
        assertThat(fixture.status("web").getRestartCount()).isEqualTo(1);
    }

    @Test
    void withoutAGraceOfItsOwnAProbeKillsWithThePods() {
        create("livenessProbe: {tcpSocket: {port: 80}}");
        fixture.runtime.clearCalls();

        fixture.probes.find("web", "main", FakeProbes.failed(OptionalLong.empty()));
        fixture.run();

        assertThat(fixture.runtime.calls()).first().isEqualTo("StopContainer main 20");
    }

    @Test
    void aContainerThatItsProbesGiveUpIsRestartedWhateverItExitsWith() {
        fixture.create(EngineFixture.pod(POD.replace("spec:", "spec:\n  restartPolicy: OnFailure")
                .formatted("livenessProbe: {tcpSocket: {port: 80}}")));

        fixture.runtime.stopTakes(Duration.ofSeconds(3));
        fixture.probes.find("web", "main", FakeProbes.failed(OptionalLong.empty()));
        fixture.run();
        fixture.restartAgent();
        fixture.runtime.exit("main", 0);
        fixture.run();

        assertThat(fixture.phase("web")).isEqualTo("Running");
        assertThat(fixture.status("web").getRestartCount()).isEqualTo(1);
        fixture.runtime.exit("main", 0);
        fixture.run();
        assertThat(fixture.phase("web")).as("ended by itself").isEqualTo("Succeeded");
    }

    @Test
    void whatIsNotRestartedIsNotSaidToBe() {
        fixture.create(EngineFixture.pod(POD.replace("spec:", "spec:\n  restartPolicy: Never")
                .formatted("livenessProbe: {tcpSocket: {port: 80}}")));

        fixture.probes.find("web", "main", FakeProbes.failed(OptionalLong.empty()));
        fixture.run();

        assertThat(messages("Killing")).containsExactly("Container main failed liveness probe");
        assertThat(fixture.phase("web")).isEqualTo("Failed");
    }

    @Test
    void aContainerIsNotProbedWhileItsPostStartHookRuns() {
        fixture.probes.initially("main", FakeProbes.failed(OptionalLong.of(7)));
        create("lifecycle: {postStart: {exec: {command: [warm]}}}\n    livenessProbe: {tcpSocket: {port: 80}}");
        fixture.advance(Duration.ofMinutes(2));
        assertThat(fixture.runtime.calls()).noneMatch(call -> call.startsWith("StopContainer"));
        assertThat(fixture.status("web").getStarted()).isFalse();

        fixture.hooks.last().result().complete(HookResult.SUCCEEDED);
        fixture.run();

        assertThat(fixture.runtime.calls()).contains("StopContainer main 7");
    }

    @Test
    void aContainerWhosePostStartHookFailsStillHasItsPreStopHook() {
        create("lifecycle: {postStart: {exec: {command: [warm]}}, preStop: {exec: {command: [drain]}}}");
        fixture.runtime.clearCalls();

        fixture.hooks.last().result().complete(HookResult.failed("no cache"));
        fixture.run();
        assertThat(fixture.hooks.calls).hasSize(2);
        assertThat(fixture.runtime.calls()).isEmpty();
        fixture.advance(Duration.ofSeconds(5));
        fixture.hooks.last().result().complete(HookResult.SUCCEEDED);
        fixture.run();

        assertThat(fixture.runtime.calls()).first().isEqualTo("StopContainer main 15");
    }

    @Test
    void aContainerWaitsForItsPostStartHook() {
        create("lifecycle: {postStart: {exec: {command: [warm]}}}");
        assertThat(fixture.hooks.calls).hasSize(1);
        assertThat(fixture.status("web").getState().getRunning()).isNull();
        assertThat(fixture.status("web").getState().getWaiting().getReason()).isEqualTo("ContainerCreating");

        fixture.hooks.last().result().complete(HookResult.SUCCEEDED);
        fixture.run();

        assertThat(fixture.status("web").getState().getRunning()).isNotNull();
        assertThat(fixture.status("web").getReady()).isTrue();
    }

    @Test
    void aContainerWhosePostStartHookFailsIsKilledWithTheHooksOutputInTheEvent() {
        create("lifecycle: {postStart: {exec: {command: [warm]}}}");
        fixture.runtime.clearCalls();

        fixture.hooks.last().result().complete(HookResult.failed("no cache"));
        fixture.run();

        assertThat(fixture.runtime.calls()).containsExactly("StopContainer main 20");
        assertThat(messages("FailedPostStartHook")).containsExactly("PostStartHook failed: no cache");
        assertThat(messages("Killing")).containsExactly("FailedPostStartHook");
        assertThat(fixture.status("web").getState().getWaiting().getReason()).isEqualTo("PostStartHookError");

        fixture.advance(Duration.ofSeconds(1));
        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        assertThat(fixture.hooks.calls).hasSize(2);
    }

    @Test
    void preStopRunsBeforeTheSignalAndInsideTheGrace() {
        create("lifecycle: {preStop: {exec: {command: [drain]}}}");
        fixture.runtime.clearCalls();

        delete(OptionalLong.empty());
        fixture.run();
        assertThat(fixture.hooks.last().timeout()).isEqualTo(Duration.ofSeconds(20));
        assertThat(fixture.runtime.calls()).isEmpty();
        fixture.advance(Duration.ofSeconds(8));
        fixture.hooks.last().result().complete(HookResult.SUCCEEDED);
        fixture.run();

        assertThat(fixture.runtime.calls()).first().isEqualTo("StopContainer main 12");
        assertThat(fixture.hooks.calls).hasSize(1);
    }

    @Test
    void afterAPreStopHookThatUsedUpTheGraceTheProcessStillGetsTwoSeconds() {
        create("lifecycle: {preStop: {exec: {command: [drain]}}}");
        fixture.runtime.clearCalls();

        delete(OptionalLong.empty());
        fixture.advance(Duration.ofSeconds(20));
        fixture.hooks.last().result().complete(HookResult.failed("drain timed out"));
        fixture.run();

        assertThat(fixture.runtime.calls()).first().isEqualTo("StopContainer main 2");
        assertThat(messages("FailedPreStopHook")).containsExactly("PreStopHook failed: drain timed out");
    }

    @Test
    void moreGraceThanAnyDateAndTimerKnowsIsAllThereIs() {
        String most = Long.toString(Long.MAX_VALUE);
        fixture.create(EngineFixture.pod(POD.replace("20", most)
                .formatted(
                        "livenessProbe: {tcpSocket: {port: 80}, terminationGracePeriodSeconds: %s}".formatted(most))));
        fixture.runtime.clearCalls();

        fixture.probes.find("web", "main", FakeProbes.failed(OptionalLong.of(Long.MAX_VALUE)));
        fixture.run();
        assertThat(fixture.runtime.calls()).first().isEqualTo("StopContainer main 2147483647");
        fixture.runtime.stopTakes(Duration.ofDays(1));
        delete(OptionalLong.of(Long.MAX_VALUE));
        fixture.run();
        assertThat(fixture.shown("web").getMetadata().getDeletionGracePeriodSeconds())
                .isEqualTo(2147483647);
        fixture.restartAgent();
        delete(OptionalLong.of(0));
        fixture.run();

        assertThat(fixture.engine.pods()).isEmpty();
    }

    @Test
    void aSecondDeletionThatAllowsNothingEndsTheHook() {
        create("lifecycle: {preStop: {exec: {command: [drain]}}}");
        fixture.runtime.clearCalls();
        delete(OptionalLong.empty());
        fixture.run();

        delete(OptionalLong.of(0));
        fixture.advance(Duration.ofMillis(1));

        assertThat(fixture.hooks.last().result()).isCancelled();
        assertThat(fixture.hooks.calls).hasSize(1);
        assertThat(fixture.runtime.calls()).contains("StopContainer main 0");
    }

    @Test
    void aContainerThatIsKilledAtOnceHasNoTimeForItsHook() {
        create("lifecycle: {preStop: {exec: {command: [drain]}}}");

        delete(OptionalLong.of(0));
        fixture.run();

        assertThat(fixture.hooks.calls).isEmpty();
        assertThat(fixture.engine.pods()).isEmpty();
    }

    @Test
    void aContainerThatEndsByItselfWaitsForNoHook() {
        create("lifecycle: {preStop: {sleep: {seconds: 15}}}");
        delete(OptionalLong.empty());
        fixture.advance(Duration.ofSeconds(2));

        fixture.runtime.exit("main", 0);
        fixture.run();

        assertThat(fixture.hooks.last().result()).isCancelled();
        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(messages("FailedPreStopHook")).isEmpty();
    }

    @Test
    void aHookThatFailsBecauseThePodGoesIsNoFailure() {
        create("lifecycle: {postStart: {exec: {command: [warm-up]}}}");
        fixture.runtime.stopTakes(Duration.ofSeconds(3));
        delete(OptionalLong.empty());
        fixture.run();

        fixture.hooks.last().result().complete(HookResult.failed("command exited with code 137"));
        fixture.advance(Duration.ofSeconds(5));

        assertThat(messages("Killing")).containsExactly("Stopping container main");
        assertThat(messages("FailedPostStartHook")).isEmpty();
        assertThat(messages("Failed")).isEmpty();
        assertThat(fixture.engine.pods()).isEmpty();
    }

    @Test
    void aPodThatGoesDoesNotWaitForTheStartHookOfAContainerThatIsGone() {
        create("lifecycle: {postStart: {sleep: {seconds: 20}}}");
        FakeHooks.Call hook = fixture.hooks.last();
        delete(OptionalLong.of(1));
        fixture.advance(Duration.ofSeconds(3));

        assertThat(hook.result()).isCancelled();
        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(messages("FailedPostStartHook")).isEmpty();
    }
}
