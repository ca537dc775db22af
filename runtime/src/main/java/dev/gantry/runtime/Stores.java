package dev.gantry.runtime;

import dev.gantry.images.ImageException;
import dev.gantry.images.ImageStore;
import dev.gantry.images.registry.RegistrySettings;
import dev.gantry.images.store.ImageStoreSettings;
import dev.gantry.images.store.LocalImageStore;
import dev.gantry.linux.Linux;
import java.time.Clock;

/** Opens the image store that the configuration asks for. */
final class Stores {
    private Stores() {}

    static ImageStore open(NativeRuntimeConfig config, Linux linux) throws ImageException {
        ImageStoreSettings settings = ImageStoreSettings.of(config.root().resolve("images"));
        if (config.images().archives().isPresent()) {
            settings = settings.withArchiveDirectory(config.images().archives().get());
        }
        return LocalImageStore.open(
                settings,
                RegistrySettings.of(System.getenv())
                        .withHostDirectories(config.images().registryConfig()),
                linux.files(),
                Clock.systemUTC());
    }
}
