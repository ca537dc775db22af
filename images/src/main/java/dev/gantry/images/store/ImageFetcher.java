package dev.gantry.images.store;

import dev.gantry.images.Credentials;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Platform;
import dev.gantry.images.archive.ImageSource;
import dev.gantry.images.registry.Cancellation;
import java.util.Optional;

/** Finds an image out there: asks for its manifest and config, and knows how to get its layers. */
public interface ImageFetcher {
    /**
     * Resolves the name.
     *
     * @param credentials empty: those of the node's configuration
     */
    ImageSource fetch(
            ImageReference reference, Optional<Credentials> credentials, Platform platform, Cancellation cancellation)
            throws ImageException, InterruptedException;
}
