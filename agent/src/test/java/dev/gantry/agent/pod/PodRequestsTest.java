package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** What clients ask of pods: creation and deletion. */
class PodRequestsTest extends EngineTest {
    @Test
    void aNameIsTakenOnlyOnce() {
        fixture.create(EngineFixture.pod("web", "Always"));

        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> fixture.engine.create(EngineFixture.pod("web", "Always")))
                .withMessage("pods \"web\" already exists")
                .satisfies(e -> assertThat(e.reason().code()).isEqualTo(409));
    }

    @Test
    void whatCannotBeHonouredIsRefusedByName() {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  resourceClaims: [{name: gpu, resourceClaimName: gpu}]
                  containers:
                  - {name: main, image: busybox}
                """);
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> fixture.engine.create(pod))
                .withMessage("Pod \"web\" is invalid: spec.resourceClaims: Forbidden: not supported by this version of"
                        + " Gantry; remove it to run the pod");

        pod.getMetadata().setUid("uid-1");
        fixture.apply(pod);
        assertThat(fixture.phase("web")).isEqualTo("Failed");
        assertThat(fixture.shown("web").getStatus().getReason()).isEqualTo("PodFeatureUnsupported");
        fixture.apply();
        assertThat(fixture.engine.pods()).isEmpty();
    }

    @Test
    void deletionStopsContainersWithinTheGraceAndLeavesNothing() throws PodRejectedException {
        fixture.runtime.stopTakes(Duration.ofSeconds(5));
        fixture.create(EngineFixture.pod("web", "Always"));
        List<PodChange.Type> changes = new ArrayList<>();
        fixture.engine.watch(change -> changes.add(change.type()));

        Pod deleted =
                fixture.engine.delete("default", "web", OptionalLong.of(20)).orElseThrow();
        assertThat(deleted.getMetadata().getDeletionTimestamp()).isEqualTo("2026-01-01T00:00:20Z");
        fixture.advance(Duration.ofSeconds(4));
        assertThat(fixture.runtime.runningNames()).containsExactly("main");
        fixture.advance(Duration.ofSeconds(1));

        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
        assertThat(fixture.runtime.calls()).contains("StopContainer main 20").doesNotHaveDuplicates();
        assertThat(changes)
                .startsWith(PodChange.Type.ADDED, PodChange.Type.MODIFIED)
                .endsWith(PodChange.Type.DELETED);
        assertThat(directory.resolve("pods")).isEmptyDirectory();
        assertThat(directory.resolve("logs")).isEmptyDirectory();
        assertThat(fixture.events()).contains("Killing x1");
    }

    @Test
    void whatADeletedPodWasIsShownToItsEnd() throws PodRejectedException {
        fixture.create(EngineFixture.pod("web", "Always"));
        fixture.runtime.exit("main", 1);
        fixture.run();
        assertThat(fixture.status("web").getRestartCount()).isEqualTo(1);
        List<String> seen = new ArrayList<>();
        fixture.engine.watch(change -> {
            PodStatus status = change.pod().getStatus();
            seen.add(status.getPhase() + " "
                    + status.getContainerStatuses().get(0).getRestartCount()
                    + (status.getContainerStatuses().get(0).getState().getWaiting() == null ? "" : " waiting"));
        });

        fixture.engine.delete("default", "web", OptionalLong.of(1));
        fixture.advance(Duration.ofSeconds(3));

        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(seen).hasSizeGreaterThan(1).containsOnly("Running 1");
    }

    @Test
    void aShorterDeadlineWinsAndALongerOneDoesNot() throws PodRejectedException {
        fixture.runtime.stopTakes(Duration.ofHours(1));
        fixture.create(EngineFixture.pod("web", "Always"));

        fixture.engine.delete("default", "web", OptionalLong.of(30));
        fixture.run();
        fixture.engine.delete("default", "web", OptionalLong.of(300));
        fixture.run();
        fixture.engine.delete("default", "web", OptionalLong.of(2));
        fixture.run();
        assertThat(fixture.runtime.calls()).contains("StopContainer main 30", "StopContainer main 2");

        fixture.advance(Duration.ofSeconds(2));
        assertThat(fixture.engine.pods()).isEmpty();
    }

    @Test
    void nothingStartsOnceDeletionBegan() throws PodRejectedException {
        fixture.runtime.hold("CreateContainer");
        fixture.create(EngineFixture.pod("web", "Always"));

        fixture.engine.delete("default", "web", OptionalLong.of(30));
        fixture.run();
        fixture.runtime.release("CreateContainer");
        fixture.run();

        assertThat(fixture.runtime.calls()).doesNotContain("StartContainer main");
        assertThat(fixture.engine.pods()).isEmpty();
        assertThat(fixture.runtime.sandboxCount()).isZero();
    }
}
