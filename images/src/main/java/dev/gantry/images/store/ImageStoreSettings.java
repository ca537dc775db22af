package dev.gantry.images.store;

import dev.gantry.images.Platform;
import dev.gantry.images.layer.LayerLimits;
import dev.gantry.images.layer.OverlayFlavour;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a store is and how it works.
 *
 * @param root directory of the store, made if it is missing
 * @param archiveDirectory archives in it are asked for an image before any registry is
 * @param platform what images are to be for
 * @param parallelLayers layers on their way at once, 1 to 64; over all pulls
 * @param parallelPulls images on their way at once, 1 to 64; more wait
 */
public record ImageStoreSettings(
        Path root,
        Optional<Path> archiveDirectory,
        Platform platform,
        OverlayFlavour flavour,
        LayerLimits limits,
        int parallelLayers,
        int parallelPulls) {
    public ImageStoreSettings {
        if (parallelLayers < 1 || parallelLayers > 64 || parallelPulls < 1 || parallelPulls > 64) {
            throw new IllegalArgumentException(
                    "parallelLayers and parallelPulls are 1 to 64: " + parallelLayers + ", " + parallelPulls);
        }
        root = root.toAbsolutePath().normalize();
    }

    /** For root on this machine. */
    public static ImageStoreSettings of(Path root) {
        return new ImageStoreSettings(
                root, Optional.empty(), Platform.host(), OverlayFlavour.PRIVILEGED, LayerLimits.DEFAULTS, 4, 8);
    }

    public ImageStoreSettings withArchiveDirectory(Path directory) {
        return new ImageStoreSettings(
                root, Optional.of(directory), platform, flavour, limits, parallelLayers, parallelPulls);
    }

    public ImageStoreSettings withLimits(LayerLimits other) {
        return new ImageStoreSettings(root, archiveDirectory, platform, flavour, other, parallelLayers, parallelPulls);
    }

    public ImageStoreSettings withFlavour(OverlayFlavour other) {
        return new ImageStoreSettings(root, archiveDirectory, platform, other, limits, parallelLayers, parallelPulls);
    }

    public ImageStoreSettings withParallel(int layers, int pulls) {
        return new ImageStoreSettings(root, archiveDirectory, platform, flavour, limits, layers, pulls);
    }
}
