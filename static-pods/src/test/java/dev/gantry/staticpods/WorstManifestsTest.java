package dev.gantry.staticpods;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a manifest holds: an error names file, line, column and field, on one line that is not too long, and soon. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WorstManifestsTest {
    private static final int MAX_ERRORS = 101;

    /** A text at a place of a pod, and the errors that it brings. */
    record Case(String where, String text, List<String> expected) {
        String manifest() {
            return """
                    apiVersion: v1
                    kind: Pod
                    metadata:
                      name: bad
                      %s
                    spec:
                      %s
                      containers:
                      - name: main
                        image: busybox
                        %s
                    """.formatted(at("metadata"), at("pod"), at("container"));
        }

        private String at(String place) {
            return where.equals(place) ? text : "";
        }

        @Override
        public String toString() {
            return where + " " + text;
        }
    }

    static Stream<Case> cases() throws IOException {
        try (InputStream table = requireNonNull(WorstManifestsTest.class.getResourceAsStream("worst-manifests.txt"))) {
            List<Case> cases = new ArrayList<>();
            for (String line : new String(table.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList()) {
                if (line.startsWith("  ")) {
                    cases.get(cases.size() - 1).expected().add("bad.yaml:" + line.strip());
                } else if (!line.isBlank() && !line.startsWith("#")) {
                    int space = line.indexOf(' ');
                    cases.add(new Case(line.substring(0, space), line.substring(space + 1), new ArrayList<>()));
                }
            }
            return cases.stream();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void eachIsToldWithItsPlaceItsFieldAndWhatIsRight(Case given) {
        List<String> errors = errors(given.manifest().getBytes(StandardCharsets.UTF_8));

        assertThat(errors).hasSameSizeAs(given.expected());
        for (int i = 0; i < errors.size(); i++) {
            String expected = given.expected().get(i);
            if (expected.endsWith("…")) {
                assertThat(errors.get(i)).startsWith(expected.substring(0, expected.length() - 1));
            } else {
                assertThat(errors.get(i)).isEqualTo(expected);
            }
        }
    }

    @Test
    void theTableIsLong() throws IOException {
        assertThat(cases())
                .hasSizeGreaterThan(150)
                .allSatisfy(one -> assertThat(one.expected())
                        .isNotEmpty()
                        .allSatisfy(error -> assertThat(error).matches("bad\\.yaml:[0-9]+:[0-9]+: [a-z'].*")));
    }

    @Test
    void tenThousandContainersAreReadAndTheirErrorsCounted() {
        String good = "{name: c%d, image: busybox, ports: [{containerPort: 80}]}";
        StringBuilder fine = new StringBuilder();
        StringBuilder bad = new StringBuilder();
        for (int i = 0; i < 10_000; i++) {
            fine.append("  - ").append(good.formatted(i)).append('\n');
            bad.append("  - {name: c, imagee: busybox, ports: [80]}\n");
        }

        assertThat(errors(pod(fine.toString()))).isEmpty();
        List<String> errors = errors(pod(bad.toString()));
        assertThat(errors).hasSize(MAX_ERRORS);
        assertThat(errors.get(0)).startsWith("bad.yaml:6:15: spec.containers[0].imagee: unknown field");
        assertThat(errors.get(MAX_ERRORS - 1))
                .isEqualTo("bad.yaml:1:1: has more errors than the 100 before; mend these first");
    }

    @Test
    void whatWasLetInIsReadAgainWhateverItIsByNow() {
        StringBuilder containers = new StringBuilder();
        for (int i = 0; i < 10_000; i++) {
            containers.append("  - {name: c").append(i).append(", image: a, env: [{name: A, value: b}]}\n");
        }
        DecodedManifest manifest = ManifestDecoder.decode("bad.yaml", pod(containers.toString()));
        assertThat(manifest.errors()).isEmpty();
        Pod pod = manifest.pods().get(0).pod();
        pod.getSpec().getContainers().get(0).setImagePullPolicy("Perhaps");

        DecodedManifest again =
                ManifestDecoder.decodeRecord("pod.json", ModelJson.write(pod).getBytes(StandardCharsets.UTF_8));

        assertThat(again.errors()).isEmpty();
        assertThat(again.pods().get(0).pod()).isEqualTo(pod);
    }

    @Test
    void validationStopsAtAHundredErrorsToo() {
        String containers = "  - {name: c}\n".repeat(60_000);

        assertThat(errors(pod(containers))).hasSize(100).allSatisfy(WorstManifestsTest::isShort);
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(
            strings = {
                "  - {name: %s, image: a}",
                "  - {name: a, image: ' %s'}",
                "  - {name: a, image: b, %s: c}",
                "  - {name: a, image: b, imagePullPolicy: %s}",
                "  - {name: a, image: b, env: [{name: 'é%s'}]}",
                "  - {name: a, image: b, resources: {limits: {%s: 1}}}",
                "  - {name: a, image: b, resources: {limits: {cpu: %s}}}",
                "  - {name: a, image: b, volumeMounts: [{name: %s, mountPath: /a}]}",
                "  - {name: a, image: b, securityContext: {runAsUser: %s}}",
            })
    void oneTextOfAMegabyteMakesNoErrorOfAMegabyte(String container) {
        for (String text : List.of("x".repeat(1 << 20), "9".repeat(1 << 20), "/".repeat(1 << 20))) {
            assertThat(errors(pod(container.formatted(text) + "\n")))
                    .isNotEmpty()
                    .allSatisfy(WorstManifestsTest::isShort);
        }
    }

    /** JSON has longer keys than YAML. */
    @Test
    void unknownKeysThatAreLongAreComparedWithNothing() {
        StringBuilder json = new StringBuilder("{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"spec\": {");
        for (int i = 0; i < 200; i++) {
            json.append('"').append("k".repeat(45_000)).append(i).append("\": 1,");
        }

        assertThat(errors((json + "\"x\": 1}}").getBytes(StandardCharsets.UTF_8)))
                .hasSize(MAX_ERRORS)
                .allSatisfy(WorstManifestsTest::isShort);
    }

    @Test
    void manyFilesOfOneVolumeAreComparedQuickly() {
        StringBuilder items = new StringBuilder();
        for (int i = 0; i < 30_000; i++) {
            items.append("{key: k, path: d/").append(i).append("}, ");
        }
        String volumes = "  - {name: main, image: a}\n  volumes:\n  - {name: v, configMap: {name: c, items: [%s]}}\n";

        assertThat(errors(pod(volumes.formatted(items)))).isEmpty();
        assertThat(errors(pod(volumes.formatted(items + "{key: k, path: d}"))))
                .containsExactly(
                        "bad.yaml:8:738943: spec.volumes[0].configMap.items[30000].path: Invalid value: \"d\": is the"
                                + " directory of another path of this volume");
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("bombs")
    void noAliasIsFollowedForEver(String yaml, String error) {
        assertThat(errors(yaml.getBytes(StandardCharsets.UTF_8)))
                .singleElement()
                .asString()
                .contains(error);
    }

    static Stream<Arguments> bombs() {
        StringBuilder anchors = new StringBuilder("a0: &a0 {k: v}\n");
        StringBuilder merges = new StringBuilder("m0: &m0 {a: 1, b: 2, c: 3}\n");
        for (int i = 1; i < 40; i++) {
            anchors.append("a%d: &a%d {x: *a%d, y: *a%d}\n".formatted(i, i, i - 1, i - 1));
            merges.append("m%d: &m%d {<<: [*m%d, *m%d], k%d: 1}\n".formatted(i, i, i - 1, i - 1, i));
        }
        return Stream.of(
                Arguments.of("a: &a [*a]\n", "1:8: alias *a stands inside what &a names: it would have no end"),
                Arguments.of("a: &a {b: {<<: *a}}\n", "1:16: alias *a stands inside what &a names"),
                Arguments.of(anchors.toString(), "more than 200000 values"),
                Arguments.of(merges.toString(), "more than 200000 values"),
                Arguments.of("- ".repeat(1 << 20), "nested deeper than 64 levels"),
                Arguments.of("? ".repeat(1 << 20), "nested deeper than 64 levels"),
                Arguments.of("a: ".concat("{a: ".repeat(100_000)), "nested deeper than 64 levels"),
                Arguments.of("---\n".repeat(1 << 20), "more than 200000 values"),
                Arguments.of("{\"a\":".repeat(100_000) + "}", "not JSON"));
    }

    private static void isShort(String error) {
        assertThat(error).hasSizeLessThan(2500).doesNotContain("\n").matches("bad\\.yaml:[0-9]+:[0-9]+: [a-z'].*");
    }

    private static byte[] pod(String containers) {
        return ("apiVersion: v1\nkind: Pod\nmetadata: {name: bad}\nspec:\n  containers:\n" + containers)
                .getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> errors(byte[] content) {
        return ManifestDecoder.decode("bad.yaml", content).errors().stream()
                .map(ManifestError::toString)
                .toList();
    }
}
