package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Event;
import io.grpc.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that outlives its kill is told of, and waited for without holding anybody up. */
class HungContainerTest {
    private static final String WHY =
            "stop main: killed, but not gone after 10 s: pid 41 (dd) in uninterruptible sleep (state D) in nfs_wait";

    @TempDir
    Path directory;

    @Test
    void theProcessIsNamedInStatusAndEventAndThePodGoesWhenItGoes() throws Exception {
        try (EngineFixture fixture = new EngineFixture(directory)) {
            fixture.apply();
            fixture.create(EngineFixture.pod("web", "Always"));
            fixture.create(EngineFixture.pod("other", "Always"));
            fixture.runtime.failNext("StopContainer", Status.DEADLINE_EXCEEDED.withDescription(WHY));

            fixture.engine.delete("default", "web", OptionalLong.of(0));
            fixture.run();

            assertThat(fixture.shown("web").getStatus().getMessage()).contains(WHY);
            assertThat(fixture.engine.events())
                    .filteredOn(event -> event.getReason().equals("FailedKillPod"))
                    .singleElement()
                    .satisfies((Event event) -> {
                        assertThat(event.getType()).isEqualTo("Warning");
                        assertThat(event.getMessage())
                                .startsWith("error killing pod: ")
                                .contains(WHY);
                    });
            fixture.engine.delete("default", "other", OptionalLong.of(0));
            fixture.run();
            assertThat(fixture.engine.pod("default", "other")).isEmpty();

            fixture.advance(Duration.ofSeconds(5));
            assertThat(fixture.engine.pods()).isEmpty();
            assertThat(fixture.runtime.sandboxCount()).isZero();
        }
    }
}
