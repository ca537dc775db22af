package dev.gantry.images.layer;

/**
 * What one layer may ask for before it is refused.
 *
 * @param entries entries of the tar
 * @param pathBytes length of a path or link target; the kernel's own limit is 4096
 * @param pathDepth components of a path
 * @param xattrBytes names and values of one entry's extended attributes
 * @param metadataBytes size of one PAX header
 * @param fileBytes logical size of one file
 * @param totalBytes uncompressed size of the whole tar
 * @param ratioFreeBytes uncompressed size below which {@code ratio} is not looked at
 * @param ratio largest quotient of uncompressed and compressed size; gzip reaches 1032 on zeros, zstd far more
 */
public record LayerLimits(
        int entries,
        int pathBytes,
        int pathDepth,
        int xattrBytes,
        int metadataBytes,
        long fileBytes,
        long totalBytes,
        long ratioFreeBytes,
        int ratio) {
    /** Far above what images contain, far below what hurts a node with a normal disk. */
    public static final LayerLimits DEFAULTS =
            new LayerLimits(4_000_000, 4096, 256, 1 << 20, 2 << 20, 1L << 40, 256L << 30, 1L << 30, 1000);
}
