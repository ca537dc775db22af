package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceFieldSelectorBuilder;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeBuilder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class VolumeContentsTest {
    private static final Pod POD = new PodBuilder()
            .withNewMetadata()
            .withName("web")
            .withNamespace("default")
            .withUid("u1")
            .addToLabels("app", "web")
            .addToLabels("a", "say \"hi\"\n")
            .endMetadata()
            .withNewSpec()
            .withNodeName("node-1")
            .addToContainers(new ContainerBuilder()
                    .withName("app")
                    .withNewResources()
                    .addToLimits("memory", new Quantity("64Mi"))
                    .addToRequests("cpu", new Quantity("250m"))
                    .endResources()
                    .build())
            .endSpec()
            .withNewStatus()
            .withPodIP("10.88.0.2")
            .addNewPodIP("10.88.0.2")
            .addNewPodIP("fd00::2")
            .endStatus()
            .build();

    private final ManifestObjects objects = new ManifestObjects();

    {
        objects.replace(List.of(
                new ConfigMapBuilder()
                        .withNewMetadata()
                        .withNamespace("default")
                        .withName("cfg")
                        .endMetadata()
                        .addToData("a.conf", "x=1")
                        .addToBinaryData("b.bin", "AAEC")
                        .build(),
                new SecretBuilder()
                        .withNewMetadata()
                        .withNamespace("default")
                        .withName("key")
                        .endMetadata()
                        .addToData("token", "czNjcmV0")
                        .build()));
    }

    private final VolumeContents contents = new VolumeContents(POD, objects, Map.of("cpu", new Quantity("2")));

    @Test
    void aConfigMapShowsAllItsKeys() throws VolumeException {
        assertThat(files(new VolumeBuilder()
                        .withName("v")
                        .withNewConfigMap()
                        .withName("cfg")
                        .endConfigMap()
                        .build()))
                .containsExactly(Map.entry("a.conf", "x=1 0644"), Map.entry("b.bin", "\0\1\2 0644"));
    }

    @Test
    void itemsChooseKeysPathsAndModes() throws VolumeException {
        assertThat(files(new VolumeBuilder()
                        .withName("v")
                        .withNewSecret()
                        .withSecretName("key")
                        .withDefaultMode(0400)
                        .addNewItem("token", 0440, "deep/t", null)
                        .endSecret()
                        .build()))
                .containsExactly(Map.entry("deep/t", "s3cret 0440"));
    }

    @Test
    void aMissingObjectIsNamedWithItsRemedy() {
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> contents.of(new VolumeBuilder()
                        .withName("v")
                        .withNewConfigMap()
                        .withName("nope")
                        .endConfigMap()
                        .build()))
                .withMessage("configmap \"nope\" not found in namespace \"default\";"
                        + " put a document of it beside the manifests, or mark it optional");
    }

    @Test
    void aMissingObjectThatIsOptionalIsAnEmptyVolume() throws VolumeException {
        assertThat(files(new VolumeBuilder()
                        .withName("v")
                        .withNewConfigMap()
                        .withName("nope")
                        .withOptional(true)
                        .endConfigMap()
                        .build()))
                .isEmpty();
    }

    @Test
    void aMissingKeyIsNamedBesideThoseThatThereAre() {
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> contents.of(new VolumeBuilder()
                        .withName("v")
                        .withNewConfigMap()
                        .withName("cfg")
                        .addNewItem("c", null, "c", null)
                        .endConfigMap()
                        .build()))
                .withMessage("references non-existent config key: c; configmap \"cfg\" has [a.conf, b.bin]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/abs", "../up", "a/../b", "..data", "", "a/.."})
    void aPathThatLeavesTheVolumeIsRefused(String path) {
        Volume volume = new VolumeBuilder()
                .withName("v")
                .withNewConfigMap()
                .withName("cfg")
                .addNewItem("a.conf", null, path, null)
                .endConfigMap()
                .build();

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> contents.of(volume))
                .withMessageContaining("path of key \"a.conf\" of configmap \"cfg\" '" + path + "' ");
    }

    @Test
    void aProjectedVolumeMergesItsSources() throws VolumeException {
        assertThat(files(new VolumeBuilder()
                        .withName("v")
                        .withNewProjected()
                        .addNewSource()
                        .withNewConfigMap()
                        .withName("cfg")
                        .addNewItem("a.conf", null, "a.conf", null)
                        .endConfigMap()
                        .endSource()
                        .addNewSource()
                        .withNewDownwardAPI()
                        .addNewItem()
                        .withPath("labels")
                        .withNewFieldRef(null, "metadata.labels")
                        .endItem()
                        .endDownwardAPI()
                        .endSource()
                        .endProjected()
                        .build()))
                .containsExactly(
                        Map.entry("a.conf", "x=1 0644"),
                        Map.entry("labels", "a=\"say \\\"hi\\\"\\n\"\napp=\"web\" 0644"));
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "metadata.name, web",
        "metadata.namespace, default",
        "metadata.uid, u1",
        "metadata.labels['app'], web",
        "metadata.labels['none'], ''",
        "spec.nodeName, node-1",
        "status.podIP, 10.88.0.2",
        "status.podIPs, '10.88.0.2,fd00::2'",
        "status.hostIP, ''",
    })
    void fieldsOfThePod(String path, String expected) throws VolumeException {
        assertThat(PodFields.field(POD, path)).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0} in {1} is {2}")
    @CsvSource({
        "limits.memory, 1, 67108864",
        "limits.memory, 1Mi, 64",
        "limits.memory, 1Gi, 1",
        "requests.cpu, 1, 1",
        "requests.cpu, 1m, 250",
        "limits.cpu, 1, 2",
        "requests.memory, 1, 0",
    })
    void resourcesRoundUpToTheDivisor(String resource, String divisor, String expected) throws VolumeException {
        var selector = new ResourceFieldSelectorBuilder()
                .withContainerName("app")
                .withResource(resource)
                .withDivisor(new Quantity(divisor))
                .build();

        assertThat(PodFields.resource(POD, null, selector, Map.of("cpu", new Quantity("2"))))
                .isEqualTo(expected);
    }

    @Test
    void aSecretsDataIsNotShownByItsPayload() throws VolumeException {
        assertThat(contents.of(new VolumeBuilder()
                                .withName("v")
                                .withNewSecret()
                                .withSecretName("key")
                                .endSecret()
                                .build())
                        .map(List::toString))
                .hasValue("[token (6 bytes, mode 0644)]");
    }

    private Map<String, String> files(Volume volume) throws VolumeException {
        Map<String, String> shown = new TreeMap<>();
        for (FilePayload file : contents.of(volume).orElseThrow()) {
            shown.put(file.path(), "%s %04o".formatted(new String(file.data(), StandardCharsets.UTF_8), file.mode()));
        }
        return shown;
    }
}
