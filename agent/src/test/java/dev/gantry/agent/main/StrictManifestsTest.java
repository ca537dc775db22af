package dev.gantry.agent.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.agent.api.Backend;
import dev.gantry.agent.api.ManifestException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StrictManifestsTest {
    private static final String POD = "# yaml\n{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: ["
            + "{name: main, image: a, envFrom: [{configMapRef: {name: app}}]}]}}\n---\n";

    private final StrictManifests manifests = new StrictManifests();

    @Test
    void aPodComesWithWhatItRefersTo() throws ManifestException {
        Backend.Content content = decode("{apiVersion: v1, kind: ConfigMap, metadata: {name: app}, data: {a: b}}");

        assertThat(content.pods()).hasSize(1);
        assertThat(content.objects())
                .extracting(object -> object.getMetadata().getName())
                .containsExactly("app");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "'{apiVersion: v1, kind: ConfigMap, metadata: {name: other}}', app.yaml:4:1: metadata.name: ConfigMap default/other is referred to by no pod of this file; remove it",
        "'{apiVersion: v1, kind: PersistentVolume, metadata: {name: disk}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], local: {path: /a}}}', app.yaml:4:1: kind: PersistentVolume disk cannot be sent here; put it beside the static pods' manifests",
    })
    void whatCannotComeIsNamed(String document, String message) {
        assertThatExceptionOfType(ManifestException.class)
                .isThrownBy(() -> decode(document))
                .withMessage(message);
    }

    @Test
    void whatThisNodeCannotHonourIsNamedWithItsPlace() {
        assertThatExceptionOfType(ManifestException.class)
                .isThrownBy(() -> manifests.decode("app.yaml", """
                        apiVersion: v1
                        kind: Pod
                        metadata: {name: a}
                        spec:
                          volumes:
                          - name: data
                            nfs: {server: nfs.example, path: /}
                          containers: [{name: main, image: a}]
                        """.getBytes(StandardCharsets.UTF_8)))
                .withMessage("app.yaml:7:5: spec.volumes[0].nfs: Forbidden: volumes of this kind are not mounted here;"
                        + " mount it on the node and use hostPath, or a local PersistentVolume");
    }

    private Backend.Content decode(String document) throws ManifestException {
        return manifests.decode("app.yaml", (POD + document).getBytes(StandardCharsets.UTF_8));
    }
}
