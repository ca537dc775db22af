package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.agent.volume.ManifestObjects;
import dev.gantry.staticpods.DecodedManifest;
import dev.gantry.staticpods.ManifestDecoder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.Quantity;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContainerEnvironmentTest {
    private final ManifestObjects objects = new ManifestObjects();

    {
        objects.replace(objects("""
                apiVersion: v1
                kind: ConfigMap
                metadata: {name: app}
                data: {PORT: "8080", app.mode: fast, HOST: db}
                binaryData: {RAW: AAEC}
                ---
                apiVersion: v1
                kind: Secret
                metadata: {name: key}
                stringData: {TOKEN: s3cret}
                data: {BYTES: /w==}
                """));
    }

    static List<HasMetadata> objects(String text) {
        DecodedManifest manifest = ManifestDecoder.decode("objects.yaml", text.getBytes(StandardCharsets.UTF_8));
        assertThat(manifest.errors()).isEmpty();
        return manifest.objects().stream()
                .map(DecodedManifest.DecodedObject::object)
                .toList();
    }

    @Test
    void envFromComesFirstSortedAndEnvWins() throws Exception {
        ContainerEnvironment environment = environment("""
                envFrom:
                - configMapRef: {name: app}
                - {prefix: KEY_, secretRef: {name: key}}
                env:
                - {name: PORT, value: "9090"}
                - {name: URL, value: "$(HOST):$(PORT)/$(NONE)/$$(HOST)"}
                """);

        assertThat(environment.variables().keySet())
                .containsExactly("HOST", "PORT", "app.mode", "KEY_BYTES", "KEY_TOKEN", "URL");
        assertThat(environment.variables())
                .containsEntry("PORT", "9090")
                .containsEntry("URL", "db:9090/$(NONE)/$(HOST)")
                .containsEntry("KEY_TOKEN", "s3cret");
        assertThat(environment.warnings()).isEmpty();
        assertThat(environment.toString()).doesNotContain("s3cret");
    }

    @Test
    void eachKindOfValue() throws Exception {
        assertThat(environment("""
                        env:
                        - {name: MODE, valueFrom: {configMapKeyRef: {name: app, key: app.mode}}}
                        - {name: TOKEN, valueFrom: {secretKeyRef: {name: key, key: TOKEN}}}
                        - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
                        - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}
                        - {name: BOTH, value: $(MODE)-$(IP)}
                        - {name: FILE, valueFrom: {fileKeyRef: {volumeName: data, path: env, key: A}}}
                        - {name: NO_FILE, valueFrom: {fileKeyRef: {volumeName: data, path: env, key: B, optional: true}}}
                        - {name: NO_KEY, valueFrom: {configMapKeyRef: {name: app, key: none, optional: true}}}
                        - {name: NO_MAP, valueFrom: {secretKeyRef: {name: none, key: none, optional: true}}}
                        """).variables())
                .containsExactly(
                        Map.entry("MODE", "fast"),
                        Map.entry("TOKEN", "s3cret"),
                        Map.entry("IP", "10.88.0.2"),
                        Map.entry("CPU", "4"),
                        Map.entry("BOTH", "fast-10.88.0.2"),
                        Map.entry("FILE", "from file"));
    }

    @ParameterizedTest(name = "{1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "env: [{name: A, valueFrom: {configMapKeyRef: {name: none, key: a}}}] | configmap \"none\" not found in namespace \"default\"; put a document of it beside the manifests, or mark it optional",
                "env: [{name: A, valueFrom: {secretKeyRef: {name: none, key: a}}}]    | secret \"none\" not found in namespace \"default\"; put a document of it beside the manifests, or mark it optional",
                "env: [{name: A, valueFrom: {configMapKeyRef: {name: app, key: a}}}]  | couldn't find key a in ConfigMap default/app; it has [HOST, PORT, app.mode]",
                "env: [{name: A, valueFrom: {secretKeyRef: {name: key, key: a}}}]     | couldn't find key a in Secret default/key; it has [BYTES, TOKEN]",
                "envFrom: [{configMapRef: {name: none}}]                              | configmap \"none\" not found in namespace \"default\"; put a document of it beside the manifests, or mark it optional",
                "env: [{name: A, valueFrom: {fileKeyRef: {volumeName: data, path: env, key: B}}}] | env \"A\": environment variable key \"B\" not found in file \"env\" of volume \"data\"; have an init container write it, or mark it optional",
                "env: [{name: A, valueFrom: {resourceFieldRef: {containerName: b, resource: limits.cpu}}}] | env \"A\": resourceFieldRef.containerName 'b' is not a container of the pod; it has [main]",
            })
    void whatIsMissingIsNamedWithItsRemedy(String fields, String message) {
        assertThatExceptionOfType(StartFailedException.class)
                .isThrownBy(() -> environment(fields))
                .withMessage(message)
                .satisfies(e -> assertThat(e.reason()).isEqualTo("CreateContainerConfigError"));
    }

    @Test
    void keysThatNoEnvironmentTakesAreReported() throws Exception {
        var map = new io.fabric8.kubernetes.api.model.ConfigMapBuilder()
                .withKind("ConfigMap")
                .withNewMetadata()
                .withNamespace("default")
                .withName("odd")
                .endMetadata()
                .addToData("a=b", "1")
                .addToData("fine", "2")
                .addToData("schön", "3")
                .build();
        objects.replace(List.of(map));

        ContainerEnvironment environment = environment("envFrom: [{configMapRef: {name: odd}}]");

        assertThat(environment.variables()).containsOnlyKeys("fine");
        assertThat(environment.warnings())
                .containsExactly("Keys [a=b, schön] from the EnvFrom configMap default/odd were skipped since they are"
                        + " considered invalid environment variable names.");
    }

    private ContainerEnvironment environment(String fields) throws StartFailedException {
        Pod pod = EngineFixture.pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: web}
                spec:
                  volumes: [{name: data, emptyDir: {}}]
                  containers:
                  - name: main
                    image: busybox
                """ + fields.indent(4));
        PodStatus status = new PodStatus();
        status.setPodIP("10.88.0.2");
        pod.setStatus(status);
        return ContainerEnvironment.of(
                pod,
                pod.getSpec().getContainers().get(0),
                objects,
                (volume, path, key) -> volume.equals("data") && path.equals("env") && key.equals("A")
                        ? Optional.of("from file")
                        : Optional.empty(),
                Map.of("cpu", new Quantity("4")));
    }
}
