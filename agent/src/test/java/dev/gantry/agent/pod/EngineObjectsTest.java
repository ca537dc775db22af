package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.staticpods.ManifestSnapshot;
import io.fabric8.kubernetes.api.model.ContainerStateWaiting;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Pods wait for the objects that they refer to, and for nothing else. */
class EngineObjectsTest extends EngineTest {
    @Test
    void aContainerWithoutItsConfigMapWaitsAndStartsAsSoonAsTheDocumentIsThere() {
        fixture.create(EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  containers:
                  - {name: plain, image: busybox, imagePullPolicy: IfNotPresent}
                  - name: main
                    image: busybox
                    imagePullPolicy: IfNotPresent
                    env: [{name: A, valueFrom: {configMapKeyRef: {name: app, key: a}}}]
                """));

        ContainerStateWaiting waiting = fixture.shown("web")
                .getStatus()
                .getContainerStatuses()
                .get(1)
                .getState()
                .getWaiting();
        assertThat(waiting.getReason()).isEqualTo("CreateContainerConfigError");
        assertThat(waiting.getMessage()).startsWith("configmap \"app\" not found");
        assertThat(fixture.engine.events())
                .extracting(Event::getMessage)
                .anyMatch(message -> message.startsWith("Error: configmap \"app\" not found"));
        assertThat(fixture.runtime.runningNames()).containsExactly("plain");

        present("# yaml\n{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {a: x}}");
        assertThat(fixture.runtime.runningNames()).containsExactly("plain");

        present("# yaml\n{apiVersion: v1, kind: ConfigMap, metadata: {name: app}, data: {a: x}}");
        assertThat(fixture.runtime.runningNames()).containsExactlyInAnyOrder("plain", "main");
    }

    private static final String POD = """
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec:
              containers:
              - name: main
                image: busybox
                imagePullPolicy: IfNotPresent
                env: [{name: A, valueFrom: {secretKeyRef: {name: own, key: a}}}]
            """;

    @Test
    void whatAPodBringsAlongIsItsOwnAndOutlivesTheAgent() throws Exception {
        present("# yaml\n{apiVersion: v1, kind: Secret, metadata: {name: own}, stringData: {a: nodes}}");
        List<HasMetadata> own = ContainerEnvironmentTest.objects(
                "# yaml\n{apiVersion: v1, kind: Secret, metadata: {name: own}, stringData: {a: pods}}");

        fixture.engine.create(EngineFixture.pod(POD), own);
        fixture.run();

        assertThat(fixture.runtime.config("main").getEnvs(0).getValue().toStringUtf8())
                .isEqualTo("pods");
        String uid = fixture.shown("web").getMetadata().getUid();
        Path kept = directory.resolve("pods").resolve(uid).resolve("objects.yaml");
        assertThat(Files.getPosixFilePermissions(kept))
                .containsExactlyInAnyOrder(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

        fixture.restartAgent();
        fixture.apply();
        fixture.runtime.exit("main", 1);
        fixture.run();

        assertThat(fixture.shown("web")
                        .getStatus()
                        .getContainerStatuses()
                        .get(0)
                        .getRestartCount())
                .isEqualTo(1);
        assertThat(fixture.runtime.config("main").getEnvs(0).getValue().toStringUtf8())
                .isEqualTo("pods");

        fixture.engine.delete("default", "web", OptionalLong.of(0));
        fixture.run();
        assertThat(kept).doesNotExist();
        fixture.create(EngineFixture.pod(POD));
        assertThat(fixture.status("web").getState().getWaiting().getMessage()).startsWith("secret \"own\" not found");
    }

    private void present(String document) {
        List<HasMetadata> objects = ContainerEnvironmentTest.objects(document);
        fixture.engine.applyManifests(new ManifestSnapshot(List.of(), objects, List.of()));
        fixture.run();
    }
}
