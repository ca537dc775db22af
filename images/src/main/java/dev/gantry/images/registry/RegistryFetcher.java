package dev.gantry.images.registry;

import dev.gantry.images.Credentials;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Platform;
import dev.gantry.images.http.Endpoint;
import dev.gantry.images.http.HttpException;
import dev.gantry.images.http.HttpRequest;
import dev.gantry.images.http.HttpResponse;
import dev.gantry.images.http.HttpTimeouts;
import dev.gantry.images.http.HttpTransport;
import dev.gantry.images.http.ProxySettings;
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
    static final Endpoint DOCKER_HUB = new Endpoint(true, "registry-1.docker.io", 443);
    private static final Duration HELPER_DEADLINE = Duration.ofSeconds(10);
    private static final int SMALL = 64 << 10;

    private final RegistrySettings settings;
    private final InstantSource clock;
    private final HostCertificates certificates;
    private final HostsFiles hostsFiles;
    private final Keyring keyring;
    private final Authenticator.TokenCache tokens = new Authenticator.TokenCache();
    /** What was found out of registries of this machine. */
    private final Map<String, Endpoint> probed = new ConcurrentHashMap<>();

    /** For these settings; {@code clock} is for dates that registries send. */
    public RegistryFetcher(RegistrySettings settings, InstantSource clock) {
        this.settings = settings;
        this.clock = clock;
        this.certificates = new HostCertificates(settings.hostDirectories());
        this.hostsFiles = new HostsFiles(settings.hostDirectories(), certificates);
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
        try {
            List<HostLink> links = new ArrayList<>();
            List<RegistryHost> hosts = hostsFiles.of(reference.registry());
            for (RegistryHost host : hosts) {
                boolean last = links.size() == hosts.size() - 1;
                Pulling pulling = new Pulling(reference, credentials, cancellation, last);
                links.add(new HostLink(host, () -> open(host, pulling)));
            }
            return new Resolution(new HostChain(reference.registry(), links), reference, platform, known).resolve();
        } catch (ImageException e) {
            throw new ImageException(e.code(), "pull " + reference + ": " + e.getMessage(), e);
        }
    }

    /**
     * What is pulled.
     *
     * @param last whether nobody else can be asked after this host: then it is worth trying it again
     */
    private record Pulling(
            ImageReference reference, Optional<Credentials> credentials, Cancellation cancellation, boolean last) {}

    private List<RegistryClient> open(RegistryHost host, Pulling pulling) throws ImageException, InterruptedException {
        HttpTimeouts timeouts =
                host.dialTimeout().map(settings.timeouts()::withConnect).orElse(settings.timeouts());
        ProxySettings proxies = host.proxy()
                .map(proxy -> new ProxySettings(Optional.of(proxy), List.of()))
                .orElse(settings.proxies());
        String itself =
                host.endpoint().orElseGet(() -> overTls(host.registry())).host();
        HttpTransport transport = new HttpTransport(
                timeouts,
                endpoint -> certificates.context(
                        endpoint, host.trust(), endpoint.host().equals(itself)),
                proxies,
                pulling.cancellation());
        pulling.cancellation().onCancel(transport::close);
        Endpoint endpoint = host.endpoint().isPresent() ? host.endpoint().get() : endpoint(host.registry(), transport);
        ImageReference reference = pulling.reference();
        List<RegistryClient> clients = new ArrayList<>();
        for (Credentials candidate : candidates(host, endpoint, pulling)) {
            clients.add(new RegistryClient(
                    transport,
                    host,
                    endpoint,
                    reference.repository(),
                    new Authenticator(transport, endpoint, reference.repository(), candidate, tokens),
                    pulling.last() ? settings.retries() : settings.retries().once(),
                    pulling.cancellation(),
                    clock));
        }
        return clients;
    }

    /** A registry's secrets are for the registry: a mirror gets what the node has for the mirror's own name. */
    private List<Credentials> candidates(RegistryHost host, Endpoint endpoint, Pulling pulling)
            throws ImageException, InterruptedException {
        ImageReference reference = pulling.reference();
        if (host.role() == RegistryHost.Role.SERVER) {
            return pulling.credentials().isPresent()
                    ? List.of(pulling.credentials().get())
                    : keyring.candidates(reference);
        }
        try {
            return keyring.candidates(new ImageReference(
                    endpoint.authority(), reference.repository(), reference.tag(), reference.digest()));
        } catch (IllegalArgumentException e) {
            return List.of(Credentials.anonymous()); // a name longer than an image may have
        }
    }

    // --- where the registry is

    private static Endpoint overTls(String registry) {
        return registry.equals(ImageReference.DOCKER_HUB) ? DOCKER_HUB : Endpoint.of(true, registry);
    }

    private Endpoint endpoint(String registry, HttpTransport transport) throws ImageException {
        Endpoint tls = overTls(registry);
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
}
