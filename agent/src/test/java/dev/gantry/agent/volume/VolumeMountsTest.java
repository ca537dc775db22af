package dev.gantry.agent.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.gantry.cri.v1.Mount;
import dev.gantry.cri.v1.MountPropagation;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VolumeMountsTest {
    private static final Map<String, String> ENVIRONMENT =
            Map.of("POD", "web-1", "UP", "..", "ROOT", "/etc", "NONE", "");

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
        "logs/$(POD), logs/web-1",
        "$(POD)$(POD), web-1web-1",
        "$$(POD), $(POD)",
        "a$b, a$b",
        "$(POD, $(POD",
        "$(NONE), ''",
    })
    void subPathExprTakesTheEnvironment(String expression, String expected) throws VolumeException {
        assertThat(VolumeMounts.subPath(expression(expression), ENVIRONMENT)).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "a/$(UP)/b | unable to provision SubPath `a/../b`: must not contain '..'",
                "$(ROOT)   | error SubPath `/etc` must not be an absolute path",
                "$(OTHER)  | missing value for \"OTHER\" in subPathExpr of volumeMount \"data\"; it takes the container's env",
            })
    void whatTheEnvironmentMakesOfItIsCheckedAgain(String expression, String message) {
        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> VolumeMounts.subPath(expression(expression), ENVIRONMENT))
                .withMessage(message);
    }

    @Test
    void whatTheAgentWritesIsReadOnly() throws VolumeException {
        Mount mount = VolumeMounts.of(expression(""), MountSource.ofPods("/v").asReadOnly(), "", false);

        assertThat(mount.getReadonly()).isTrue();
        assertThat(mount.getSelinuxRelabel()).isTrue();
        assertThat(mount.getHostPath()).isEqualTo("/v");
        assertThat(mount.getContainerPath()).isEqualTo("/data");
        assertThat(mount.getPropagation()).isEqualTo(MountPropagation.PROPAGATION_PRIVATE);
    }

    @Test
    void anImageIsMountedByTheRuntime() throws VolumeException {
        Mount mount = VolumeMounts.of(expression(""), MountSource.image("sha256:1", "tools:1"), "bin", false);

        assertThat(mount.getImage().getImage()).isEqualTo("sha256:1");
        assertThat(mount.getImage().getUserSpecifiedImage()).isEqualTo("tools:1");
        assertThat(mount.getImageSubPath()).isEqualTo("bin");
        assertThat(mount.getHostPath()).isEmpty();
        assertThat(mount.getReadonly()).isTrue();
    }

    @ParameterizedTest(name = "{0}, the runtime can: {1}")
    @CsvSource({"Enabled, true, true", "IfPossible, true, true", "IfPossible, false, false", "Disabled, true, false"})
    void recursiveReadOnly(String mode, boolean can, boolean expected) throws VolumeException {
        VolumeMount mount = new VolumeMountBuilder(expression(""))
                .withReadOnly(true)
                .withRecursiveReadOnly(mode)
                .build();

        assertThat(VolumeMounts.of(mount, MountSource.ofHost("/v"), "", can).getRecursiveReadOnly())
                .isEqualTo(expected);
    }

    @Test
    void whatTheRuntimeCannotDoIsAnError() {
        VolumeMount mount = new VolumeMountBuilder(expression(""))
                .withReadOnly(true)
                .withRecursiveReadOnly("Enabled")
                .build();

        assertThatExceptionOfType(VolumeException.class)
                .isThrownBy(() -> VolumeMounts.of(mount, MountSource.ofHost("/v"), "", false))
                .withMessage(
                        "volume \"data\" requested recursive read-only mode, but it is not supported by the runtime");
    }

    private static VolumeMount expression(String expression) {
        return new VolumeMountBuilder()
                .withName("data")
                .withMountPath("data")
                .withSubPathExpr(expression)
                .build();
    }
}
