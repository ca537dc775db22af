package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Conditions through the lives of pods, and what containers say at their end. */
class PodConditionsTest extends EngineTest {
    private static final String POD = """
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec:
              restartPolicy: %s
              terminationGracePeriodSeconds: 5
              readinessGates: %s
              initContainers:
              - {name: setup, image: busybox, imagePullPolicy: IfNotPresent}
              containers:
              - {name: a, image: busybox, imagePullPolicy: IfNotPresent}
              - {name: b, image: busybox, imagePullPolicy: IfNotPresent}
            """;

    @BeforeEach
    void open() {
        fixture.apply();
    }

    /** {@code Type=Status Reason message} of those that are not simply true. */
    private List<String> conditions() {
        return fixture.shown("web").getStatus().getConditions().stream()
                .map(PodConditionsTest::text)
                .toList();
    }

    private static String text(PodCondition condition) {
        return condition.getType() + "=" + condition.getStatus()
                + (condition.getReason() == null ? "" : " " + condition.getReason())
                + (condition.getMessage() == null ? "" : ": " + condition.getMessage());
    }

    @Test
    void aPodThatComesAndGoes() {
        fixture.runtime.hold("RunPodSandbox");
        fixture.create(EngineFixture.pod(POD.formatted("OnFailure", "[]")));
        assertThat(conditions())
                .containsExactly(
                        "PodReadyToStartContainers=False",
                        "Initialized=False ContainersNotInitialized: containers with incomplete status: [setup]",
                        "Ready=False ContainersNotReady: containers with unready status: [a b]",
                        "ContainersReady=False ContainersNotReady: containers with unready status: [a b]",
                        "PodScheduled=True");

        fixture.runtime.release("RunPodSandbox");
        fixture.run();
        assertThat(conditions())
                .startsWith(
                        "PodReadyToStartContainers=True",
                        "Initialized=False ContainersNotInitialized:" + " containers with incomplete status: [setup]");

        fixture.runtime.exit("setup", 0);
        fixture.run();
        assertThat(conditions())
                .containsExactly(
                        "PodReadyToStartContainers=True",
                        "Initialized=True",
                        "Ready=True",
                        "ContainersReady=True",
                        "PodScheduled=True");

        fixture.runtime.exit("b", 0);
        fixture.run();
        assertThat(conditions())
                .contains(
                        "Ready=False ContainersNotReady: containers with unready status: [b]",
                        "ContainersReady=False ContainersNotReady: containers with unready status: [b]");

        fixture.runtime.exit("a", 0);
        fixture.advance(Duration.ofSeconds(10));
        assertThat(conditions())
                .containsExactly(
                        "PodReadyToStartContainers=False",
                        "Initialized=True PodCompleted",
                        "Ready=False PodCompleted",
                        "ContainersReady=False PodCompleted",
                        "PodScheduled=True");
    }

    @Test
    void aPodThatFails() {
        fixture.create(EngineFixture.pod(POD.formatted("Never", "[]")));
        fixture.runtime.exit("setup", 1);
        fixture.advance(Duration.ofSeconds(10));

        assertThat(conditions())
                .containsExactly(
                        "PodReadyToStartContainers=False",
                        "Initialized=False ContainersNotInitialized: containers with incomplete status: [setup]",
                        "Ready=False PodFailed",
                        "ContainersReady=False PodFailed",
                        "PodScheduled=True");
    }

    @Test
    void whatHasBegunStaysInitializedInANewSandbox() {
        fixture.create(EngineFixture.pod(POD.formatted("Always", "[]")));
        fixture.runtime.exit("setup", 0);
        fixture.run();
        fixture.runtime.kill(fixture.runtime.readySandboxes().get(0));
        fixture.advance(Duration.ofSeconds(1));

        assertThat(fixture.runtime.runningNames()).containsExactly("setup");
        assertThat(conditions()).contains("Initialized=True");
    }

