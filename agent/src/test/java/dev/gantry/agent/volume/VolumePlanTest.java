package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.Mount;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VolumePlanTest {
    private static final Pod POD = new PodBuilder()
            .withNewMetadata()
            .withUid("uid-1")
            .endMetadata()
            .withNewSpec()
            .addNewVolume()
            .withName("config")
            .withNewConfigMap()
            .withName("none")
            .endConfigMap()
            .endVolume()
            .addNewVolume()
            .withName("host")
            .withNewHostPath("/srv", "")
            .endVolume()
            .addNewVolume()
            .withName("tools")
            .withNewImage("Never", "tools:1")
            .endVolume()
            .addNewContainer()
            .withName("main")
            .addNewVolumeMount()
            .withName("config")
            .withMountPath("/config")
            .endVolumeMount()
            .addNewVolumeMount()
            .withName("host")
            .withMountPath("/host")
            .withSubPathExpr("$(DIR)")
            .endVolumeMount()
            .addNewVolumeMount()
            .withName("tools")
            .withMountPath("/tools")
            .withSubPath("bin")
            .endVolumeMount()
            .endContainer()
            .endSpec()
            .build();

    @Test
    void mountsAreToldAndNothingIsMade(@TempDir Path pods) throws VolumeException {
        assertThat(VolumePlan.mounts(pods, POD, POD.getSpec().getContainers().get(0), Map.of("DIR", "a")))
                .extracting(Mount::getHostPath, mount -> mount.getImage().getImage(), Mount::getImageSubPath)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(
                                pods.resolve("uid-1/volumes/kubernetes.io~configmap/config")
                                        .toString(),
                                "",
                                ""),
                        org.assertj.core.groups.Tuple.tuple(
                                pods.resolve("uid-1/volume-subpaths/host/main/1")
                                        .toString(),
                                "",
                                ""),
                        org.assertj.core.groups.Tuple.tuple("", "tools:1", "bin"));
        assertThat(Files.exists(pods.resolve("uid-1"))).isFalse();
    }

    @Test
    void aMissingVariableIsAnErrorHereToo() {
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> VolumePlan.mounts(
                        Path.of("/pods"), POD, POD.getSpec().getContainers().get(0), Map.of()))
                .withMessageStartingWith("missing value for \"DIR\"");
    }
}
