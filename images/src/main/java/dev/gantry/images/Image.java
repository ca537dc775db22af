package dev.gantry.images;

import java.time.Instant;
import java.util.List;

/**
 * An image that is in the store, complete and unpacked.
 *
 * @param id digest of its config, {@code sha256:…}; CRI's image id
 * @param repoTags its names with a tag, in full: {@code docker.io/library/busybox:latest}
 * @param repoDigests its names with the digest of manifest or index: {@code docker.io/library/busybox@sha256:…}
 * @param sizeBytes disk space of the unpacked layers, manifest and config, layers shared with other images included
 * @param layers its layers by chain id, the lowest first
 * @param pinned garbage collection by the kubelet's rules leaves it alone
 * @param loadedAt when it was pulled or loaded first
 */
public record Image(
        Digest id,
        List<String> repoTags,
        List<String> repoDigests,
        long sizeBytes,
        ImageConfig config,
        List<Digest> layers,
        boolean pinned,
        Instant loadedAt) {
    public Image {
        repoTags = List.copyOf(repoTags);
        repoDigests = List.copyOf(repoDigests);
        layers = List.copyOf(layers);
    }
}
