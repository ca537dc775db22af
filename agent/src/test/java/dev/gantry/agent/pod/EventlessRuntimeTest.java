package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.time.Duration;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A runtime without GetContainerEvents, or with one that loses some: its lists tell what changed. */
class EventlessRuntimeTest extends EngineTest {
    private static final Duration PERIOD = Duration.ofSeconds(1);

    @BeforeEach
    void open() throws Exception {
        fixture.runtime.sendsEvents(false);
        fixture.restartAgent();
    }

    private int restarts() {
        return fixture.engine
                .pod("default", "web")
                .orElseThrow()
                .getStatus()
                .getContainerStatuses()
                .get(0)
                .getRestartCount();
    }

    @Test
    void aContainerThatEndsIsRestartedWithinTheNextList() throws Exception {
        fixture.engine.create(EngineFixture.pod("web", "Always"));
        fixture.run();
        assertThat(fixture.runtime.runningNames()).containsExactly("main");

        fixture.runtime.exit("main", 0);
        fixture.run();
        assertThat(fixture.runtime.runningNames()).isEmpty();
        fixture.advance(PERIOD);

        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        assertThat(restarts()).isOne();
    }

    @Test
    void aPodIsDeletedWithoutEvents() throws Exception {
        fixture.engine.create(EngineFixture.pod("web", "Always"));
        fixture.run();

        fixture.engine.delete("default", "web", OptionalLong.of(1));
        fixture.advance(PERIOD);

        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
    }

    @Test
    void aRuntimeThatComesBackIsAskedForEventsAgain() throws Exception {
        fixture.engine.create(EngineFixture.pod("web", "Always"));
        fixture.advance(PERIOD);
        fixture.runtime.failNext("ListContainers", Status.UNAVAILABLE);
        fixture.advance(PERIOD);

        fixture.runtime.sendsEvents(true);
        fixture.advance(PERIOD.multipliedBy(3));
        fixture.runtime.exit("main", 0);
        fixture.run();

        assertThat(fixture.runtime.runningNames()).as("at once").containsExactly("main");
    }

    @Test
    void aStreamThatAlwaysEndsIsGivenUpFor() throws Exception {
        fixture.runtime.sendsEvents(true);
        fixture.restartAgent();
        fixture.engine.create(EngineFixture.pod("web", "Always"));
        fixture.run();
        for (int i = 0; i < 5; i++) {
            fixture.runtime.dropSubscribers();
            fixture.advance(PERIOD);
        }

        fixture.runtime.exit("main", 0);
        fixture.run();
        assertThat(fixture.runtime.runningNames()).isEmpty();
        fixture.advance(PERIOD);

        assertThat(fixture.runtime.runningNames()).containsExactly("main");
    }

    private void agentOn(String name, String version) throws Exception {
        fixture.runtime.sendsEvents(true);
        fixture.runtime.isCalled(name, version);
        fixture.restartAgent();
        fixture.engine.create(EngineFixture.pod("web", "Always"));
        fixture.run();
        fixture.restartAgent();
        fixture.run();
        fixture.runtime.losesEvents(1);
    }

    @Test
    void containerd17HandsTheFirstEventToTheClientBefore() throws Exception {
        agentOn("containerd", "v1.7.24");

        fixture.runtime.exit("main", 0);
        fixture.run();
        assertThat(fixture.runtime.runningNames()).isEmpty();
        fixture.advance(PERIOD);

        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        fixture.advance(PERIOD);
        fixture.runtime.exit("main", 0);
        fixture.advance(Duration.ofSeconds(10));
        assertThat(restarts()).isEqualTo(2);
    }

    @ParameterizedTest
    @CsvSource({"containerd, v2.3.4", "cri-o, 1.34.0", "gantry, 0.1.0"})
    void whoeverSendsAllEventsIsNotListed(String name, String version) throws Exception {
        agentOn(name, version);

        fixture.runtime.exit("main", 0);
        fixture.advance(PERIOD.multipliedBy(5));

        assertThat(fixture.runtime.runningNames()).isEmpty();
    }
}
