package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.staticpods.ModelJson;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Edits of pods that run. */
class InPlaceEditTest extends EngineTest {
    private static final String POD = """
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec:
              restartPolicy: Never
              terminationGracePeriodSeconds: 10
              activeDeadlineSeconds: 3600
              containers:
              - {name: a, image: busybox, imagePullPolicy: IfNotPresent}
              - {name: b, image: busybox, imagePullPolicy: IfNotPresent}
            """;

    @BeforeEach
    void open() {
        fixture.apply();
        fixture.runtime.addImage("busybox:2");
    }

    private Pod copy(String name) {
        Pod shown = fixture.shown(name);
        Pod copy = EngineFixture.pod(ModelJson.write(new Pod("v1", "Pod", shown.getMetadata(), shown.getSpec(), null)));
        copy.getMetadata().setUid(shown.getMetadata().getUid());
        return copy;
    }

    @Test
    void anotherImageRestartsThatContainerAndNoOther() throws Exception {
        fixture.create(EngineFixture.pod(POD));
        Pod edited = copy("web");
        edited.getSpec().getContainers().get(0).setImage("busybox:2");
        fixture.runtime.clearCalls();

        fixture.engine.update(edited);
        fixture.advance(Duration.ofSeconds(5));

        assertThat(fixture.runtime.calls())
                .contains("StopContainer a 10")
                .doesNotContain("StopContainer b 10")
                .noneMatch(call -> call.startsWith("RunPodSandbox"));
        assertThat(fixture.runtime.config("a").getImage().getUserSpecifiedImage())
                .isEqualTo("busybox:2");
        assertThat(fixture.status("web").getRestartCount()).isEqualTo(1);
        assertThat(fixture.phase("web")).isEqualTo("Running");
        assertThat(fixture.shown("web").getMetadata().getGeneration()).isEqualTo(2);
        assertThat(fixture.shown("web").getStatus().getObservedGeneration()).isEqualTo(2);
        assertThat(fixture.engine.events())
                .extracting(Event::getReason, Event::getMessage)
                .contains(org.assertj.core.groups.Tuple.tuple(
                        "Killing", "Container a definition changed, will be restarted"));
    }

    @Test
    void labelsAndAnnotationsRestartNothing() throws Exception {
        fixture.create(EngineFixture.pod(POD));
        Pod edited = copy("web");
        edited.getMetadata().setLabels(Map.of("tier", "front"));
        edited.getMetadata().getAnnotations().put("note", "x");
        edited.getMetadata().getAnnotations().remove("kubernetes.io/config.source");
        fixture.runtime.clearCalls();

        fixture.engine.update(edited);
        fixture.advance(Duration.ofMinutes(5));

        assertThat(fixture.runtime.calls()).noneMatch(call -> call.startsWith("Stop") || call.startsWith("Create"));
        Pod shown = fixture.shown("web");
        assertThat(shown.getMetadata().getLabels()).containsEntry("tier", "front");
        assertThat(shown.getMetadata().getAnnotations())
                .containsEntry("note", "x")
                .containsEntry("kubernetes.io/config.source", "api");
        assertThat(shown.getMetadata().getGeneration()).isEqualTo(1);

        fixture.restartAgent();
        fixture.apply();
        assertThat(fixture.shown("web").getMetadata().getLabels()).containsEntry("tier", "front");
        assertThat(fixture.status("web").getRestartCount()).isZero();
    }

    @Test
    void labelsOfAManifestRestartNothingEither() {
        Pod pod = EngineFixture.filePod("web", "uid-1", "Always");
        fixture.apply(pod);
        String id = fixture.status("web").getContainerID();
        Pod edited = EngineFixture.filePod("web", "uid-2", "Always");
        edited.getMetadata().setLabels(Map.of("tier", "front"));
        edited.getMetadata().setAnnotations(Map.of("kubernetes.io/config.hash", "uid-2"));

        fixture.apply(edited);
        fixture.advance(Duration.ofMinutes(1));

        assertThat(fixture.shown("web").getMetadata().getLabels()).containsEntry("tier", "front");
        assertThat(fixture.status("web").getContainerID()).isEqualTo(id);
        assertThat(fixture.status("web").getRestartCount()).isZero();
    }

    @Test
    void aShorterDeadlineIsTaken() throws Exception {
        fixture.create(EngineFixture.pod(POD));
        Pod edited = copy("web");
        edited.getSpec().setActiveDeadlineSeconds(60L);
        fixture.engine.update(edited);
        fixture.advance(Duration.ofSeconds(75));

        assertThat(fixture.shown("web").getStatus().getReason()).isEqualTo("DeadlineExceeded");
    }

    @Test
    void whatMayNotBeChangedIsRefused() throws Exception {
        fixture.create(EngineFixture.pod(POD));
        Pod command = copy("web");
        command.getSpec().getContainers().get(0).setCommand(java.util.List.of("sh"));
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> fixture.engine.update(command))
                .withMessageStartingWith(
                        "Pod \"web\" is invalid: spec: Forbidden: pod updates may not change fields other"
                                + " than `spec.containers[*].image`");

        Pod later = copy("web");
        later.getSpec().setActiveDeadlineSeconds(3601L);
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> fixture.engine.update(later))
                .withMessageContaining("spec.activeDeadlineSeconds: Invalid value: 3601: must be less than or equal to"
                        + " previous value");

        Pod file = EngineFixture.filePod("static", "uid-1", "Always");
        fixture.apply(file);
        assertThatExceptionOfType(PodRejectedException.class)
                .isThrownBy(() -> fixture.engine.update(copy("static")))
                .withMessage("pods \"static\" is forbidden: it comes from a manifest file; edit the file to change it");
    }
}
