package dev.gantry.images.registry;

import dev.gantry.images.Credentials;
import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Platform;
import dev.gantry.images.Quoted;
import dev.gantry.images.http.Endpoint;
import dev.gantry.images.http.HttpException;
import dev.gantry.images.http.HttpRequest;
import dev.gantry.images.http.HttpResponse;
import dev.gantry.images.http.HttpTransport;
import dev.gantry.images.oci.ConfigFile;
import dev.gantry.images.oci.Descriptor;
import dev.gantry.images.oci.Document;
import dev.gantry.images.oci.MediaType;
import dev.gantry.images.source.Cancellation;
import dev.gantry.images.source.ImageFetcher;
import dev.gantry.images.source.ImageSource;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Gets images from registries. Costs nothing until the first pull. */
public final class RegistryFetcher implements ImageFetcher {
    private static final Endpoint DOCKER_HUB = new Endpoint(true, "registry-1.docker.io", 443);
    private static final Duration HELPER_DEADLINE = Duration.ofSeconds(10);
    private static final int SMALL = 64 << 10;

    private final RegistrySettings settings;
    private final InstantSource clock;
    private final HostCertificates certificates;
    private final Keyring keyring;
    private final Authenticator.TokenCache tokens = new Authenticator.TokenCache();
    /** What was found out of registries of this machine. */
    private final Map<String, Endpoint> probed = new ConcurrentHashMap<>();

    /** For these settings; {@code clock} is for dates that registries send. */
    public RegistryFetcher(RegistrySettings settings, InstantSource clock) {
        this.settings = settings;
        this.clock = clock;
        this.certificates = new HostCertificates(settings.certificateDirectories());
        this.keyring = new Keyring(
                settings.dockerConfigs(), new CredentialHelper(settings.helperDirectories(), HELPER_DEADLINE));
    }

    @Override
    public ImageSource fetch(
            ImageReference reference,
            Optional<Credentials> credentials,
            Platform platform,
            Known known,
            Cancellation cancellation)
            throws ImageException, InterruptedException {
        HttpTransport transport =
                new HttpTransport(settings.timeouts(), certificates::context, settings.proxies(), cancellation);
        cancellation.onCancel(transport::close);
        try {
            Endpoint endpoint = endpoint(reference.registry(), transport);
            List<Credentials> candidates =
                    credentials.isPresent() ? List.of(credentials.get()) : keyring.candidates(reference);
            ImageException refused = null;
            for (Credentials candidate : candidates) {
                try {
                    Authenticator authenticator =
                            new Authenticator(transport, endpoint, reference.repository(), candidate, tokens);
                    RegistryClient client = new RegistryClient(
                            transport,
                            endpoint,
                            reference.repository(),
                            authenticator,
                            settings.retries(),
                            cancellation,
                            clock);
                    return new Resolution(client, reference, platform, known).resolve();
                } catch (ImageException e) {
                    if (e.code() != Code.UNAUTHORIZED) {
                        throw e;
                    }
                    refused = refused == null ? e : refused;
                }
            }
            throw java.util.Objects.requireNonNull(refused);
        } catch (ImageException e) {
            throw new ImageException(e.code(), "pull " + reference + ": " + e.getMessage(), e);
        }
    }

    // --- where the registry is

    private Endpoint endpoint(String registry, HttpTransport transport) throws ImageException {
        if (registry.equals(ImageReference.DOCKER_HUB)) {
            return DOCKER_HUB;
        }
        Endpoint tls = Endpoint.of(true, registry);
        if (settings.plainHttp().contains(registry)) {
            return Endpoint.of(false, registry);
        }
        try {
            if (!tls.isLoopback() || certificates.directory(tls).isPresent()) {
                return tls;
            }
        } catch (IOException e) {
            throw new ImageException(
                    Code.REGISTRY_ERROR, "look for certificates of registry " + registry + ": " + e.getMessage(), e);
        }
        Endpoint before = probed.get(registry);
        if (before != null) {
            return before;
        }
        Endpoint found = speaksPlainHttp(Endpoint.of(false, registry), transport) ? Endpoint.of(false, registry) : tls;
        probed.put(registry, found);
        return found;
    }

    /** Asked without any secret: a TLS server answers this with 400, with nonsense, or by hanging up. */
    private static boolean speaksPlainHttp(Endpoint endpoint, HttpTransport transport) throws ImageException {
        try (HttpResponse response = transport.send(HttpRequest.get(endpoint, "/v2/"))) {
            response.readStart(SMALL);
            return response.status() != 400;
        } catch (ConnectException e) {
            throw new ImageException(
                    Code.UNAVAILABLE,
                    "registry " + endpoint.authority() + " cannot be reached: " + e.getMessage()
                            + "; check that it runs",
                    e);
        } catch (HttpException | EOFException | SocketException e) {
            return false;
        } catch (IOException e) {
            throw new ImageException(
                    Code.UNAVAILABLE,
                    "registry " + endpoint.authority() + " does not answer in time (" + e.getMessage()
                            + "); check that it works",
                    e);
        }
    }

    // --- from the name to the layers

    /** One image's way from its name to its config. */
    private static final class Resolution {
        private final RegistryClient client;
        private final ImageReference reference;
        private final Platform platform;
        private final Known known;
        private final List<byte[]> documents = new ArrayList<>();

        Resolution(RegistryClient client, ImageReference reference, Platform platform, Known known) {
            this.client = client;
            this.reference = reference;
            this.platform = platform;
            this.known = known;
        }

