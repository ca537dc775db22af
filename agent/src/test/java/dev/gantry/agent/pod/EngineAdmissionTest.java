package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.agent.time.Timestamps;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EngineAdmissionTest extends EngineTest {
    @BeforeEach
    void open() {
        fixture.apply();
    }

    /** The node has four CPUs. */
    private static Pod pod(String name, String cpu) {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: %s}
                spec:
                  terminationGracePeriodSeconds: 5
                  containers:
                  - {name: %s, image: busybox, imagePullPolicy: IfNotPresent, resources: {requests: {cpu: %s}}}
                """.formatted(name, name, cpu));
        pod.getMetadata().setUid("uid-" + name);
        return pod;
    }

    private String event(String reason) {
        return fixture.engine.events().stream()
                .filter(event -> event.getReason().equals(reason))
                .map(Event::getMessage)
                .findFirst()
                .orElse("none");
    }

    @Test
    void aPodThatDoesNotFitIsRejectedAndDisturbsNobody() {
        fixture.create(pod("one", "3"));
        fixture.create(pod("two", "1500m"));

        assertThat(fixture.phase("one")).isEqualTo("Running");
        assertThat(fixture.phase("two")).isEqualTo("Failed");
        assertThat(fixture.shown("two").getStatus().getReason()).isEqualTo("OutOfcpu");
        assertThat(fixture.shown("two").getStatus().getMessage())
                .isEqualTo(
                        "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 3000, capacity: 4000");
        assertThat(event("OutOfcpu"))
                .isEqualTo("Node didn't have enough resource: cpu, requested: 1500, used: 3000, capacity: 4000");
        assertThat(fixture.runtime.runningNames()).containsExactly("one");
    }

    @Test
    void aRejectedPodOfTheApiStaysSoAndCanBeDeleted() throws Exception {
        fixture.create(pod("one", "3"));
        fixture.create(pod("two", "2"));
        fixture.engine.delete("default", "one", OptionalLong.of(0));
        fixture.advance(Duration.ofSeconds(2));

        assertThat(fixture.phase("two")).isEqualTo("Failed");
        fixture.restartAgent();
        assertThat(fixture.phase("two")).isEqualTo("Failed");
        assertThat(fixture.shown("two").getStatus().getReason()).isEqualTo("OutOfcpu");
        fixture.engine.delete("default", "two", OptionalLong.empty());
        fixture.run();
        assertThat(fixture.engine.pod("default", "two")).isEmpty();
    }

    @Test
    void aStaticPodThatDidNotFitStartsWhenThereIsRoom() {
        fixture.apply(pod("one", "3"), pod("two", "2"));
        assertThat(fixture.phase("two")).isEqualTo("Failed");

        fixture.apply(pod("two", "2"));
        fixture.advance(Duration.ofSeconds(10));

        assertThat(fixture.phase("two")).isEqualTo("Running");
        assertThat(fixture.shown("two").getStatus().getReason()).isNull();
        assertThat(fixture.runtime.runningNames()).containsExactly("two");
    }

    @Test
    void aPodThatRunsAlreadyIsNeverRejected() {
        fixture.apply(pod("zzz", "4"));
        assertThat(fixture.phase("zzz")).isEqualTo("Running");

        fixture.engine.close();
        fixture.run();
        fixture.node = new NodeFacts("node-1", List.of("192.0.2.1"), 8L << 30, 2);
        fixture.engine = fixture.open();
        fixture.run();
        fixture.apply(pod("aaa", "1"), pod("zzz", "4"));

        assertThat(fixture.phase("zzz")).isEqualTo("Running");
        assertThat(fixture.phase("aaa")).isEqualTo("Failed");
        assertThat(fixture.runtime.calls().stream().filter(call -> call.startsWith("StartContainer")))
                .hasSize(1);
    }

    @Test
    void aStaticPodTakesThePlaceOfOneThatIsNotCritical() {
        fixture.runtime.stopTakes(Duration.ofSeconds(2));
        fixture.create(pod("guest", "3"));
        fixture.apply(pod("vital", "2"));

        // The guest is ending within its grace, and the other waits for that.
        assertThat(fixture.phase("vital")).isEqualTo("Pending");
        assertThat(event("Preempting")).isEqualTo("Preempted in order to admit critical pod");
        fixture.advance(Duration.ofSeconds(3));

        assertThat(fixture.phase("vital")).isEqualTo("Running");
        assertThat(fixture.phase("guest")).isEqualTo("Failed");
        assertThat(fixture.shown("guest").getStatus().getReason()).isEqualTo("Preempting");
        assertThat(fixture.shown("guest").getStatus().getMessage())
                .isEqualTo("Preempted in order to admit critical pod");
        assertThat(fixture.runtime.runningNames()).containsExactly("vital");
    }

    @Test
    void aStaticPodHasItsAgeFromTheMomentItWasWantedOn() {
        fixture.runtime.stopTakes(Duration.ofSeconds(20));
        fixture.create(pod("guest", "3"));
        fixture.apply(pod("vital", "2"), pod("larger", "9"));
        String wanted = Timestamps.format(fixture.clock.instant());
        fixture.advance(Duration.ofSeconds(2));
        fixture.apply(pod("vital", "2"), pod("larger", "9"));

        assertThat(fixture.phase("vital")).isEqualTo("Pending");
        assertThat(fixture.phase("larger")).isEqualTo("Failed");
        assertThat(List.of(fixture.shown("vital"), fixture.shown("larger")))
                .extracting(pod -> pod.getMetadata().getCreationTimestamp())
                .containsOnly(wanted);
        fixture.advance(Duration.ofSeconds(30));
        assertThat(fixture.phase("vital")).isEqualTo("Running");
        assertThat(fixture.shown("vital").getMetadata().getCreationTimestamp()).isEqualTo(wanted);
    }

    @Test
    void aPodThatEndsGivesItsRoomBack() {
        fixture.create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: job}
                spec:
                  restartPolicy: Never
                  containers:
                  - {name: job, image: busybox, imagePullPolicy: IfNotPresent, resources: {requests: {cpu: 4}}}
                """));
        fixture.create(pod("early", "1"));
        fixture.runtime.exit("job", 0);
        fixture.run();
        fixture.create(pod("late", "1"));

        assertThat(fixture.phase("job")).isEqualTo("Succeeded");
        assertThat(fixture.phase("early")).isEqualTo("Failed");
        assertThat(fixture.phase("late")).isEqualTo("Running");
    }
}
