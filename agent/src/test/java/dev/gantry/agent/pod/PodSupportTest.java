package dev.gantry.agent.pod;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.staticpods.FieldError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is not honoured is refused by its field, and nothing else is. */
class PodSupportTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            httpGet: {port: 1, protocol: h2c}      | httpGet.protocol
            grpc: {port: 1, mode: x}               | grpc.mode
            """)
    void fieldsOfLaterVersionsInProbes(String probe, String field) {
        for (String kind : new String[] {"livenessProbe", "readinessProbe", "startupProbe"}) {
            assertThat(PodSupport.unsupported(EngineFixture.pod("""
                            apiVersion: v1
                            kind: Pod
                            metadata: {name: web}
                            spec:
                              containers:
                              - {name: main, image: busybox, %s: {%s}}
                            """.formatted(kind, probe))))
                    .extracting(FieldError::field)
                    .containsExactly("spec.containers[0]." + kind + "." + field);
        }
    }

    @Test
    void fieldsOfLaterVersionsElsewhere() {
        assertThat(PodSupport.unsupported(EngineFixture.pod("""
                        apiVersion: v1
                        kind: Pod
                        metadata: {name: web}
                        spec:
                          initContainers:
                          - name: first
                            image: busybox
                            volumeMounts: [{name: a, mountPath: /a, bindMountOptions: [noexec]}]
                          containers:
                          - name: main
                            image: busybox
                            lifecycle: {preStop: {httpGet: {port: 1, protocol: h2c}}}
                          volumes:
                          - {name: a, configMap: {name: c, items: [{key: k, path: p, user: 5}]}}
                          - {name: b, projected: {sources: [{secret: {name: s, items: [{key: k, path: p, user: 5}]}}]}}
                        """)))
                .extracting(FieldError::field)
                .as("owners and options of mounts work here")
                .containsExactly("spec.containers[0].lifecycle.preStop.httpGet.protocol");
    }
}
