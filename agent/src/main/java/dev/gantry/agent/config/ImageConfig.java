package dev.gantry.agent.config;

import dev.gantry.images.registry.RegistrySettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where the built-in runtime gets images from.
 *
 * @param archives directory of archives that is asked before any registry
 * @param registryConfig directories of {@code NAME/hosts.toml} and certificates, the first that has a name wins
 */
public record ImageConfig(Optional<Path> archives, List<Path> registryConfig) {
    private static final String ARCHIVES = "imageArchives";
    private static final String REGISTRY_CONFIG = "imageRegistryConfig";

    public ImageConfig {
        registryConfig = List.copyOf(registryConfig);
    }

    static ImageConfig read(Settings settings, NodePaths paths) {
        List<Path> directories = new ArrayList<>();
        for (String directory : settings.list(REGISTRY_CONFIG)) {
            if (!directory.startsWith("/")) {
                String origin = settings.origin(REGISTRY_CONFIG);
                settings.error(
                        origin,
                        origin.startsWith("--") ? "" : REGISTRY_CONFIG,
                        "expected absolute paths, found '" + directory + "'");
            } else {
                directories.add(Path.of(directory));
            }
        }
        if (settings.get(REGISTRY_CONFIG).isEmpty()) {
            if (!paths.isSystem()) {
                directories.add(paths.root().resolve("certs.d"));
            }
            directories.addAll(RegistrySettings.HOST_DIRECTORIES);
        } else if (settings.get("containerRuntimeEndpoint").isPresent()) {
            settings.ignored(
                    REGISTRY_CONFIG,
                    REGISTRY_CONFIG
                            + ", since the runtime of containerRuntimeEndpoint pulls images by its own configuration");
        }
        return new ImageConfig(settings.get(ARCHIVES).map(Path::of).or(ImageConfig::ownArchives), directories);
    }

    /** The images that come with this installation; its launcher says where that is. */
    private static Optional<Path> ownArchives() {
        return Optional.ofNullable(System.getProperty("gantry.home"))
                .map(home -> Path.of(home, "share", "images"))
                .filter(Files::isDirectory);
    }
}
