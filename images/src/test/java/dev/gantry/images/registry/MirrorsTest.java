package dev.gantry.images.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.gantry.images.Credentials;
import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Platform;
import dev.gantry.images.source.Cancellation;
import dev.gantry.images.source.ImageFetcher;
import dev.gantry.images.source.ImageSource;
import dev.gantry.testing.OciImages;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class MirrorsTest {
    private static final Platform PLATFORM = Platform.parse("linux/" + OciImages.architecture());
    private static final String MANIFEST = "/v2/a/b/manifests/1";

    @TempDir
    Path directory;

    private final FakeRegistry registry;
    private final FakeRegistry mirror;
    private final OciImages.Image image;
    private final Cancellation cancellation = new Cancellation();

    MirrorsTest() throws IOException {
        byte[] random = new byte[400_000];
        new Random(4).nextBytes(random);
        registry = new FakeRegistry();
        mirror = new FakeRegistry();
        image = OciImages.image("a/b:1").file("/random", random, 0644);
    }

    @BeforeEach
    void push() {
        registry.push(image, "a/b", "1");
        mirror.push(image, "a/b", "1");
    }

    @AfterEach
    void stop() {
        cancellation.cancel();
        registry.close();
        mirror.close();
    }

    private void hosts(String text) throws IOException {
        hosts(registry.authority(), text);
    }

    private void hosts(String name, String text) throws IOException {
        Path host = Files.createDirectories(directory.resolve("certs.d").resolve(name));
        Files.writeString(
                host.resolve("hosts.toml"),
                text.replace("MIRROR", mirror.authority()).replace("REGISTRY", registry.authority()));
    }

    private ImageSource fetch(String rest, Credentials... credentials) throws ImageException, InterruptedException {
        RegistrySettings settings = RegistrySettings.of(Map.of())
                .withHostDirectories(List.of(directory.resolve("none"), directory.resolve("certs.d")))
                .withDockerConfigs(List.of(directory.resolve("config.json")))
                .withRetries(new RetryPolicy(3, Duration.ofMillis(1), Duration.ofSeconds(5)));
        ImageFetcher.Known nothing = new ImageFetcher.Known() {
            @Override
            public Optional<Digest> target(ImageReference reference) {
                return Optional.empty();
            }

            @Override
            public Optional<byte[]> document(Digest digest) {
                return Optional.empty();
            }
        };
        return new RegistryFetcher(settings, InstantSource.system())
                .fetch(
                        ImageReference.parse(registry.authority() + "/" + rest),
                        credentials.length == 0 ? Optional.empty() : Optional.of(credentials[0]),
                        PLATFORM,
                        nothing,
                        cancellation);
    }

    private static byte[] layer(ImageSource source) throws IOException {
        try (InputStream in = source.layers().get(0).opener().open()) {
            return in.readAllBytes();
        }
    }

    private byte[] blob() {
        return image.layers().get(0);
    }

    private String blobPath() {
        return "/v2/a/b/blobs/" + OciImages.digest(blob());
    }

    private String configPath() {
        return "/v2/a/b/blobs/" + OciImages.digest(image.config());
    }

    private String ns() {
        return "?ns=" + registry.authority();
    }

    @Test
    void aMirrorThatHasAllIsAskedAloneAndToldWhoseImagesTheyAre() throws Exception {
        hosts("server = 'http://REGISTRY'\n[host.'http://MIRROR']");

        ImageSource source = fetch("a/b:1");

        assertThat(layer(source)).isEqualTo(blob());
        assertThat(source.names()).containsExactly(ImageReference.parse(registry.authority() + "/a/b:1"));
        assertThat(mirror.requests())
                .containsExactly("GET " + MANIFEST + ns(), "GET " + configPath() + ns(), "GET " + blobPath() + ns());
        assertThat(registry.requests()).isEmpty();
    }

    @Test
    void whatAMirrorLacksTheRegistryHas() throws Exception {
        hosts("server = 'http://REGISTRY'\n[host.'http://MIRROR']");
        mirror.always("/manifests/", FakeRegistry.status(404));
        mirror.always(OciImages.digest(blob()), FakeRegistry.status(404));

        assertThat(layer(fetch("a/b:1"))).isEqualTo(blob());
        assertThat(registry.requests()).containsExactly("GET " + MANIFEST, "GET " + blobPath());
    }

    @Test
    void aMirrorThatIsOutOfOrderIsAskedOnceInAPull() throws Exception {
        hosts("server = 'http://REGISTRY'\n[host.'http://MIRROR']");
        mirror.always("/v2/", FakeRegistry.status(503));

        assertThat(layer(fetch("a/b:1"))).isEqualTo(blob());
        assertThat(mirror.requests()).containsExactly("GET " + MANIFEST + ns());
    }

    @Test
    void aMirrorWithoutTheCapabilityDoesNotSayWhatATagStandsFor() throws Exception {
        hosts("server = 'http://REGISTRY'\n[host.'http://MIRROR']\ncapabilities = ['pull']");

        assertThat(layer(fetch("a/b:1"))).isEqualTo(blob());
        assertThat(registry.requests()).containsExactly("GET " + MANIFEST);
        assertThat(mirror.requests()).containsExactly("GET " + configPath() + ns(), "GET " + blobPath() + ns());
    }

    @Test
    void aDigestMayBeAskedOfAMirrorWithoutTheCapability() throws Exception {
        hosts("server = 'http://REGISTRY'\n[host.'http://MIRROR']\ncapabilities = ['pull']");

        fetch("a/b@" + OciImages.digest(image.manifest()));

        assertThat(registry.requests()).isEmpty();
    }

    @Test
    void aMirrorThatSendsAnotherManifestThanItsDigestIsPassedBy() throws Exception {
        hosts("server = 'http://REGISTRY'\n[host.'http://MIRROR']");
        mirror.always("/manifests/", FakeRegistry.body("{}".getBytes(StandardCharsets.UTF_8)));

        assertThat(fetch("a/b@" + OciImages.digest(image.manifest())).config()).hasToString(image.id());
        assertThat(fetch("a/b:1").config()).hasToString(image.id());
    }

    @Test
    void theNextHostGoesOnWhereAMirrorCutsTheLine() throws Exception {
        hosts("server = 'http://REGISTRY'\n[host.'http://MIRROR']");
        mirror.fault(blobPath(), mirror.partOf(blob(), 100_000, false));

        assertThat(layer(fetch("a/b:1"))).isEqualTo(blob());
        assertThat(registry.requests()).hasSize(1);
        assertThat(registry.requests().get(0)).matches("GET " + blobPath() + " bytes=[1-9][0-9]*-");
    }

    @Test
    void whenAllFailEachSaysWhy() throws Exception {
        int closed;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = free.getLocalPort();
        }
        hosts("server = 'http://REGISTRY'\n[host.'http://127.0.0.1:" + closed + "']\n[host.'http://MIRROR']");

        ImageException failure = catchThrowableOfType(ImageException.class, () -> fetch("a/b:none"));

        assertThat(failure.code()).isEqualTo(Code.NOT_FOUND);
        assertThat(failure)
                .hasMessageStartingWith("pull " + registry.authority() + "/a/b:none: GET http://127.0.0.1:" + closed
                        + "/v2/a/b/manifests/none: mirror 127.0.0.1:" + closed + " cannot be reached: ")
                .hasMessageContaining("; mirror " + mirror.authority() + " answered 404 to GET http://")
                .hasMessageContaining("; registry " + registry.authority() + " answered 404 to GET http://");
    }

    @Test
    void theServerMayBeAnotherHostAndTheOnlyOne() throws Exception {
        hosts("server = 'http://MIRROR/proxy'\noverride_path = true");
        mirror.always("/proxy/", FakeRegistry.body(image.manifest()));

        ImageException failure = catchThrowableOfType(ImageException.class, () -> fetch("a/b:1"));

        assertThat(mirror.requests()).contains("GET /proxy/a/b/manifests/1" + ns());
        assertThat(failure.code()).isEqualTo(Code.DIGEST_MISMATCH); // of the config, which is a manifest here
        assertThat(registry.requests()).isEmpty();
    }

    @Test
    void theDefaultIsForRegistriesWithoutAFile() throws Exception {
        hosts("_default", "[host.'http://MIRROR']");

        fetch("a/b:1");

        assertThat(mirror.requests()).isNotEmpty();
        assertThat(registry.requests()).isEmpty();
        hosts(registry.authority().replace(":", "_") + "_", "server = 'http://REGISTRY'");
        fetch("a/b:1");
        assertThat(registry.requests()).isNotEmpty();
    }

    @Test
    void aPullsCredentialsAreForTheRegistryAndTheNodesForTheNameTheyAreKeptUnder() throws Exception {
        hosts("server = 'http://REGISTRY'\n[host.'http://MIRROR']");
        FakeRegistry.Fault wantsPassword =
                exchange -> exchange.getRequestHeaders().containsKey("Authorization")
                        ? false
                        : FakeRegistry.status(401, "WWW-Authenticate", "Basic realm=\"x\"")
                                .handle(exchange);
        mirror.always("/v2/", wantsPassword);
        registry.always("/v2/", wantsPassword);

        assertThat(layer(fetch("a/b:1", Credentials.password("u", "p")))).isEqualTo(blob());
        assertThat(mirror.requests()).containsExactly("GET " + MANIFEST + ns());
        assertThat(registry.requests()).contains("GET " + MANIFEST + " +auth");

        Files.writeString(
                directory.resolve("config.json"),
                "{\"auths\":{\"" + mirror.authority() + "\":{\"username\":\"m\",\"password\":\"p\"}}}");
        int before = registry.requests().size();
        assertThat(layer(fetch("a/b:1"))).isEqualTo(blob());
        assertThat(mirror.requests()).contains("GET " + MANIFEST + ns() + " +auth");
        assertThat(registry.requests()).hasSize(before);
    }

    @Test
    void headersGoToTheirHostOnly() throws Exception {
        hosts("server = 'http://REGISTRY'\n[host.'http://MIRROR'.header]\nx-key = 'k'\nauthorization = 'Basic dTpw'");
        StringBuilder seen = new StringBuilder();
        mirror.always("/v2/", exchange -> {
            seen.append(exchange.getRequestHeaders().getFirst("X-key"));
            return false;
        });
        registry.always("/v2/", exchange -> {
            assertThat(exchange.getRequestHeaders()).doesNotContainKeys("X-key", "Authorization");
            return false;
        });
        mirror.fault(blobPath(), FakeRegistry.status(307, "Location", "http://" + registry.authority() + blobPath()));

        assertThat(layer(fetch("a/b:1"))).isEqualTo(blob());
        assertThat(seen.toString()).isEqualTo("kk");
        assertThat(mirror.requests()).contains("GET " + MANIFEST + ns() + " +auth");
        assertThat(registry.requests()).containsExactly("GET " + blobPath());
    }

    @Test
    void aFileWithAMistakeFailsThePullAndIsNamed() throws Exception {
        hosts("server = http");

        assertThat(catchThrowableOfType(ImageException.class, () -> fetch("a/b:1")))
                .hasMessageStartingWith("pull " + registry.authority() + "/a/b:1: "
                        + directory.resolve("certs.d/" + registry.authority() + "/hosts.toml")
                        + ": line 1: no TOML: ");
        assertThat(registry.requests()).isEmpty();
    }

    @Test
    void nobodyWhoMayResolveIsAnErrorThatNamesTheFile() throws Exception {
        hosts("server = 'http://REGISTRY'\ncapabilities = ['pull']");

        assertThat(catchThrowableOfType(ImageException.class, () -> fetch("a/b:1")))
                .hasMessageContaining("no host of registry " + registry.authority()
                        + " has the capability \"resolve\" in " + directory.resolve("certs.d"));
    }
}
