package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.gantry.agent.hook.HookResult;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.PodCondition;
import java.time.Duration;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Init containers, sidecars and restart rules, with a runtime and a clock that do as they are told. */
class InitContainersTest extends EngineTest {
    private static final String TWO = """
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec:
              restartPolicy: %s
              terminationGracePeriodSeconds: 20
              initContainers:
              - {name: one, image: busybox, imagePullPolicy: IfNotPresent}
              - {name: two, image: busybox, imagePullPolicy: IfNotPresent}
              containers:
              - {name: main, image: busybox, imagePullPolicy: IfNotPresent}
            """;
    private static final String SIDECARS = """
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec:
              restartPolicy: %s
              terminationGracePeriodSeconds: 20
              initContainers:
              - {name: proxy, image: busybox, imagePullPolicy: IfNotPresent, restartPolicy: Always}
              - {name: setup, image: busybox, imagePullPolicy: IfNotPresent}
              - {name: logs, image: busybox, imagePullPolicy: IfNotPresent, restartPolicy: Always}
              containers:
              - {name: main, image: busybox, imagePullPolicy: IfNotPresent}
            """;

    private static final String SIDECARS_WITH_HOOKS =
            SIDECARS.replace("Always}", "Always, lifecycle: {preStop: {exec: {command: [drain]}}}}");

    private void create(String manifest, String restartPolicy) {
        fixture.create(EngineFixture.pod(manifest.formatted(restartPolicy)));
    }

    /** Until its containers run. */
    private void createWithSidecars(String manifest, String restartPolicy) {
        create(manifest, restartPolicy);
        fixture.runtime.exit("setup", 0);
        fixture.run();
    }

    private void delete(long graceSeconds) throws PodRejectedException {
        fixture.engine.delete("default", "web", OptionalLong.of(graceSeconds));
        fixture.run();
    }

