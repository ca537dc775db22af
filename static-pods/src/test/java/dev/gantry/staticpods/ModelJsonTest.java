package dev.gantry.staticpods;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.Pod;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ModelJsonTest {
    private static final String MANIFEST = """
            apiVersion: v1
            kind: Pod
            metadata:
              name: web
              labels: {app: web}
              annotations: {note: "zwei\\n\\"Zeilen\\""}
            spec:
              hostNetwork: false
              terminationGracePeriodSeconds: 5
              volumes:
              - {name: scratch, emptyDir: {}}
              containers:
              - name: main
                image: busybox
                ports: [{containerPort: 80}]
                livenessProbe: {httpGet: {port: http}, periodSeconds: 3}
                readinessProbe: {tcpSocket: {port: 80}}
                resources: {limits: {memory: 64Mi, cpu: 1500m}}
                volumeMounts: [{name: scratch, mountPath: /tmp}]
            """;

    @Test
    void whatIsWrittenIsReadBackTheSame() {
        Pod pod = decode(MANIFEST);

        assertThat(decode(ModelJson.write(pod))).isEqualTo(pod);
    }

    @Test
    void jacksonReadsTheSame() throws Exception {
        Pod pod = decode(MANIFEST);

        assertThat(new ObjectMapper().readValue(ModelJson.write(pod), Pod.class))
                .isEqualTo(pod);
    }

    private static Pod decode(String text) {
        DecodedManifest manifest = ManifestDecoder.decode("web.yaml", text.getBytes(StandardCharsets.UTF_8));
        assertThat(manifest.errors()).isEmpty();
        return manifest.pods().get(0).pod();
    }
}
