package dev.gantry.staticpods;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Secret;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** ConfigMaps, Secrets, PersistentVolumes and their claims beside the manifests. */
class ObjectDocumentsTest {
    private static final String WEB = """
            apiVersion: v1
            kind: Pod
            metadata: {name: web}
            spec: {containers: [{name: main, image: nginx}]}
            """;
    private static final String CONFIG = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: app}
            data: {greeting: hello}
            """;

    private final ManifestSet set = new ManifestSet(ManifestNode.of("node-1"), new NothingKept());

    @Test
    void podsAndWhatTheyReferToShareAFile() {
        read("web.yaml", WEB + "---\n" + CONFIG + "---\n" + """
                apiVersion: v1
                kind: Secret
                metadata: {name: key, namespace: shop}
                data: {a: YQ==, b: Yg==}
                stringData: {b: plain}
                """);

        ManifestSnapshot snapshot = set.snapshot();

        assertThat(snapshot.problems()).isEmpty();
        assertThat(snapshot.pods()).hasSize(1);
        assertThat(snapshot.objects())
                .extracting(object -> object.getKind() + " "
                        + object.getMetadata().getNamespace() + "/"
                        + object.getMetadata().getName())
                .containsExactly("ConfigMap default/app", "Secret shop/key");
        Secret secret = (Secret) snapshot.objects().get(1);
        assertThat(secret.getType()).isEqualTo("Opaque");
        assertThat(secret.getStringData()).isNull();
        assertThat(secret.getData()).containsEntry("a", "YQ==").containsEntry("b", "cGxhaW4=");
    }

    @Test
    void aBrokenEditKeepsTheLastGoodRevision() {
        read("app.yaml", CONFIG);

        read("app.yaml", CONFIG + "dato: {}\n");

        assertThat(set.snapshot().objects()).hasSize(1);
        assertThat(set.snapshot().problems()).singleElement().satisfies(problem -> {
            assertThat(problem.kept()).isTrue();
            assertThat(problem.errors())
                    .extracting(ManifestError::toString)
                    .containsExactly("app.yaml:5:1: dato: unknown field, did you mean 'data'?");
        });
    }

    @Test
    void anEmptiedFileKeepsItsObjects() {
        read("app.yaml", CONFIG);

        read("app.yaml", "");

        assertThat(set.snapshot().objects()).hasSize(1);
        assertThat(set.snapshot().problems().get(0).errors())
                .extracting(ManifestError::message)
                .containsExactly("holds nothing any more: to remove its objects, remove the file");
    }

    @Test
    void anObjectInTwoFilesIsAnErrorThatNamesBoth() {
        read("z.yaml", CONFIG);
        assertThat(set.snapshot().problems()).isEmpty();

        read("a.yaml", CONFIG.replace("hello", "bye"));

        ManifestSnapshot snapshot = set.snapshot();
        assertThat(snapshot.objects()).hasSize(1);
        assertThat(snapshot.problems())
                .singleElement()
                .satisfies(problem -> assertThat(problem.errors())
                        .extracting(ManifestError::toString)
                        .containsExactly("a.yaml:1:1: metadata.name: ConfigMap default/app is already in z.yaml,"
                                + " which goes on; remove one of the two"));

        set.removed("z.yaml");
        assertThat(set.snapshot().problems()).isEmpty();
        assertThat(set.snapshot().objects().toString()).contains("bye");
    }

    @Test
    void anObjectTwiceInAFileIsAnError() {
        read("app.yaml", CONFIG + "---\n" + CONFIG);

        assertThat(set.snapshot().problems().get(0).errors())
                .extracting(ManifestError::message)
                .containsExactly("ConfigMap default/app occurs twice in this file");
    }

    @Test
    void whatIsImmutableChangesOnlyWithItsFile() {
        read("app.yaml", CONFIG + "immutable: true\n");

        read("app.yaml", CONFIG.replace("hello", "bye") + "immutable: true\n");

        assertThat(set.snapshot().objects().toString()).contains("hello");
        assertThat(set.snapshot().problems().get(0).errors())
                .extracting(ManifestError::toString)
                .containsExactly("app.yaml:1:1: data: Forbidden: field is immutable when `immutable` is set;"
                        + " to change it, remove the object first, or give it another name");

        set.removed("app.yaml");
        read("app.yaml", CONFIG.replace("hello", "bye") + "immutable: true\n");
        assertThat(set.snapshot().objects().toString()).contains("bye");
    }

    @Test
    void aSecretIsShownNowhere() {
        DecodedManifest manifest = ManifestDecoder.decode(
                "s.yaml",
                "# yaml\n{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {a: hunter2!}}"
                        .getBytes(StandardCharsets.UTF_8));
        assertThat(manifest.errors())
                .extracting(ManifestError::toString)
                .containsExactly(
                        "s.yaml:2:60: data[a]: Invalid value: must be base64; to write plain text, use stringData");

        read("s.yaml", "# yaml\n{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {a: hunter2}}");
        assertThat(set.snapshot().toString()).doesNotContain("hunter2").doesNotContain("aHVudGVyMg");
    }

    @ParameterizedTest(name = "{0}, {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "ConfigMap | metadata: {} | metadata.name: Required value",
                "ConfigMap | metadata: {name: A} | metadata.name: Invalid value: \"A\": a lowercase RFC 1123 subdomain",
                "ConfigMap | metadata: {name: a}, data: {a/b: x} | data[a/b]: Invalid value: \"a/b\": a valid config key must consist",
                "ConfigMap | metadata: {name: a}, data: {..a: x} | data[..a]: Invalid value: \"..a\": must not start with '..'",
                "ConfigMap | metadata: {name: a}, data: {a: x}, binaryData: {a: eA==} | data[a]: Invalid value: \"a\": duplicate of key present in binaryData",
                "ConfigMap | metadata: {name: a}, binaryData: {a: '%'} | binaryData[a]: Invalid value: must be base64",
                "Secret | metadata: {name: a}, type: kubernetes.io/tls | data[tls.crt]: Required value; data[tls.key]: Required value",
                "Secret | metadata: {name: a}, type: kubernetes.io/dockerconfigjson | data[.dockerconfigjson]: Required value",
                "PersistentVolume | metadata: {name: a, namespace: b} | metadata.namespace: Forbidden: not allowed on this type; spec: Required value",
                "PersistentVolume | metadata: {name: a}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce]} | spec: Required value: must specify a volume type",
                "PersistentVolume | metadata: {name: a}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], nfs: {server: a, path: /}} | spec.nfs: Forbidden: this kind of volume is not supported, use hostPath or local",
                "PersistentVolume | metadata: {name: a}, spec: {accessModes: [Some], local: {path: data}} | spec.accessModes[0]: Unsupported value: \"Some\"; spec.capacity[storage]: Required value; spec.local.path: Invalid value: \"data\": must be an absolute path",
                "PersistentVolume | metadata: {name: a}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], local: {path: /a}, persistentVolumeReclaimPolicy: Delete} | spec.persistentVolumeReclaimPolicy: Forbidden: the data of a volume outlive its claim here",
                "PersistentVolumeClaim | metadata: {name: a}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 0}}} | spec.resources[storage]: Invalid value: \"0\": must be greater than zero",
                "PersistentVolumeClaim | metadata: {name: a}, spec: {accessModes: [], resources: {requests: {storage: 1Gi}}, volumeMode: Block} | spec.accessModes: Required value: at least 1 access mode is required; spec.volumeMode: Forbidden: block volumes are not supported",
            })
    void fieldsAtFaultAreNamed(String kind, String fields, String expected) {
        List<ManifestError> errors = ManifestDecoder.decode(
                        "a.yaml",
                        "# yaml\n{apiVersion: v1, kind: %s, %s}"
                                .formatted(kind, fields)
                                .getBytes(StandardCharsets.UTF_8))
                .errors();

        String[] each = expected.split("; ");
        assertThat(errors).hasSize(each.length);
        for (int i = 0; i < each.length; i++) {
            assertThat(errors.get(i).field() + ": " + errors.get(i).message().replace(';', ','))
                    .startsWith(each[i]);
        }
    }

    @Test
    void anObjectIsBoundedAsByTheApi() {
        String large = "x".repeat(1 << 20);

        assertThat(errors("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: " + large + ", b: x}}"))
                .containsExactly(": Too long: may not be more than 1048576 bytes");
        assertThat(errors("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: " + large + "}}"))
                .isEmpty();
    }

    private static List<String> errors(String text) {
        return ManifestDecoder.decode("a.yaml", ("# yaml\n" + text).getBytes(StandardCharsets.UTF_8)).errors().stream()
                .map(error -> error.field() + ": " + error.message())
                .toList();
    }

    private void read(String file, String text) {
        set.read(file, text.getBytes(StandardCharsets.UTF_8), Instant.parse("2026-01-01T00:00:00Z"));
    }
}
