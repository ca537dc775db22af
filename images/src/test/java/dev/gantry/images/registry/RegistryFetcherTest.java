package dev.gantry.images.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.gantry.images.Credentials;
import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Platform;
import dev.gantry.images.http.HttpTimeouts;
import dev.gantry.images.source.Cancellation;
import dev.gantry.images.source.ImageFetcher;
import dev.gantry.images.source.ImageSource;
import dev.gantry.testing.OciImages;
import java.io.IOException;
import java.io.InputStream;
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
class RegistryFetcherTest {
    private static final Platform PLATFORM = Platform.parse("linux/" + OciImages.architecture());
    private static final ImageFetcher.Known NOTHING = new ImageFetcher.Known() {
        @Override
        public Optional<Digest> target(ImageReference reference) {
            return Optional.empty();
        }

        @Override
        public Optional<byte[]> document(Digest digest) {
            return Optional.empty();
        }
    };
    private static final HttpTimeouts PATIENT =
            new HttpTimeouts(Duration.ofSeconds(20), Duration.ofSeconds(20), Duration.ofSeconds(20));
    private static final HttpTimeouts HASTY =
            new HttpTimeouts(Duration.ofSeconds(20), Duration.ofMillis(700), Duration.ofMillis(700));

    @TempDir
    Path directory;

    private FakeRegistry registry;
    private final byte[] random = new byte[400_000];
    private OciImages.Image image;
    private final Cancellation cancellation = new Cancellation();
    private HttpTimeouts timeouts = PATIENT;

    RegistryFetcherTest() throws IOException {
        new Random(3).nextBytes(random);
        registry = new FakeRegistry();
        image = OciImages.image("a/b:1").file("/random", random, 0644);
    }

    @BeforeEach
    void push() {
        registry.push(image, "a/b", "1");
    }

    @AfterEach
    void stop() {
        cancellation.cancel();
        registry.close();
    }

    private RegistrySettings settings() {
        return RegistrySettings.of(Map.of())
                .withHostDirectories(List.of())
                .withDockerConfigs(List.of(directory.resolve("config.json")))
                .withHelperDirectories(List.of(directory))
                .withTimeouts(timeouts)
                .withRetries(new RetryPolicy(3, Duration.ofMillis(1), Duration.ofSeconds(5)));
    }

    private ImageReference reference(String rest) {
        return ImageReference.parse(registry.authority() + "/" + rest);
    }

    private ImageSource fetch(Credentials... credentials) throws ImageException, InterruptedException {
        return fetch(reference("a/b:1"), NOTHING, credentials);
    }

    private ImageSource fetch(ImageReference reference, ImageFetcher.Known known, Credentials... credentials)
            throws ImageException, InterruptedException {
        return new RegistryFetcher(settings(), InstantSource.system())
                .fetch(
                        reference,
                        credentials.length == 0 ? Optional.empty() : Optional.of(credentials[0]),
                        PLATFORM,
                        known,
                        cancellation);
    }

    private ImageException failure(Credentials... credentials) {
        return catchThrowableOfType(ImageException.class, () -> fetch(credentials));
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
        return "/blobs/" + OciImages.digest(blob());
    }

    // --- the good case

    @Test
    void anImageIsResolvedAndItsLayersCanBeRead() throws Exception {
        ImageSource source = fetch();

        assertThat(source.config()).hasToString(image.id());
        assertThat(source.target()).hasToString("Optional[" + OciImages.digest(image.manifest()) + "]");
        assertThat(source.names()).containsExactly(reference("a/b:1"));
        assertThat(layer(source)).isEqualTo(blob());
    }

    @Test
    void theEntryForThisMachineIsTakenFromAnIndex() throws Exception {
        OciImages.Image other = OciImages.image("x").platform("linux", "s390x").file("/x", "");
        registry.push(other, "a/b", "other");
        byte[] index = ("{\"schemaVersion\":2,\"manifests\":[" + entry(other, "s390x") + ","
                        + entry(image, OciImages.architecture()) + "]}")
                .getBytes(StandardCharsets.UTF_8);
        registry.manifest("a/b", "multi", index, OciImages.INDEX);

        ImageSource source = fetch(reference("a/b:multi"), NOTHING);

        assertThat(source.config()).hasToString(image.id());
        assertThat(source.target()).contains(Digest.of(index));
    }

