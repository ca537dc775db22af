package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.time.Duration;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A runtime without GetContainerEvents: its lists tell what changed. */
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
}
