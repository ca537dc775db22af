package dev.gantry.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gantry.cri.v1.AuthConfig;
import dev.gantry.images.ImageReference;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageServerTest {
    @ParameterizedTest(name = "{0} for {1}: {2}")
    @CsvSource({
        "'', busybox, true",
        "https://index.docker.io/v1/, busybox, true",
        "docker.io, busybox, true",
        "https://notdocker.io, busybox, false",
        "registry.example:5000, registry.example:5000/a, true",
        "https://registry.example:5000/v2/, registry.example:5000/a, true",
        "registry.example, registry.example:5000/a, false",
        "https://index.docker.io/v1/, registry.example:5000/a, false",
        "::::, busybox, false",
    })
    void credentialsAreForTheirRegistryOnly(String address, String image, boolean matches) {
        AuthConfig auth = AuthConfig.newBuilder().setServerAddress(address).build();

        assertThat(ImageServer.matches(auth, ImageReference.parse(image))).isEqualTo(matches);
    }
}
