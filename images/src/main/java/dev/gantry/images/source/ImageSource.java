package dev.gantry.images.source;

import dev.gantry.images.Digest;
import dev.gantry.images.ImageReference;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One image, wherever it comes from, as the store takes it in.
 *
 * @param what names the source in errors
 * @param documents index, manifest and config as they are, to be kept by their digests
 * @param target digest of the index or manifest that the name stands for; empty for an image that has no manifest
 * @param config digest of its config, which is among {@code documents}
 * @param names what it is to be called
 */
public record ImageSource(
        String what,
        List<byte[]> documents,
        Optional<Digest> target,
        Digest config,
        List<Layer> layers,
        List<ImageReference> names) {
    public ImageSource {
        documents = List.copyOf(documents);
        layers = List.copyOf(layers);
        names = List.copyOf(names);
    }

    /**
     * One layer's bytes.
     *
     * @param digest of the bytes; null if nobody has said
     * @param size of the bytes; -1 if nobody has said
     */
    public record Layer(String what, @Nullable Digest digest, long size, Opener opener) {}

    /** Opens the bytes from their start. */
    @FunctionalInterface
    public interface Opener {
        InputStream open() throws IOException;
    }
}