    @Test
    void transitionTimesStayWhereNothingChanges() {
        fixture.create(EngineFixture.pod(POD.formatted("Always", "[]")));
        fixture.runtime.exit("setup", 0);
        fixture.advance(Duration.ofMinutes(1));
        String since = time("Ready");
        fixture.probes.find("web", "a", FakeProbes.UNREADY);
        fixture.advance(Duration.ofSeconds(30));
        assertThat(time("Ready")).isGreaterThan(since);
        assertThat(time("Initialized")).isLessThanOrEqualTo(since);
        assertThat(time("PodScheduled")).isLessThanOrEqualTo(since);
    }

    private String time(String type) {
        return fixture.shown("web").getStatus().getConditions().stream()
                .filter(condition -> condition.getType().equals(type))
                .map(PodCondition::getLastTransitionTime)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void readinessGatesWaitForWhatOthersReport() throws Exception {
        fixture.create(EngineFixture.pod(
                POD.formatted("Always", "[{conditionType: example.com/lb}, {conditionType: example.com/dns}]")));
        fixture.runtime.exit("setup", 0);
        fixture.run();
        assertThat(conditions())
                .contains(
                        "Ready=False ReadinessGatesNotReady: corresponding condition of pod readiness gate"
                                + " \"example.com/lb\" does not exist., corresponding condition of pod readiness gate"
                                + " \"example.com/dns\" does not exist.",
                        "ContainersReady=True");

        report("example.com/lb", "True");
        report("example.com/dns", "False");
        assertThat(conditions())
                .contains(
                        "Ready=False ReadinessGatesNotReady: the status of pod readiness gate \"example.com/dns\" is not"
                                + " \"True\", but False",
                        "example.com/lb=True",
                        "example.com/dns=False");

        report("example.com/dns", "True");
        assertThat(conditions()).contains("Ready=True");

        fixture.restartAgent();
        fixture.apply();
        assertThat(conditions()).contains("Ready=True", "example.com/lb=True");
    }

    private void report(String type, String status) throws PodRejectedException {
        fixture.engine.report(
                "default",
                "web",
                List.of(new PodConditionBuilder()
                        .withType(type)
                        .withStatus(status)
                        .build()));
        fixture.run();
    }

    @Test
    void theAgentsOwnConditionsCannotBeReported() throws Exception {
        fixture.create(EngineFixture.pod(POD.formatted("Always", "[]")));
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> report("Ready", "True"))
                .withMessageContaining("status.conditions[0]: Forbidden: the agent itself reports Ready");
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> report("example.com/lb", "Maybe"))
                .withMessageContaining("status.conditions[0].status: Invalid value: \"Maybe\"");
        for (int i = 0; i < 64; i++) {
            report("example.com/c" + i, "True");
        }
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> report("example.com/c64", "True"))
                .withMessageContaining("status.conditions: Forbidden: at most 64 can be reported");
        report("Ready", "False");
        assertThat(fixture.engine.report("default", "none", List.of())).isEmpty();
    }

    @Test
    void whatContainersSayIsCutToTheirShareOfTwelveKibibytes() throws Exception {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  restartPolicy: Never
                  containers:
                  - {name: c1, image: busybox, imagePullPolicy: IfNotPresent}
                  - {name: c2, image: busybox, imagePullPolicy: IfNotPresent}
                  - {name: c3, image: busybox, imagePullPolicy: IfNotPresent}
                  - {name: c4, image: busybox, imagePullPolicy: IfNotPresent}
                """);
        fixture.create(pod);
        String uid = fixture.shown("web").getMetadata().getUid();
        for (String name : List.of("c1", "c2", "c3", "c4")) {
            Path file = directory.resolve("pods/" + uid + "/containers/" + name + "/0.termination");
            Files.writeString(file, name.equals("c2") ? "short" : "x" + "ü".repeat(3000));
            fixture.runtime.exit(name, 0);
            fixture.run();
        }

        assertThat(fixture.shown("web").getStatus().getContainerStatuses())
                .extracting(status -> status.getState()
                        .getTerminated()
                        .getMessage()
                        .getBytes(java.nio.charset.StandardCharsets.UTF_8)
                        .length)
                .containsExactly(3071, 5, 3071, 3071);
    }
}
