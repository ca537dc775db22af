package dev.gantry.images.layer;

import dev.gantry.linux.RawName;
import java.util.List;
import java.util.Map;

/**
 * One member of a tar, with all header dialects resolved.
 *
 * @param name as written, see {@link RawName} for bytes outside UTF-8
 * @param linkName target of a link, else empty
 * @param mode permission bits with setuid, setgid and sticky
 * @param size logical size of a file in bytes, holes included; 0 for all else
 * @param mtimeSeconds since 1970, may be negative
 * @param mtimeNanos 0 to 999,999,999
 * @param xattrs extended attributes by full name, e.g. {@code security.capability}
 * @param extents where the data goes, ascending; a file without holes has one from 0 to {@code size}
 */
public record TarEntry(
        EntryType type,
        String name,
        String linkName,
        int mode,
        long uid,
        long gid,
        long size,
        long mtimeSeconds,
        int mtimeNanos,
        int deviceMajor,
        int deviceMinor,
        Map<String, byte[]> xattrs,
        List<Extent> extents) {
    /** A stretch of data of a sparse file. */
    public record Extent(long offset, long length) {}

    /** Whether the file has holes. */
    public boolean isSparse() {
        return !(extents.isEmpty() && size == 0)
                && !(extents.size() == 1
                        && extents.get(0).offset() == 0
                        && extents.get(0).length() == size);
    }
}
