package dev.gantry.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FieldDescriptionsTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"value": "x"}                                                        | x
            {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}           | ' (v1:metadata.name)'
            {"valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}       | ' (limits.cpu)'
            {"valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}         | "<set to the key 'k' of config map 'c'>  Optional: false"
            {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": true}}} | "<set to the key 'k' in secret 's'>  Optional: true"
            """, quoteCharacter = '\0')
    void variables(String variable, String text) throws IOException {
        String wanted = text.startsWith("'") || text.startsWith("\"") ? text.substring(1, text.length() - 1) : text;

        assertThat(FieldDescriptions.variable(Json.parse(variable))).isEqualTo(wanted);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"name": "v", "configMap": {"name": "c"}}            | {Type=ConfigMap (a volume populated by a ConfigMap), Name=c, Optional=false}
            {"name": "v", "secret": {"secretName": "s", "optional": true}} | {Type=Secret (a volume populated by a Secret), SecretName=s, Optional=true}
            {"name": "v", "emptyDir": {}}                        | {Type=EmptyDir (a temporary directory that shares a pod's lifetime), Medium=, SizeLimit=<unset>}
            {"name": "v", "hostPath": {"path": "/x", "type": "Directory"}} | {Type=HostPath (bare host directory volume), Path=/x, HostPathType=Directory}
            {"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "c"}}]}} | {Type=Projected (a volume that contains injected data from multiple sources), ConfigMapName=c, SecretName=s, DownwardAPI=false}
            """, quoteCharacter = '\0')
    void volumes(String volume, String lines) throws IOException {
        assertThat(FieldDescriptions.volume(Json.parse(volume))).hasToString(lines);
    }
}
