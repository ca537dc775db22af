package dev.gantry.agent.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.gantry.probes.ProbeAction;
import dev.gantry.probes.ProbeKind;
import dev.gantry.probes.ProbeSpec;
import dev.gantry.staticpods.DecodedManifest;
import dev.gantry.staticpods.ManifestDecoder;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProbeSpecsTest {
    private static Pod pod(String annotation, String container) {
        DecodedManifest manifest = ManifestDecoder.decode(
                "pod.yaml", """
                apiVersion: v1
                kind: Pod
                metadata: {name: web%s}
                spec:
                  containers:
                  - {name: main, image: busybox, ports: [{name: http, containerPort: 8080}], %s}
                """.formatted(annotation, container).getBytes(StandardCharsets.UTF_8));
        assertThat(manifest.errors()).isEmpty();
        return manifest.pods().get(0).pod();
    }

    private static ProbeSpec spec(Pod pod, ProbeKind kind) {
        Container container = pod.getSpec().getContainers().get(0);
        return ProbeSpecs.spec(
                container,
                kind,
                java.util.Objects.requireNonNull(ProbeSpecs.probe(container, kind)),
                ProbeTimings.of(pod),
                "c1",
                "10.0.0.5");
    }

    @Test
    void everyFieldArrives() {
        ProbeSpec spec = spec(pod("", """
                        livenessProbe: {httpGet: {scheme: HTTPS, host: other.test, port: 8443, path: /live?x=1,
                        httpHeaders: [{name: Host, value: virtual.test}, {name: X-Empty}]},
                        initialDelaySeconds: 3, periodSeconds: 5, timeoutSeconds: 2, failureThreshold: 7}"""), ProbeKind.LIVENESS);

        assertThat(spec)
                .isEqualTo(new ProbeSpec(
                        new ProbeAction.HttpGet(
                                true,
                                "other.test",
                                8443,
                                "/live?x=1",
                                List.of(Map.entry("Host", "virtual.test"), Map.entry("X-Empty", ""))),
                        Duration.ofSeconds(3),
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(2),
                        1,
                        7));
    }

    @Test
    void whatIsNotSaidIsTheApisDefault() {
        assertThat(spec(pod("", "readinessProbe: {tcpSocket: {port: 80}, successThreshold: 2}"), ProbeKind.READINESS))
                .isEqualTo(new ProbeSpec(
                        new ProbeAction.TcpSocket("10.0.0.5", 80),
                        Duration.ZERO,
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(1),
                        2,
                        3));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            exec: {command: [cat, /x]}                | Exec[containerId=c1, command=[cat, /x]]
            tcpSocket: {port: http}                   | TcpSocket[host=10.0.0.5, port=8080]
            tcpSocket: {port: 5432, host: 127.0.0.1}  | TcpSocket[host=127.0.0.1, port=5432]
            grpc: {port: 9000}                        | Grpc[host=10.0.0.5, port=9000, service=]
            grpc: {port: 9000, service: db}           | Grpc[host=10.0.0.5, port=9000, service=db]
            httpGet: {port: http}                     | HttpGet[tls=false, host=10.0.0.5, port=8080, path=/, headers=[], anyStatus=false]
            """)
    void actions(String probe, String action) {
        for (ProbeKind kind : ProbeKind.values()) {
            String field = kind.title().toLowerCase(java.util.Locale.ROOT) + "Probe";
            assertThat(spec(pod("", "%s: {%s}".formatted(field, probe)), kind).action())
                    .hasToString(action);
        }
    }

    /** As a container's own command, but for values that come from elsewhere, which are empty. */
    @Test
    void aCommandHasTheVariablesOfTheContainersEnv() {
        Pod pod = pod("", """
                        env: [{name: FILE, value: /tmp/$(X)}, {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}],
                        livenessProbe: {exec: {command: [test, -e, $(FILE), $$(FILE), $(NODE), $(NONE), $$HOME]}}""");

        assertThat(spec(pod, ProbeKind.LIVENESS).action())
                .isEqualTo(new ProbeAction.Exec(
                        "c1", List.of("test", "-e", "/tmp/$(X)", "$(FILE)", "", "$(NONE)", "$HOME")));
    }

    @Test
    void aPortThatTheContainerDoesNotNameCannotBeTried() {
        Pod pod = pod("", "startupProbe: {httpGet: {port: admin}}");

        assertThatIllegalArgumentException()
                .isThrownBy(() -> spec(pod, ProbeKind.STARTUP))
                .withMessage("couldn't find port \"admin\" among the ports of container main");
    }

    @Test
    void millisecondsOfTheAnnotationGoFirst() {
        Pod pod = pod(
                ", annotations: {gantry.dev/probe-timings: '{\"main\": {\"liveness\":"
                        + " {\"initialDelayMilliseconds\": 5, \"periodMilliseconds\": 10, \"timeoutMilliseconds\": 1}}}'}",
                "livenessProbe: {tcpSocket: {port: 1}, initialDelaySeconds: 9},"
                        + " readinessProbe: {tcpSocket: {port: 1}, initialDelaySeconds: 9}");

        assertThat(ProbeTimings.check(pod)).isEmpty();
        ProbeSpec liveness = spec(pod, ProbeKind.LIVENESS);
        assertThat(List.of(liveness.initialDelay(), liveness.period(), liveness.timeout()))
                .containsExactly(Duration.ofMillis(5), Duration.ofMillis(10), Duration.ofMillis(1));
        assertThat(spec(pod, ProbeKind.READINESS).initialDelay()).isEqualTo(Duration.ofSeconds(9));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            [                                            | must be a JSON object
            []                                           | must be a JSON object
            {"main": 1}                                  | must be a JSON object
            {"main": {"alive": {}}}                      | must be liveness, readiness or startup
            {"main": {"startup": {"period": 1}}}         | must be initialDelayMilliseconds, periodMilliseconds or timeoutMilliseconds
            {"main": {"startup": {"periodMilliseconds": 9}}}   | must be a whole number from 10 to 3600000
            {"main": {"startup": {"timeoutMilliseconds": 0}}}  | must be a whole number from 1 to 3600000
            {"main": {"startup": {"periodMilliseconds": "x"}}} | must be a whole number from 10 to 3600000
            """)
    void anAnnotationThatIsWrongIsRefusedWithItsPlace(String annotation, String message) {
        Pod pod = pod(", annotations: {gantry.dev/probe-timings: '" + annotation + "'}", "tty: true");

        assertThat(ProbeTimings.check(pod)).singleElement().satisfies(error -> {
            assertThat(error.field()).startsWith("metadata.annotations[gantry.dev/probe-timings]");
            assertThat(error.message()).contains(message);
        });
    }
}
