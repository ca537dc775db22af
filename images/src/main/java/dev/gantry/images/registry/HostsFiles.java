package dev.gantry.images.registry;

import dev.gantry.images.ImageException;
import dev.gantry.images.ImageException.Code;
import dev.gantry.images.http.Endpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Finds the file that says which hosts have a registry's images: {@code host_port_/hosts.toml}, {@code host:port/hosts.toml} or
 * {@code host/hosts.toml} in one of the directories, else {@code _default/hosts.toml}. Looked for anew for each pull.
 */
final class HostsFiles {
    private static final String NAME = "hosts.toml";

    private final List<Path> directories;
    private final HostCertificates certificates;

    HostsFiles(List<Path> directories, HostCertificates certificates) {
        this.directories = directories;
        this.certificates = certificates;
    }

    /** The hosts to ask for this registry's images, in this order; at least one. */
    List<RegistryHost> of(String registry) throws ImageException {
        Optional<Path> file = find(registry);
        return file.isPresent() ? HostsFile.read(file.get(), registry) : List.of(RegistryHost.named(registry));
    }

    private Optional<Path> find(String registry) throws ImageException {
        int colon = registry.lastIndexOf(':');
        boolean hasPort = colon > registry.lastIndexOf(']');
        List<String> names = hasPort
                ? List.of(registry.substring(0, colon) + "_" + registry.substring(colon + 1) + "_", registry)
                : List.of(registry);
        for (Path directory : directories) {
            for (String name : names) {
                Path file = directory.resolve(name).resolve(NAME);
                if (Files.exists(file)) {
                    return Optional.of(file);
                }
            }
        }
        if (hasCertificates(registry)) {
            return Optional
                    .empty(); // a directory of its own, if only of docker's kind: the default is for those without
        }
        return directories.stream()
                .map(directory -> directory.resolve("_default").resolve(NAME))
                .filter(Files::exists)
                .findFirst();
    }

    private boolean hasCertificates(String registry) throws ImageException {
        try {
            return certificates.directory(Endpoint.of(true, registry)).isPresent();
        } catch (IOException e) {
            throw new ImageException(
                    Code.REGISTRY_ERROR, "look for certificates of registry " + registry + ": " + e.getMessage(), e);
        }
    }
}
