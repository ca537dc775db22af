package dev.gantry.staticpods;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ManifestDecoderTest {
    private static final String WEB = """
            apiVersion: v1
            kind: Pod
            metadata:
              name: web
              labels: {app: web}
            spec:
              containers:
              - name: web
                image: nginx
                ports:
                - containerPort: 80
                resources:
                  limits: {cpu: 500m, memory: 64Mi}
            """;

    @Test
    void aManifestBecomesATypedPodWithTheDefaultsOfTheApi() {
        Pod pod = pod(WEB);

        Container container = pod.getSpec().getContainers().get(0);
        assertThat(pod.getMetadata().getNamespace()).isEqualTo("default");
        assertThat(pod.getSpec().getRestartPolicy()).isEqualTo("Always");
        assertThat(pod.getSpec().getTerminationGracePeriodSeconds()).isEqualTo(30);
        assertThat(pod.getSpec().getDnsPolicy()).isEqualTo("ClusterFirst");
        assertThat(container.getImagePullPolicy()).isEqualTo("Always");
        assertThat(container.getTerminationMessagePath()).isEqualTo("/dev/termination-log");
        assertThat(container.getPorts().get(0).getProtocol()).isEqualTo("TCP");
        assertThat(Quantities.milli(
                        requireNonNull(container.getResources().getRequests().get("cpu"))))
                .isEqualTo(500);
        assertThat(Quantities.units(
                        requireNonNull(container.getResources().getLimits().get("memory"))))
                .isEqualTo(64 << 20);
    }

    @Test
    void everyErrorIsFoundAtOnceWithItsPlaceAndASuggestion() {
        assertThat(errors("""
                        apiVersion: v1
                        kind: Pod
                        metadata:
                          name: Web_1
                        spec:
                          restartPolicy: Sometimes
                          hostNetwork: "true"
                          containers:
                          - name: web
                            imagee: nginx
                            ports:
                            - containerPort: "80"
                            env:
                            - name: DEBUG
                              value: true
                            resources:
                              limits: {memory: 64MB}
                          - name: web
                            image: busybox
                            volumeMounts:
                            - {name: data, mountPath: /data}
                        """))
                .containsExactly(
                        "web.yaml:7:16: spec.hostNetwork: expected true or false, found the string \"true\"",
                        "web.yaml:10:5: spec.containers[0].imagee: unknown field, did you mean 'image'?",
                        "web.yaml:12:22: spec.containers[0].ports[0].containerPort: expected an integer, found the string"
                                + " \"80\": remove the quotes",
                        "web.yaml:15:14: spec.containers[0].env[0].value: expected a string, found the boolean true: quote"
                                + " it, \"true\"",
                        "web.yaml:17:24: spec.containers[0].resources.limits[memory]: expected a quantity such as 500m, 2,"
                                + " 128Mi, found \"64MB\": write 64M or 64Mi",
                        "web.yaml:4:3: metadata.name: Invalid value: \"Web_1\": a lowercase RFC 1123 subdomain must consist"
                                + " of lower case alphanumeric characters, '-' or '.', and must start and end with an"
                                + " alphanumeric character (e.g. 'example.com', regex used for validation is"
                                + " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
                        "web.yaml:18:5: spec.containers[1].name: Duplicate value: \"web\"",
                        "web.yaml:21:8: spec.containers[1].volumeMounts[0].name: Not found: \"data\": spec.volumes has none",
                        "web.yaml:6:3: spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\","
                                + " \"Never\", \"OnFailure\"");
    }

    @Test
    void brokenYamlIsReportedAtItsPlace() {
        assertThat(errors("apiVersion: v1\nkind: Pod\nmetadata:\n  name: [web\nspec: {}\n"))
                .singleElement()
                .asString()
                .startsWith("web.yaml:5:5: not YAML: ")
                .contains("while parsing a flow sequence that starts at line 4");
        assertThat(errors("a:\n\tb: 1\n")).singleElement().asString().contains("indent with spaces");
        assertThat(errors("a: *b\n")).containsExactly("web.yaml:1:4: alias *b has no anchor &b before it");
    }

    @Test
    void keysThatOccurTwiceAreAnError() {
        assertThat(errors(WEB + "  restartPolicy: Never\n  restartPolicy: Always\n"))
                .containsExactly("web.yaml:15:3: key 'restartPolicy' occurs twice, first at line 14");
    }

    @Test
    void aDocumentNeedsItsKind() {
        assertThat(errors("kind: Pod\n"))
                .containsExactly("web.yaml:1:1: apiVersion: missing, expected for example \"v1\"");
        assertThat(errors("apiVersion: v1\nkind: Pood\n"))
                .containsExactly(
                        "web.yaml:2:1: kind: a manifest cannot hold a Pood here, did you mean 'Pod'?; supported: Pod, ConfigMap, Secret, PersistentVolume, PersistentVolumeClaim");
        assertThat(errors("apiVersion: apps/v1\nkind: Pod\n"))
                .containsExactly("web.yaml:1:1: apiVersion: expected \"v1\" for a Pod, found \"apps/v1\"");
        assertThat(errors("just text\n"))
                .containsExactly("web.yaml:1:1: expected an object with apiVersion and kind, found the string \"just"
                        + " text\"");
    }

    @Test
    void everyDocumentOfAFileIsRead() {
        DecodedManifest manifest =
                decode("---\n" + WEB + "---\n# nothing\n---\n" + WEB.replace("name: web", "name: api"));

        assertThat(manifest.errors()).isEmpty();
        assertThat(manifest.pods())
                .extracting(pod -> pod.pod().getMetadata().getName())
                .containsExactly("web", "api");
    }

    @Test
    void aliasesThatMultiplyAreStopped() {
        StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 10; i++) {
            bomb.append("a%d: &a%d [%s*a%d]\n".formatted(i, i, ("*a" + (i - 1) + ", ").repeat(9), i - 1));
        }

        assertThat(errors(bomb.toString()))
                .singleElement()
                .asString()
                .contains("more than 200000 values once aliases are resolved");
    }

    @Test
    void depthAndSizeAreBounded() {
        byte[] deep = "{\"a\":".repeat(100_000).getBytes(StandardCharsets.UTF_8);
        assertThat(ManifestDecoder.decode("deep.json", deep).errors())
                .singleElement()
                .asString()
                .contains("not JSON: Document nesting depth (65) exceeds the maximum allowed (64)")
                .doesNotContain("getMax");
        assertThat(errors("[".repeat(100_000))).singleElement().asString().contains("nested deeper than 64 levels");
        assertThat(ManifestDecoder.decode("big.yaml", new byte[(10 << 20) + 1]).errors())
                .singleElement()
                .asString()
                .isEqualTo("big.yaml:1:1: larger than 10 MiB (10485761 bytes): split it into several files");
        assertThat(ManifestDecoder.decode("bin.yaml", new byte[] {'a', '\n', 'b', (byte) 0xff})
                        .errors())
                .singleElement()
                .asString()
                .isEqualTo("bin.yaml:2:2: not UTF-8: byte 0xff at offset 3; save the file as UTF-8");
    }

    @Test
    void jsonIsReadWithTheSameRules() {
        String json = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\"},\n"
                + "\t\"spec\":{\"containers\":[{\"name\":\"web\",\"image\":\"nginx\",\"tyt\":true}]}}";

        assertThat(ManifestDecoder.decode("web.json", json.getBytes(StandardCharsets.UTF_8))
                        .errors())
                .extracting(ManifestError::toString)
                .containsExactly("web.json:2:54: spec.containers[0].tyt: unknown field, did you mean 'tty'?");
        assertThat(ManifestDecoder.decode("web.json", "{\"a\":".getBytes(StandardCharsets.UTF_8))
                        .errors())
                .singleElement()
                .asString()
                .contains("not JSON");
    }

    @Test
    void yamlHasTheTypesOfKubernetesTools() {
        Pod pod = pod(
                WEB + "  hostNetwork: yes\n  volumes:\n  - name: s\n    secret: {secretName: s, defaultMode: 0400}\n");

        assertThat(pod.getSpec().getHostNetwork()).isTrue();
        assertThat(pod.getSpec().getVolumes().get(0).getSecret().getDefaultMode())
                .isEqualTo(256);
        assertThat(pod.getSpec().getContainers().get(0).getPorts().get(0).getHostPort())
                .isEqualTo(80);
    }

    @Test
    void mergeKeysAndAnchorsWork() {
        Pod pod = pod("""
                apiVersion: v1
                kind: Pod
                metadata: {name: two}
                spec:
                  containers:
                  - &base {name: a, image: busybox, args: [a]}
                  - {<<: *base, name: b}
                """);

        assertThat(pod.getSpec().getContainers()).extracting(Container::getName).containsExactly("a", "b");
        assertThat(pod.getSpec().getContainers().get(1).getArgs()).containsExactly("a");
    }

    @Test
    void layoutCommentsAndOrderDoNotChangeTheCanonicalText() {
        String reordered = """
                # a comment
                kind: Pod
                apiVersion: "v1"
                metadata:
                  labels:
                    app: web
                  name: 'web'
                  creationTimestamp: null
                spec:
                  containers:
                  - image: nginx
                    name: web
                    ports: [{containerPort: 80}]
                    resources: {limits: {memory: 64Mi, cpu: 500m}}
                """;

        assertThat(decode(reordered).pods().get(0).canonical())
                .isEqualTo(decode(WEB).pods().get(0).canonical());
    }

    private static Pod pod(String text) {
        DecodedManifest manifest = decode(text);
        assertThat(manifest.errors()).isEmpty();
        return manifest.pods().get(0).pod();
    }

    private static List<String> errors(String text) {
        return decode(text).errors().stream().map(ManifestError::toString).toList();
    }

    private static DecodedManifest decode(String text) {
        return ManifestDecoder.decode("web.yaml", text.getBytes(StandardCharsets.UTF_8));
    }
}
