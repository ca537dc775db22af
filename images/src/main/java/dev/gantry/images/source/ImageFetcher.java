package dev.gantry.images.source;

import dev.gantry.images.Credentials;
import dev.gantry.images.Digest;
import dev.gantry.images.ImageException;
import dev.gantry.images.ImageReference;
import dev.gantry.images.Platform;
import java.util.Optional;

/** Finds an image out there: asks for its manifest and config, and knows how to get its layers. */
public interface ImageFetcher {
    /** What need not be asked for, because it is here; content is as its digest says. */
    interface Known {
        /** The manifest or index that the name stood for last. */
        Optional<Digest> target(ImageReference reference);

        Optional<byte[]> document(Digest digest);
    }

    /**
     * Resolves the name. Blocks; an interrupt or the cancellation ends it.
     *
     * @param credentials empty: those of the node's configuration
     */
    ImageSource fetch(
            ImageReference reference,
            Optional<Credentials> credentials,
            Platform platform,
            Known known,
            Cancellation cancellation)
            throws ImageException, InterruptedException;
}
