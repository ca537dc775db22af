package dev.gantry.runtime;

import dev.gantry.images.registry.RegistrySettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Where images come from.
 *
 * @param archives a directory of OCI or Docker archives that is asked before any registry
 * @param registryConfig directories of {@code NAME/hosts.toml} and certificates of registries
 */
public record ImageChoice(Optional<Path> archives, List<Path> registryConfig) {
    /** Registries, with the mirrors and certificates of the machine's usual directories. */
    public static final ImageChoice REGISTRIES = new ImageChoice(Optional.empty(), RegistrySettings.HOST_DIRECTORIES);

    public ImageChoice {
        registryConfig = List.copyOf(registryConfig);
    }
}
