package dev.gantry.linux;

/**
 * What statfs(2) says of a file system; bytes where the kernel counts blocks.
 *
 * @param type magic number, e.g. {@link Stat#CGROUP2_SUPER_MAGIC}
 * @param availableBytes what an unprivileged user may still write
 * @param flags ST_* of statfs(2)
 */
public record FileSystemStatus(
        long type,
        long blockBytes,
        long totalBytes,
        long freeBytes,
        long availableBytes,
        long inodes,
        long freeInodes,
        long flags) {}