        ImageSource resolve() throws ImageException, InterruptedException {
            Fetched top = top();
            Document.Manifest manifest = manifest(top, 0);
            byte[] config = blob(manifest.config());
            documents.add(config);
            List<ImageSource.Layer> layers = new ArrayList<>();
            for (Descriptor layer : manifest.layers()) {
                layers.add(new ImageSource.Layer(
                        "pull " + reference + ": layer " + layer.digest(),
                        layer.digest(),
                        layer.size(),
                        () -> new BlobStream(client, layer.digest(), layer.size())));
            }
            return new ImageSource(
                    "pull " + reference,
                    documents,
                    Optional.of(top.digest),
                    manifest.config().digest(),
                    layers,
                    List.of(reference));
        }

        private static final class Fetched {
            private final Digest digest;
            private final byte[] text;
            private final String mediaType;

            Fetched(Digest digest, byte[] text, String mediaType) {
                this.digest = digest;
                this.text = text;
                this.mediaType = mediaType;
            }
        }

        /** What the name stands for now. If that is known already, a HEAD is enough: some registries count GETs. */
        private Fetched top() throws ImageException, InterruptedException {
            Optional<Digest> expected = reference.digest().isPresent() ? reference.digest() : known.target(reference);
            Optional<byte[]> there = expected.flatMap(known::document);
            if (expected.isPresent() && there.isPresent()) {
                HttpRequest head = client.request("HEAD", "manifests/" + reference.target())
                        .with("Accept", MediaType.ACCEPTED_MANIFESTS);
                try (HttpResponse response = client.send(head)) {
                    String digest = response.header("docker-content-digest").orElse("");
                    if (digest.equals(expected.get().toString())
                            || reference.digest().isPresent()) {
                        return new Fetched(expected.get(), there.get(), "");
                    }
                } catch (ImageException e) {
                    if (e.code() == Code.UNAUTHORIZED || e.code() == Code.CANCELLED) {
                        throw e;
                    }
                    // not every registry knows HEAD: the GET decides
                } catch (IOException e) {
                    throw client.failed(head, e);
                }
            }
            return manifest(reference.target(), reference.digest(), "", Document.LARGEST);
        }

        private Fetched manifest(String target, Optional<Digest> digest, String mediaType, int most)
                throws ImageException, InterruptedException {
            HttpRequest get = client.request("GET", "manifests/" + target)
                    .with("Accept", mediaType.isEmpty() ? MediaType.ACCEPTED_MANIFESTS : mediaType);
            try (HttpResponse response = client.send(get)) {
                byte[] text = response.readBody(most);
                Digest found = Digest.of(digest.map(Digest::algorithm).orElse(Digest.SHA256), text);
                if (digest.isPresent() && !found.equals(digest.get())) {
                    throw new ImageException(
                            Code.DIGEST_MISMATCH,
                            "manifest " + digest.get() + ": the registry sent one with the digest " + found
                                    + "; it is damaged there or on the way");
                }
                String type = mediaType.isEmpty()
                        ? MediaType.ofHeader(response.header("content-type").orElse(""))
                        : mediaType;
                return new Fetched(found, text, type);
            } catch (ImageException e) {
                throw e;
            } catch (IOException e) {
                throw client.failed(get, e);
            }
        }

        private Document.Manifest manifest(Fetched fetched, int depth) throws ImageException, InterruptedException {
            Document document = Document.parse(fetched.text, fetched.mediaType, fetched.digest);
            documents.add(fetched.text);
            if (document instanceof Document.Manifest manifest) {
                return manifest;
            }
            Document.Index index = (Document.Index) document;
            if (depth >= Document.DEEPEST_INDEX) {
                throw new ImageException(Code.INVALID_IMAGE, "indexes nested deeper than " + Document.DEEPEST_INDEX);
            }
            List<Descriptor> candidates = index.candidates(platform);
            if (candidates.isEmpty()) {
                throw new ImageException(
                        Code.UNSUPPORTED,
                        "no image for " + platform + " in it; it is for " + Quoted.cut(index.platforms()));
            }
            Descriptor chosen = candidates.get(0);
            Optional<byte[]> there = known.document(chosen.digest());
            if (there.isPresent()) {
                return manifest(new Fetched(chosen.digest(), there.get(), chosen.mediaType()), depth + 1);
            }
            if (chosen.size() > Document.LARGEST) {
                throw new ImageException(
                        Code.INVALID_IMAGE,
                        "manifest " + chosen.digest() + " has " + chosen.size() + " bytes, the limit is "
                                + Document.LARGEST);
            }
            return manifest(
                    manifest(chosen.digest().toString(), Optional.of(chosen.digest()), chosen.mediaType(), (int)
                            chosen.size()),
                    depth + 1);
        }

        private byte[] blob(Descriptor descriptor) throws ImageException, InterruptedException {
            Optional<byte[]> there = known.document(descriptor.digest());
            if (there.isPresent()) {
                return there.get();
            }
            if (descriptor.size() > ConfigFile.LARGEST) {
                throw new ImageException(
                        Code.INVALID_IMAGE,
                        "config " + descriptor.digest() + " has " + descriptor.size() + " bytes, the limit is "
                                + ConfigFile.LARGEST);
            }
            byte[] text;
            try (BlobStream stream = new BlobStream(client, descriptor.digest(), descriptor.size())) {
                text = stream.readNBytes((int) descriptor.size() + 1);
            } catch (ImageException e) {
                throw e;
            } catch (java.io.InterruptedIOException e) {
                throw new InterruptedException();
            } catch (IOException e) {
                throw client.failed(client.request("GET", "blobs/" + descriptor.digest()), e);
            }
            Digest found = Digest.of(descriptor.digest().algorithm(), text);
            if (text.length != descriptor.size() || !found.equals(descriptor.digest())) {
                throw new ImageException(
                        Code.DIGEST_MISMATCH,
                        "config " + descriptor.digest() + ": the registry sent " + text.length
                                + " bytes with the digest " + found);
            }
            return text;
        }
    }
}
