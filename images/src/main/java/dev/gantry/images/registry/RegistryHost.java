package dev.gantry.images.registry;

import dev.gantry.images.ImageReference;
import dev.gantry.images.http.Endpoint;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One host that is asked for a registry's images: the registry itself, or a mirror of it.
 *
 * @param registry as images' names have it, e.g. {@code docker.io}
 * @param role whether it is the registry or a mirror
 * @param endpoint empty: where the registry's name leads
 * @param path what comes before a repository in requests: {@code /v2}, or what {@code override_path} says
 * @param capabilities what it is trusted with
 * @param headers to send with each request to it, and to it only
 * @param dialTimeout for one address to accept; empty: as for all hosts
 * @param proxy instead of the environment's; an {@code http://} URL
 * @param file that says all this; empty: nobody does
 */
record RegistryHost(
        String registry,
        Role role,
        Optional<Endpoint> endpoint,
        String path,
        Set<Capability> capabilities,
        Trust trust,
        Map<String, String> headers,
        Optional<Duration> dialTimeout,
        Optional<URI> proxy,
        Optional<Path> file) {
    static final String API = "/v2";
    static final Set<Capability> ALL = Set.of(Capability.RESOLVE, Capability.PULL);

    /** What a host is to the registry. */
    enum Role {
        /** It is the registry: gets the credentials that come with a pull. */
        SERVER,
        /** Gets credentials that the node has for its own name only. */
        MIRROR
    }

    /** What a host is trusted with. */
    enum Capability {
        /** To say which digest a tag stands for. */
        RESOLVE,
        /** To send what a digest was given for. */
        PULL
    }

    /**
     * Whom to trust beside the machine's own authorities.
     *
     * @param authorities files of certificates
     * @param clients what to show the host
     * @param skipVerify whether any certificate is taken from the host
     */
    record Trust(List<Path> authorities, List<Client> clients, boolean skipVerify) {
        static final Trust NONE = new Trust(List.of(), List.of(), false);

        Trust {
            authorities = List.copyOf(authorities);
            clients = List.copyOf(clients);
        }
    }

    /** A certificate and its key, perhaps in one file. */
    record Client(Path certificate, Path key) {}

    RegistryHost {
        capabilities = Set.copyOf(capabilities);
        headers = Map.copyOf(headers);
    }

    /** The registry by its name, of which nobody says anything. */
    static RegistryHost named(String registry) {
        return new RegistryHost(
                registry,
                Role.SERVER,
                Optional.empty(),
                API,
                ALL,
                Trust.NONE,
                Map.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** The query by which a host under another name is told whose images are asked for; empty for the registry itself. */
    String query() {
        boolean itself = endpoint.isEmpty()
                || endpoint.get().authority().equals(registry)
                || endpoint.get().hostAndPort().equals(registry)
                || (registry.equals(ImageReference.DOCKER_HUB) && endpoint.get().equals(RegistryFetcher.DOCKER_HUB));
        return itself ? "" : "?ns=" + registry;
    }

    /** {@code mirror} or {@code registry}, for messages. */
    String word() {
        return role == Role.MIRROR ? "mirror" : "registry";
    }
}
