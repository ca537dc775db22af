package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatComesBackFindsItsFilesHoweverBusyTheDiskIs(boolean afterwards) throws Exception {
        fixture.create(EngineFixture.pod("other", "Always"));
        fixture.runtime.stopTakes(Duration.ofSeconds(3));
        fixture.apply(EngineFixture.filePod("web", "uid-1", "Always"));
        fixture.apply();
        Pod again = EngineFixture.filePod("web", "uid-1", "Always");
        if (afterwards) {
            fixture.engine.watch(change -> {
                if (change.type() == PodChange.Type.DELETED) {
                    fixture.engine.apply(PodSource.FILE, List.of(again));
                }
            });
        } else {
            fixture.apply(again);
        }
        fixture.clock.advance(Duration.ofSeconds(3));
        // Records that are written one after the other, before the files of the pod that ends are removed.
        IntStream.range(0, 300).forEach(this::report);
        fixture.run();

        assertThat(fixture.phase("web")).isEqualTo("Running");
        assertThat(directory.resolve("pods/uid-1/etc-hosts")).exists();
        assertThat(directory.resolve("pods/uid-1/file-pod.json")).exists();
    }

    private void report(int number) {
        try {
            fixture.engine.report(
                    "default",
                    "other",
                    List.of(new PodConditionBuilder()
                            .withType("example.com/lb")
                            .withStatus(number % 2 == 0 ? "True" : "False")
                            .build()));
        } catch (PodRejectedException e) {
            throw new IllegalStateException(e);
        }
    }
}
