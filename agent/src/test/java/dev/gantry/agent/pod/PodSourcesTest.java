package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Manifests that are edited, removed and come back. */
class PodSourcesTest extends EngineTest {
    @Test
    void anEditedManifestReplacesThePodByUid() {
        fixture.runtime.stopTakes(Duration.ofSeconds(3));
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.runtime.clearCalls();

        fixture.apply(EngineFixture.filePod("web", "uid-2", "Always"));
        assertThat(fixture.shown("web").getMetadata().getUid()).isEqualTo("uid-1");
        assertThat(fixture.shown("web").getMetadata().getDeletionTimestamp()).isNotNull();
        fixture.advance(Duration.ofSeconds(3));

        assertThat(fixture.shown("web").getMetadata().getUid()).isEqualTo("uid-2");
        assertThat(fixture.runtime.calls())
                .containsExactly(
                        "StopContainer main 30",
                        "StopPodSandbox web",
                        "RemovePodSandbox web",
                        "RunPodSandbox web 0",
                        "CreateContainer main 0",
                        "StartContainer main");
    }

    @Test
    void aManifestThatComesBackWhileItsPodStopsStartsItAgain() {
        fixture.runtime.stopTakes(Duration.ofSeconds(3));
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));

        fixture.apply();
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.advance(Duration.ofSeconds(3));

        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        assertThat(fixture.phase("web")).isEqualTo("Running");
    }
}
