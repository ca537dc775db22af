package dev.gantry.images;

/**
 * Disk space in use.
 *
 * @param bytes allocated blocks, not file lengths
 * @param inodes files, directories and the like
 */
public record StoreUsage(long bytes, long inodes) {
    public static final StoreUsage NONE = new StoreUsage(0, 0);

    public StoreUsage plus(StoreUsage other) {
        return new StoreUsage(bytes + other.bytes, inodes + other.inodes);
    }
}
