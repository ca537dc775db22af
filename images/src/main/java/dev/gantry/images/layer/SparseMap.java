package dev.gantry.images.layer;

import dev.gantry.images.layer.TarEntry.Extent;
import java.util.ArrayList;
import java.util.List;

/** Collects and checks the extents of a sparse file, whichever of the four dialects they came in. */
final class SparseMap {
    static final int MOST_EXTENTS = 200_000;

    private final List<Extent> extents = new ArrayList<>();
    private long end;
    private long data;

    void add(long offset, long length) throws LayerFormatException {
        if (extents.size() >= MOST_EXTENTS) {
            throw new LayerFormatException("sparse file with more than " + MOST_EXTENTS + " extents");
        }
        if (offset < end || length < 0 || offset + length < offset) {
            throw new LayerFormatException("sparse file whose extents overlap or are out of order at " + offset);
        }
        end = offset + length;
        data += length;
        if (length > 0) {
            extents.add(new Extent(offset, length));
        }
    }

    /** All extents, once it is known how long the file is and how much data is stored. */
    List<Extent> finish(long realSize, long stored) throws LayerFormatException {
        if (end > realSize) {
            throw new LayerFormatException("sparse file with data at " + end + ", behind its end at " + realSize);
        }
        if (data != stored) {
            throw new LayerFormatException("sparse file with " + stored + " bytes stored, its map has " + data);
        }
        return List.copyOf(extents);
    }
}
