package dev.gantry.images.layer;

import dev.gantry.images.StoreUsage;
import java.util.List;

/**
 * What unpacking found.
 *
 * @param implicitDirectories directories that entries lie in, but that have no entry of their own, parents first; the empty
 *     path is the root. They are to look as in the layers below.
 * @param usage space taken, files rounded up to blocks of 4096 bytes
 */
public record UnpackedLayer(List<String> implicitDirectories, StoreUsage usage) {
    public UnpackedLayer {
        implicitDirectories = List.copyOf(implicitDirectories);
    }
}