    private static String entry(OciImages.Image image, String architecture) {
        return OciImages.descriptor(OciImages.MANIFEST, image.manifest()).replaceFirst("}$", "")
                + ",\"platform\":{\"os\":\"linux\",\"architecture\":\"" + architecture + "\"}}";
    }

    @Test
    void anImageForOtherMachinesSaysForWhich() {
        byte[] index = ("{\"schemaVersion\":2,\"manifests\":[" + entry(image, "s390x") + "]}")
                .getBytes(StandardCharsets.UTF_8);
        registry.manifest("a/b", "multi", index, OciImages.INDEX);

        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> fetch(reference("a/b:multi"), NOTHING))
                .withMessageContaining("it is for linux/s390x")
                .satisfies(e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED));
    }

    @Test
    void aKnownImageCostsOneHead() throws Exception {
        byte[] manifest = image.manifest();
        byte[] config = image.config();
        ImageFetcher.Known known = new ImageFetcher.Known() {
            @Override
            public Optional<Digest> target(ImageReference reference) {
                return Optional.of(Digest.of(manifest));
            }

            @Override
            public Optional<byte[]> document(Digest digest) {
                return List.of(manifest, config).stream()
                        .filter(text -> Digest.of(text).equals(digest))
                        .findFirst();
            }
        };

        fetch(reference("a/b:1"), known);

        assertThat(registry.requests()).containsExactly("GET /v2/", "HEAD /v2/a/b/manifests/1");
    }

    // --- authentication

    private void wantBasic() {
        registry.always("/v2/a/", exchange -> {
            String header = exchange.getRequestHeaders().getFirst("Authorization");
            if ("Basic dTpw".equals(header)) {
                return false;
            }
            return FakeRegistry.status(401, "WWW-Authenticate", "Basic realm=\"x\"")
                    .handle(exchange);
        });
    }

    @Test
    void basicCredentialsAreSentWhenAskedFor() throws Exception {
        wantBasic();

        assertThat(layer(fetch(Credentials.password("u", "p")))).isEqualTo(blob());
        assertThat(registry.requests())
                .startsWith("GET /v2/", "GET /v2/a/b/manifests/1", "GET /v2/a/b/manifests/1 +auth");
    }

    @Test
    void wrongCredentialsAndNoneAreToldApart() {
        wantBasic();

        assertThat(failure(Credentials.password("u", "wrong")).code()).isEqualTo(Code.UNAUTHORIZED);
        assertThat(failure(Credentials.password("u", "wrong")))
                .hasMessageContaining("these credentials have no access");
        assertThat(failure()).hasMessageContaining("wants credentials");
    }

    @Test
    void credentialsOfTheConfigurationAreTriedInOrder() throws Exception {
        wantBasic();
        Files.writeString(
                directory.resolve("config.json"),
                "{\"auths\":{\"" + registry.authority() + "/a/b\":{\"username\":\"u\",\"password\":\"old\"},\""
                        + registry.authority() + "\":{\"auth\":\"dTpw\"}}}");

        assertThat(fetch().config()).hasToString(image.id());
    }

    @Test
    void aCredentialHelperIsAsked() throws Exception {
        wantBasic();
        helper("#!/bin/sh\nread server\n[ \"$1 $server\" = \"get " + registry.authority()
                + "\" ] && echo '{\"ServerURL\":\"x\",\"Username\":\"u\",\"Secret\":\"p\"}'\n");

        assertThat(fetch().config()).hasToString(image.id());
    }

    @Test
    void aHelperThatFailsIsNamedWithoutItsOutput() throws Exception {
        helper("#!/bin/sh\necho s3cret\nexit 3\n");

        assertThat(failure())
                .hasMessageContaining("docker-credential-test get for " + registry.authority() + ": exit code 3")
                .hasMessageNotContaining("s3cret");
    }

    private void helper(String script) throws IOException {
        Path program = Files.writeString(directory.resolve("docker-credential-test"), script);
        assertThat(program.toFile().setExecutable(true)).isTrue();
        Files.writeString(
                directory.resolve("config.json"), "{\"credHelpers\":{\"" + registry.authority() + "\":\"test\"}}");
    }

    @Test
    void aBearerTokenIsFetchedOnceAndRenewedWhenRefused() throws Exception {
        registry.always("/v2/a/", exchange -> {
            String header = exchange.getRequestHeaders().getFirst("Authorization");
            if (header != null && header.startsWith("Bearer good")) {
                return false;
            }
            return FakeRegistry.status(
                            401,
                            "WWW-Authenticate",
                            "Bearer realm=\"http://" + registry.authority()
                                    + "/token?x=1\",service=\"s v\",scope=\"repository:a/b:pull\"")
                    .handle(exchange);
        });
        registry.fault("/token", FakeRegistry.body("{\"token\":\"stale\"}".getBytes(StandardCharsets.UTF_8)));
        registry.always(
                "/token",
                FakeRegistry.body("{\"access_token\":\"good\",\"expires_in\":300}".getBytes(StandardCharsets.UTF_8)));

        assertThat(layer(fetch(Credentials.password("u", "p")))).isEqualTo(blob());

        assertThat(registry.requests().stream().filter(r -> r.contains("/token")))
                .hasSize(2)
                .allMatch(r -> r.equals("GET /token?x=1&service=s+v&scope=repository%3Aa%2Fb%3Apull +auth"));
    }

    @Test
    void anIdentityTokenIsExchangedByPost() throws Exception {
        registry.fault(
                "/manifests/",
                FakeRegistry.status(
                        401, "WWW-Authenticate", "Bearer realm=\"http://" + registry.authority() + "/token\""));
        registry.fault("/token", FakeRegistry.body("{\"access_token\":\"t\"}".getBytes(StandardCharsets.UTF_8)));

        fetch(Credentials.identityToken("refresh"));

        assertThat(registry.requests()).contains("POST /token", "GET /v2/a/b/manifests/1 +auth");
    }

    @Test
    void aTokenServiceElsewhereWithoutTlsGetsNothing() {
        registry.fault(
                "/manifests/",
                FakeRegistry.status(401, "WWW-Authenticate", "Bearer realm=\"http://evil.example/token\""));

        assertThat(failure(Credentials.password("u", "p")))
                .hasMessageContaining("token service without TLS: 'http://evil.example/token'");
    }

    @Test
    void aRedirectedBlobGetsNoCredentials() throws Exception {
        wantBasic();
        try (FakeRegistry elsewhere = new FakeRegistry()) {
            elsewhere.push(image, "a/b", "1");
            registry.fault(
                    blobPath(),
                    FakeRegistry.status(
                            307, "Location", "http://" + elsewhere.authority() + "/v2/x" + blobPath() + "?s=1"));
            elsewhere.fault("?s=1", FakeRegistry.body(blob()));

            assertThat(layer(fetch(Credentials.password("u", "p")))).isEqualTo(blob());

            assertThat(elsewhere.requests()).containsExactly("GET /v2/x" + blobPath() + "?s=1");
        }
    }

    @Test
    void redirectsInCirclesEnd() throws Exception {
        registry.always(
                "/blobs/",
                exchange -> FakeRegistry.status(
                                302, "Location", exchange.getRequestURI().toString())
                        .handle(exchange));

        assertThat(failure()).hasMessageContaining("more than 5 redirects");
    }

    // --- trouble

    @Test
    void passingTroubleIsRetried() throws Exception {
        registry.fault("/manifests/", FakeRegistry.status(500))
                .fault("/manifests/", FakeRegistry.status(429, "Retry-After", "0"))
                .fault("/blobs/", FakeRegistry.status(503))
                .fault("/blobs/", exchange -> {
                    throw new IOException("hangs up");
                });

        assertThat(layer(fetch())).isEqualTo(blob());
    }

    @Test
    void lastingTroubleIsReportedWithTheHostAndTheStatus() {
        registry.always("/manifests/", FakeRegistry.status(500));

        assertThat(failure())
                .hasMessage(
                        "pull %s/a/b:1: registry %s answered 500 to GET http://%s/v2/a/b/manifests/1",
                        registry.authority(), registry.authority(), registry.authority());
        assertThat(registry.requests().stream().filter(r -> r.contains("manifests")))
                .hasSize(3);
    }

    @Test
    void aRegistryThatAsksForMorePatienceThanThereIsIsNotAskedAgain() {
        registry.always("/manifests/", FakeRegistry.status(429, "Retry-After", "3600"));

        assertThat(failure()).hasMessageContaining("it asks for patience, 3600 s");
        assertThat(failure().code()).isEqualTo(Code.TOO_MANY_REQUESTS);
    }

    @Test
    void aMissingTagIsNotFoundAtOnce() throws Exception {
        ImageException e = catchThrowableOfType(ImageException.class, () -> fetch(reference("a/b:2"), NOTHING));

        assertThat(e.code()).isEqualTo(Code.NOT_FOUND);
        assertThat(registry.requests()).containsExactly("GET /v2/", "GET /v2/a/b/manifests/2");
    }

    @Test
    void theRegistrysOwnWordsAreShownWithoutControlCharacters() {
        registry.fault("/manifests/", exchange -> {
            byte[] body =
                    "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\\nway\"}]}".getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(403, body.length);
            exchange.getResponseBody().write(body);
            return true;
        });

        assertThat(failure()).hasMessageContaining("(DENIED: no?way)");
    }

    @Test
    void aHungRegistryIsAnErrorWithADeadline() {
        timeouts = HASTY;
        registry.always("/manifests/", registry.hang());

        ImageException e = failure();

        assertThat(e.code()).isEqualTo(Code.UNAVAILABLE);
        assertThat(e.criReason()).contains("RegistryUnavailable");
        assertThat(e).hasMessageContaining("registry " + registry.authority() + " does not answer in time");
    }

    @Test
    void nobodyThereIsUnavailable() {
        registry.close();

        assertThat(failure().code()).isEqualTo(Code.UNAVAILABLE);
        assertThat(failure()).hasMessageContaining("cannot be reached").hasMessageContaining("check that it runs");
    }

    @Test
    void aCutLineIsTakenUpWhereItBroke() throws Exception {
        registry.fault(blobPath(), registry.partOf(blob(), 100_000, false));

        assertThat(layer(fetch())).isEqualTo(blob());

        assertThat(registry.requests()).last().asString().startsWith("GET /v2/a/b" + blobPath() + " bytes=");
    }

    @Test
    void aSilentLineIsTakenUpToo() throws Exception {
        timeouts = HASTY;
        registry.fault(blobPath(), registry.partOf(blob(), 100_000, true));

        assertThat(layer(fetch())).isEqualTo(blob());
    }

    @Test
    void aRegistryWithoutRangesSendsItAllAgain() throws Exception {
        registry.fault(blobPath(), registry.partOf(blob(), 100_000, false))
                .fault(blobPath(), FakeRegistry.body(blob()));

        assertThat(layer(fetch())).isEqualTo(blob());
    }

    @Test
    void aRangeThatWasNotAskedForIsRefused() throws Exception {
        registry.fault(blobPath(), registry.partOf(blob(), 100_000, false)).fault(blobPath(), exchange -> {
            exchange.getResponseHeaders().add("Content-Range", "bytes 0-9/10");
            exchange.sendResponseHeaders(206, 10);
            exchange.getResponseBody().write(new byte[10]);
            return true;
        });
        ImageSource source = fetch();

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> layer(source))
                .withMessageContaining("sends 'bytes 0-9/10'");
    }

    @Test
    void aLineThatIsAlwaysCutIsGivenUp() throws Exception {
        registry.always(blobPath(), registry.partOf(blob(), 0, false));
        ImageSource source = fetch();

        assertThatExceptionOfType(ImageException.class)
                .isThrownBy(() -> layer(source))
                .withMessageContaining("after 0 of " + blob().length + " bytes");
    }

    @Test
    void aManifestOfAnotherDigestIsRefused() {
        registry.fault("/manifests/", FakeRegistry.body("{}".getBytes(StandardCharsets.UTF_8)));
        ImageReference byDigest = reference("a/b@" + OciImages.digest(image.manifest()));

        ImageException e = catchThrowableOfType(ImageException.class, () -> fetch(byDigest, NOTHING));

        assertThat(e.code()).isEqualTo(Code.DIGEST_MISMATCH);
    }

    @Test
    void aConfigOfAnotherDigestIsRefused() {
        byte[] config = image.config();
        config[5] ^= 1;
        registry.fault("/blobs/", FakeRegistry.body(config));

        assertThat(failure().code()).isEqualTo(Code.DIGEST_MISMATCH);
    }

    @Test
    void anEndlessManifestIsCutOff() {
        registry.always("/manifests/", exchange -> {
            exchange.sendResponseHeaders(200, 0);
            byte[] piece = new byte[1 << 20];
            for (int i = 0; i < 64; i++) {
                exchange.getResponseBody().write(piece);
            }
            return true;
        });

        assertThat(failure()).hasMessageContaining("longer than 4194304 bytes");
    }

    @Test
    void cancellingEndsAHungTransfer() throws Exception {
        registry.always("/manifests/", exchange -> {
            cancellation.cancel();
            return registry.hang().handle(exchange);
        });

        assertThat(failure().code()).isEqualTo(Code.CANCELLED);
    }
}
