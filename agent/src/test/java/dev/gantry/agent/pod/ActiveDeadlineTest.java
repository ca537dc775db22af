package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code activeDeadlineSeconds}: a pod that is active for longer is ended as failed. */
class ActiveDeadlineTest extends EngineTest {
    private static final String DEADLINE = "Pod was active on the node longer than the specified deadline";

    @BeforeEach
    void open() {
        fixture.apply();
        fixture.runtime.stopTakes(Duration.ofSeconds(3));
    }

    private static Pod pod(String fields) {
        return EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: job}
                spec:
                  activeDeadlineSeconds: 60
                  terminationGracePeriodSeconds: 10
                %s
                  containers:
                  - {name: main, image: busybox, imagePullPolicy: IfNotPresent}
                """.formatted(fields.indent(2)));
    }

    @Test
    void aPodThatIsActiveForTooLongEndsWithinItsGraceAndHasFailed() {
        fixture.create(pod(""));
        fixture.advance(Duration.ofSeconds(59));
        assertThat(fixture.phase("job")).isEqualTo("Running");

        fixture.advance(Duration.ofSeconds(2));

        // Not over while something runs, but on its way and saying why.
        assertThat(fixture.phase("job")).isEqualTo("Running");
        assertThat(fixture.shown("job").getStatus().getReason()).isEqualTo("DeadlineExceeded");
        assertThat(fixture.runtime.calls()).contains("StopContainer main 10");

        fixture.advance(Duration.ofSeconds(5));
        assertThat(fixture.phase("job")).isEqualTo("Failed");
        assertThat(fixture.shown("job").getStatus().getMessage()).isEqualTo(DEADLINE);
        assertThat(fixture.status("job").getState().getTerminated().getExitCode())
                .isEqualTo(143);
        assertThat(fixture.engine.events())
                .filteredOn(event -> event.getReason().equals("DeadlineExceeded"))
                .singleElement()
                .extracting(Event::getType, Event::getMessage, Event::getCount)
                .containsExactly("Normal", DEADLINE, 1);

        fixture.advance(Duration.ofMinutes(20));
        assertThat(fixture.runtime.runningNames()).isEmpty();
        assertThat(fixture.runtime.readySandboxes()).isEmpty();
    }

    @Test
    void timeInBackOffCounts() {
        fixture.create(pod(""));
        for (int i = 0; i < 2; i++) {
            fixture.runtime.exit("main", 1);
            fixture.advance(Duration.ofSeconds(1));
        }

        fixture.advance(Duration.ofSeconds(65));

        assertThat(fixture.phase("job")).isEqualTo("Failed");
        assertThat(fixture.shown("job").getStatus().getReason()).isEqualTo("DeadlineExceeded");
    }

    @Test
    void theClockStartsWithThePodNotWithTheAgentNorTheSandbox() {
        Pod pod = pod("");
        pod.getMetadata().setUid("uid-1");
        fixture.apply(pod);
        fixture.advance(Duration.ofSeconds(30));
        fixture.runtime.kill(fixture.runtime.readySandboxes().get(0));
        fixture.advance(Duration.ofSeconds(20));
        fixture.restartAgent();
        fixture.apply(pod("uid-1", pod));
        assertThat(fixture.phase("job")).isEqualTo("Running");

        fixture.advance(Duration.ofSeconds(15));

        assertThat(fixture.phase("job")).isEqualTo("Failed");
    }

    @Test
    void anAgentThatIsAwayAtTheDeadlineGrantsNoSecondGrace() {
        fixture.create(pod(""));
        fixture.advance(Duration.ofSeconds(58));
        fixture.engine.close();
        fixture.clock.advance(Duration.ofSeconds(8));
        fixture.engine = fixture.open();
        fixture.run();
        fixture.apply();

        // Six seconds of its ten have passed.
        assertThat(fixture.runtime.calls()).contains("StopContainer main 4");
    }

    @Test
    void aPodThatEndedBeforeItsDeadlineIsNotTouched() {
        fixture.create(pod("restartPolicy: Never"));
        fixture.advance(Duration.ofSeconds(10));
        fixture.runtime.exit("main", 0);
        fixture.advance(Duration.ofMinutes(5));

        assertThat(fixture.phase("job")).isEqualTo("Succeeded");
        assertThat(fixture.shown("job").getStatus().getReason()).isNull();
    }

    @Test
    void theReasonOutlivesTheAgent() {
        fixture.create(pod(""));
        fixture.advance(Duration.ofSeconds(70));
        fixture.restartAgent();
        fixture.apply();

        assertThat(fixture.phase("job")).isEqualTo("Failed");
        assertThat(fixture.shown("job").getStatus().getReason()).isEqualTo("DeadlineExceeded");
        assertThat(fixture.shown("job").getStatus().getMessage()).isEqualTo(DEADLINE);
    }

    private static Pod pod(String uid, Pod like) {
        Pod pod = EngineFixture.pod(dev.gantry.staticpods.ModelJson.write(like));
        pod.getMetadata().setUid(uid);
        return pod;
    }

    @Test
    void aPodThatHasNotStartedInTimeFailsToo() {
        fixture.runtime.hold("PullImage");
        Pod pod = pod("");
        pod.getSpec().getContainers().get(0).setImage("slow");
        fixture.create(pod);
        fixture.advance(Duration.ofSeconds(61));

        assertThat(fixture.phase("job")).isEqualTo("Failed");
        assertThat(fixture.runtime.readySandboxes()).isEmpty();
        assertThat(fixture.shown("job").getStatus().getReason()).isEqualTo("DeadlineExceeded");
    }
}
