package dev.gantry.images.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.github.luben.zstd.Zstd;
import dev.gantry.images.Credentials;
import dev.gantry.images.Image;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Platform;
import dev.gantry.images.registry.RegistrySettings;
import dev.gantry.linux.Linux;
import dev.gantry.testing.OciImages;
import dev.gantry.testing.RequiresRoot;
import dev.gantry.testing.RequiresTool;
import dev.gantry.testing.TarWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against the registry that Debian ships. */
@RequiresRoot
@RequiresTool("docker-registry")
class RegistryIT {
    @TempDir
    Path directory;

    private OciImages.Image image() {
        byte[] random = new byte[3_000_000];
        new Random(5).nextBytes(random);
        byte[] zstd = new TarWriter().add(TarWriter.file("zstd", random)).finish();
        return OciImages.image("x")
                .file("/gzip", random, 0644)
                .layer(zstd, Zstd.compress(zstd), OciImages.LAYER + "+zstd")
                .uncompressed()
                .file("/plain", "plain");
    }

    private LocalImageStore open(RegistrySettings registries) throws ImageException {
        return LocalImageStore.open(
                ImageStoreSettings.of(directory.resolve("store")),
                registries,
                Linux.system().files(),
                InstantSource.system());
    }

    private static RegistrySettings settings() {
        return RegistrySettings.of(Map.of()).withDockerConfigs(List.of()).withHostDirectories(List.of());
    }

    @Test
    void anImageIsPulledOverPlainHttpFromLoopback() throws Exception {
        try (DockerRegistry registry = DockerRegistry.plain(directory);
                LocalImageStore store = open(settings())) {
            registry.push(image(), "team/app", "1");
            ImageReference reference = ImageReference.parse(registry.authority() + "/team/app:1");

            Image image = store.pull(reference).await();

            assertThat(image.repoTags()).containsExactly(reference.toString());
            assertThat(image.repoDigests())
                    .containsExactly(reference.name() + "@" + OciImages.digest(image().manifest()));
            assertThat(image.layers()).hasSize(3);
            assertThat(store.prepare("c", image).readFile("/plain", 10)).isPresent();
            assertThat(store.prepare("c", image).readFile("/zstd", 3_000_000)).isPresent();
            assertThat(store.pull(ImageReference.parse(image.repoDigests().get(0)))
                            .await())
                    .extracting(Image::id)
                    .isEqualTo(image.id());
        }
    }

    @Test
    @RequiresTool({"openssl", "htpasswd"})
    void anImageIsPulledOverTlsWithAnAuthorityOfItsOwnAndAPassword() throws Exception {
        try (DockerRegistry registry = DockerRegistry.withPassword(directory)) {
            registry.push(image(), "private", "1");
            ImageReference reference = ImageReference.parse(registry.authority() + "/private:1");
            Credentials right = Credentials.password(DockerRegistry.USER, DockerRegistry.PASSWORD);
            Path certificates =
                    Files.createDirectories(directory.resolve("certs.d").resolve(registry.authority()));

            try (LocalImageStore store = open(settings())) {
                assertThatExceptionOfType(ImageException.class)
                        .isThrownBy(() ->
                                store.pull(reference, right, Platform.host()).await())
                        .withMessageContaining("put its authority into /etc/gantry/certs.d/" + registry.authority());
            }
            Files.copy(directory.resolve("cert.pem"), certificates.resolve("ca.crt"));
            try (LocalImageStore store = open(settings().withHostDirectories(List.of(directory.resolve("certs.d"))))) {
                assertThatExceptionOfType(ImageException.class)
                        .isThrownBy(() -> store.pull(reference).await())
                        .satisfies(e -> assertThat(e.code()).isEqualTo(Code.UNAUTHORIZED));
                assertThat(store.pull(reference, right, Platform.host()).await().layers())
                        .hasSize(3);
            }
        }
    }

    @Test
    @RequiresTool({"openssl", "htpasswd"})
    void aMirrorWithAnAuthorityOfItsOwnStandsInForARegistryThatIsAway() throws Exception {
        try (DockerRegistry mirror = DockerRegistry.withPassword(directory)) {
            mirror.push(image(), "team/app", "1");
            Path host = Files.createDirectories(directory.resolve("certs.d/away.invalid"));
            Path config = Files.writeString(
                    directory.resolve("config.json"),
                    "{\"auths\":{\"" + mirror.authority() + "\":{\"username\":\"" + DockerRegistry.USER
                            + "\",\"password\":\"" + DockerRegistry.PASSWORD + "\"}}}");
            ImageReference reference = ImageReference.parse("away.invalid/team/app:1");
            String section = "[host.\"https://" + mirror.authority() + "\"]\n";
            RegistrySettings settings = settings()
                    .withHostDirectories(List.of(directory.resolve("certs.d")))
                    .withDockerConfigs(List.of(config));

            try (LocalImageStore store = open(settings)) {
                Files.writeString(host.resolve("hosts.toml"), section);
                assertThatExceptionOfType(ImageException.class)
                        .isThrownBy(() -> store.pull(reference).await())
                        .withMessageContaining(
                                "mirror " + mirror.authority() + " shows a certificate that is not trusted here")
                        .withMessageContaining("name its authority as ca in " + host.resolve("hosts.toml"))
                        .withMessageContaining("the name 'away.invalid' cannot be resolved");

                Files.copy(directory.resolve("cert.pem"), host.resolve("mirror.pem"));
                Files.writeString(host.resolve("hosts.toml"), section + "ca = \"mirror.pem\"\n");
                Image image = store.pull(reference).await();
                assertThat(image.repoTags()).containsExactly("away.invalid/team/app:1");
                assertThat(store.remove("away.invalid/team/app:1")).isTrue();

                Files.writeString(host.resolve("hosts.toml"), section + "skip_verify = true\n");
                assertThat(store.pull(reference).await().layers()).hasSize(3);
            }
        }
    }
}