    private ContainerStatus init(String name) {
        return fixture.shown("web").getStatus().getInitContainerStatuses().stream()
                .filter(status -> status.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private PodCondition condition(String type) {
        return fixture.shown("web").getStatus().getConditions().stream()
                .filter(condition -> condition.getType().equals(type))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void oneAfterTheOtherThenTheRest() {
        create(TWO, "Always");
        assertThat(fixture.runtime.runningNames()).containsExactly("one");
        assertThat(fixture.phase("web")).isEqualTo("Pending");
        assertThat(condition("Initialized").getMessage()).isEqualTo("containers with incomplete status: [one two]");
        assertThat(condition("Initialized").getReason()).isEqualTo("ContainersNotInitialized");
        assertThat(fixture.status("web").getState().getWaiting().getReason()).isEqualTo("PodInitializing");

        fixture.runtime.exit("one", 0);
        fixture.run();
        assertThat(fixture.runtime.runningNames()).containsExactly("two");
        assertThat(init("one").getReady()).isTrue();
        assertThat(init("two").getReady()).isFalse();

        fixture.runtime.exit("two", 0);
        fixture.run();
        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        assertThat(fixture.phase("web")).isEqualTo("Running");
        assertThat(condition("Initialized").getStatus()).isEqualTo("True");
        assertThat(condition("Ready").getStatus()).isEqualTo("True");
    }

    @ParameterizedTest
    @CsvSource({"Always", "OnFailure"})
    void oneThatFailsIsTriedAgainWithBackOff(String policy) {
        create(TWO, policy);

        fixture.runtime.exit("one", 1);
        fixture.run();
        fixture.runtime.exit("one", 1);
        fixture.run();

        assertThat(fixture.runtime.runningNames()).isEmpty();
        assertThat(init("one").getState().getWaiting().getReason()).isEqualTo("CrashLoopBackOff");
        assertThat(init("one").getRestartCount()).isEqualTo(1);
        fixture.advance(Duration.ofSeconds(10));
        assertThat(fixture.runtime.runningNames()).containsExactly("one");
        assertThat(fixture.phase("web")).isEqualTo("Pending");
    }

    @Test
    void oneThatFailsForGoodFailsThePod() {
        create(TWO, "Never");

        fixture.runtime.exit("one", 3);
        fixture.run();

        assertThat(fixture.phase("web")).isEqualTo("Failed");
        assertThat(fixture.runtime.runningNames()).isEmpty();
        assertThat(fixture.runtime.calls()).doesNotContain("StartContainer two", "StartContainer main");
        assertThat(init("one").getState().getTerminated().getExitCode()).isEqualTo(3);
    }

    @Test
    void anAgentThatRestartsRunsNoneTwice() {
        fixture.create(EngineFixture.pod(TWO.formatted("Always")));
        fixture.runtime.exit("one", 0);
        fixture.run();
        fixture.runtime.clearCalls();

        fixture.restartAgent();
        assertThat(fixture.runtime.runningNames()).containsExactly("two");
        fixture.runtime.exit("two", 0);
        fixture.run();
        fixture.restartAgent();

        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        assertThat(fixture.runtime.calls()).doesNotContain("StartContainer one", "StartContainer two");
    }

    @Test
    void theContainersOfAPodThatRestartAreNotInitializedAgain() {
        create(TWO, "Always");
        fixture.runtime.exit("one", 0);
        fixture.run();
        fixture.runtime.exit("two", 0);
        fixture.run();
        fixture.runtime.clearCalls();

        fixture.runtime.exit("main", 1);
        fixture.run();

        assertThat(fixture.runtime.calls()).containsExactly("CreateContainer main 1", "StartContainer main");
    }

    @Test
    void aNewSandboxIsInitializedAnew() {
        create(TWO, "Always");
        fixture.runtime.exit("one", 0);
        fixture.run();
        fixture.runtime.exit("two", 0);
        fixture.run();

        fixture.runtime.kill(fixture.runtime.readySandboxes().get(0));
        fixture.run();
        fixture.advance(Duration.ofSeconds(11));

        assertThat(fixture.runtime.runningNames()).containsExactly("one");
    }

    @Test
    void sidecarsStartInOrderAndStayWhileTheOthersRun() {
        fixture.probes.initially("proxy", FakeProbes.STARTING);
        create(SIDECARS, "Always");
        assertThat(fixture.runtime.runningNames()).containsExactly("proxy");

        fixture.probes.find("web", "proxy", FakeProbes.READY);
        fixture.run();
        assertThat(fixture.runtime.runningNames()).containsExactlyInAnyOrder("proxy", "setup");

        fixture.runtime.exit("setup", 0);
        fixture.run();
        assertThat(fixture.runtime.runningNames()).containsExactlyInAnyOrder("proxy", "logs", "main");
        assertThat(condition("Ready").getStatus()).isEqualTo("True");

        fixture.runtime.exit("proxy", 0);
        fixture.run();
        assertThat(fixture.runtime.runningNames()).containsExactlyInAnyOrder("proxy", "logs", "main");
        assertThat(init("proxy").getRestartCount()).isEqualTo(1);
    }

    @Test
    void aPodIsReadyOnlyWithItsSidecars() {
        fixture.probes.initially("proxy", FakeProbes.UNREADY);
        createWithSidecars(SIDECARS, "Always");

        assertThat(fixture.runtime.runningNames()).contains("main");
        assertThat(condition("Ready").getStatus()).isEqualTo("False");
        assertThat(condition("Ready").getMessage()).isEqualTo("containers with unready status: [proxy]");
    }

    @Test
    void sidecarsOfAPodThatHasDoneItsWorkEndInReverseOrder() {
        createWithSidecars(SIDECARS, "Never");
        fixture.runtime.clearCalls();

        fixture.runtime.exit("main", 0);
        fixture.run();

        assertThat(fixture.runtime.calls()).startsWith("StopContainer logs 20", "StopContainer proxy 20");
        assertThat(fixture.phase("web")).isEqualTo("Succeeded");
    }

    @Test
    void sidecarsOfAPodThatGoesEndAfterTheOthersInReverseOrder() throws Exception {
        createWithSidecars(SIDECARS, "Always");
        fixture.runtime.clearCalls();
        fixture.runtime.stopTakes(Duration.ofSeconds(3));

        delete(20);
        fixture.advance(Duration.ofSeconds(10));

        assertThat(fixture.runtime.calls())
                .startsWith("StopContainer main 20", "StopContainer logs 17", "StopContainer proxy 14");
        assertThat(fixture.engine.pods()).isEmpty();
    }

    @Test
    void theHookOfASidecarDoesNotWaitForItsTurn() throws Exception {
        createWithSidecars(SIDECARS_WITH_HOOKS, "Always");
        fixture.runtime.clearCalls();
        fixture.runtime.stopTakes(Duration.ofSeconds(3));

        delete(20);
        assertThat(fixture.hooks.calls)
                .extracting(
                        call -> call.call().container().getName(),
                        call -> call.timeout().toSeconds())
                .containsExactly(tuple("proxy", 20L), tuple("logs", 20L));
        assertThat(fixture.runtime.calls()).containsExactly("StopContainer main 20");
        fixture.hooks.calls.get(0).result().complete(HookResult.SUCCEEDED);
        fixture.advance(Duration.ofSeconds(5));
        assertThat(fixture.runtime.calls()).as("logs waits for its hook").containsExactly("StopContainer main 20");
        fixture.hooks.calls.get(1).result().complete(HookResult.SUCCEEDED);
        fixture.advance(Duration.ofSeconds(10));

        assertThat(fixture.runtime.calls())
                .startsWith("StopContainer main 20", "StopContainer logs 15", "StopContainer proxy 12");
        assertThat(fixture.hooks.calls).hasSize(2);
        assertThat(fixture.events()).contains("Killing x1").doesNotContain("Killing x2");
        assertThat(fixture.engine.pods()).isEmpty();
    }

    @Test
    void theHookOfASidecarIsEndedAtTheDeadline() throws Exception {
        createWithSidecars(SIDECARS_WITH_HOOKS, "Always");
        fixture.runtime.stopTakes(Duration.ofHours(1));

        delete(20);
        fixture.advance(Duration.ofSeconds(20).plusMillis(1));

        assertThat(fixture.hooks.calls)
                .hasSize(2)
                .allMatch(call -> call.result().isCancelled());
        assertThat(fixture.engine.pods()).isEmpty();
    }

    @Test
    void atTheDeadlineNobodyWaitsForHisTurn() throws Exception {
        createWithSidecars(SIDECARS, "Always");
        fixture.runtime.clearCalls();
        fixture.runtime.stopTakes(Duration.ofHours(1));

        delete(20);
        fixture.advance(Duration.ofSeconds(20));

        assertThat(fixture.runtime.calls())
                .contains("StopContainer main 20", "StopContainer proxy 0", "StopContainer logs 0");
        assertThat(fixture.engine.pods()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "Never, In, 42, true",
        "Never, In, 41, false",
        "Never, NotIn, 41, true",
        "Never, NotIn, 42, false",
        "OnFailure, In, 0, false",
        "OnFailure, In, 7, true",
        "Always, In, 0, true",
    })
    void aContainersOwnPolicyAndRulesGoBeforeThePods(String policy, String operator, int code, boolean restarts) {
        fixture.create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  restartPolicy: Never
                  containers:
                  - name: main
                    image: busybox
                    imagePullPolicy: IfNotPresent
                    restartPolicy: %s
                    restartPolicyRules: [{action: Restart, exitCodes: {operator: %s, values: [42]}}]
                """.formatted(policy, operator)));

        fixture.runtime.exit("main", code);
        fixture.run();

        assertThat(fixture.status("web").getRestartCount()).isEqualTo(restarts ? 1 : 0);
        assertThat(fixture.phase("web")).isEqualTo(restarts ? "Running" : code == 0 ? "Succeeded" : "Failed");
    }
}
