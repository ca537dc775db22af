package dev.gantry.images.layer;

import dev.gantry.images.Quoted;
import dev.gantry.images.layer.TarEntry.Extent;
import dev.gantry.linux.RawName;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads a tar as a stream: ustar, GNU (long names, base-256 numbers, sparse) and PAX (long names, large numbers,
 * extended attributes, sparse 0.0, 0.1, 1.0). Everything is bounded by {@link LayerLimits}.
 */
public final class TarReader {
    private static final int BLOCK = TarHeader.BLOCK;
    /** GNU sparse: 4 entries in the header, 21 in each block that follows. */
    private static final int SPARSE_IN_HEADER = 386;

    private final InputStream in;
    private final LayerLimits limits;
    private final byte[] buffer;
    private int position;
    private int limit;
    /** Bytes taken from {@link #in}. */
    private long taken;

    private int entries;
    /** Of the present entry: bytes stored, and not yet read. */
    private long remaining;
    /** Bytes that fill the last block of the present entry. */
    private int padding;

    public TarReader(InputStream in, LayerLimits limits) {
        this.in = in;
        this.limits = limits;
        this.buffer = new byte[64 << 10];
    }

    /** The next entry, what was not read of the last one being skipped; null at the end of the archive. */
    public @Nullable TarEntry next() throws IOException {
        PaxHeader pax = null;
        String longName = null;
        String longLink = null;
        while (true) {
            skip(remaining + padding);
            remaining = 0;
            padding = 0;
            if (!fill(BLOCK)) {
                if (limit > position) {
                    throw new LayerFormatException("tar ends within a header");
                }
                return end(pax, longName);
            }
            if (TarHeader.isZero(buffer, position)) {
                return end(pax, longName);
            }
            if (++entries > limits.entries()) {
                throw new LayerFormatException("tar has more than " + limits.entries() + " entries");
            }
            TarHeader header = new TarHeader(buffer, position);
            header.verifyChecksum();
            char type = header.type();
            switch (type) {
                case 'x', 'X' -> pax = PaxHeader.parse(metadata(header, limits.metadataBytes()), limits);
                case 'g' -> metadata(header, limits.metadataBytes()); // as containerd: not applied
                case 'L' -> longName = gnuName(header);
                case 'K' -> longLink = gnuName(header);
                case 'V' -> skipVolumeLabel(header);
                default -> {
                    return entry(header, type, pax, longName, longLink);
                }
            }
        }
    }

    private static @Nullable TarEntry end(@Nullable PaxHeader pax, @Nullable String longName)
            throws LayerFormatException {
        if (pax != null || longName != null) {
            throw new LayerFormatException("tar ends after an extended header");
        }
        return null;
    }

    private void skipVolumeLabel(TarHeader header) throws LayerFormatException {
        stored(header.size());
        position += BLOCK;
    }

    private TarEntry entry(
            TarHeader header, char flag, @Nullable PaxHeader pax, @Nullable String longName, @Nullable String longLink)
            throws IOException {
        PaxHeader extended = pax == null ? new PaxHeader() : pax;
        String name = first(longName, extended.value("path"), header.name());
        String link = first(longLink, extended.value("linkpath"), header.linkName());
        EntryType type = type(flag, name);
        long stored = type == EntryType.FILE ? extended.number("size", header.size()) : 0;
        long[] mtime = extended.time("mtime");
        if (mtime == null) {
            mtime = new long[] {header.mtime(), 0};
        }
        int mode = header.mode();
        long uid = id(extended.number("uid", header.uid()), "uid", name);
        long gid = id(extended.number("gid", header.gid()), "gid", name);
        boolean device = type == EntryType.CHARACTER_DEVICE || type == EntryType.BLOCK_DEVICE;
        int major = device ? header.deviceMajor() : 0;
        int minor = device ? header.deviceMinor() : 0;
        String realName = extended.value("GNU.sparse.name");
        long size;
        List<Extent> extents;
        if (flag == 'S') {
            size = header.realSize();
            extents = gnuSparse(header, size, stored);
        } else {
            position += BLOCK;
            stored(stored);
            size = stored;
            extents = stored == 0 ? List.of() : List.of(new Extent(0, stored));
            if (type == EntryType.FILE && pax != null && isPaxSparse(pax)) {
                size = paxRealSize(pax, stored);
                extents = paxSparse(pax, size);
                name = realName == null ? name : realName;
            }
        }
        check(name, "path");
        check(link, "link target");
        if (size < 0 || size > limits.fileBytes()) {
            throw new LayerFormatException(
                    "'" + Quoted.cut(name) + "' has " + size + " bytes, the limit is " + limits.fileBytes());
        }
        Map<String, byte[]> xattrs = extended.xattrs();
        return new TarEntry(
                type, name, link, mode, uid, gid, size, mtime[0], (int) mtime[1], major, minor, xattrs, extents);
    }

    private static String first(@Nullable String a, @Nullable String b, String c) {
        return a != null ? a : b != null ? b : c;
    }

    private static EntryType type(char flag, String name) throws LayerFormatException {
        return switch (flag) {
            // before POSIX a directory was a file with a slash at the end
            case '0', '\0' -> name.endsWith("/") ? EntryType.DIRECTORY : EntryType.FILE;
            case '7', 'S' -> EntryType.FILE;
            case '1' -> EntryType.HARD_LINK;
            case '2' -> EntryType.SYMLINK;
            case '3' -> EntryType.CHARACTER_DEVICE;
            case '4' -> EntryType.BLOCK_DEVICE;
            case '5' -> EntryType.DIRECTORY;
            case '6' -> EntryType.FIFO;
            default ->
                throw new LayerFormatException(
                        "'" + Quoted.cut(name) + "' has the unknown tar type '" + Quoted.cut("" + flag) + "'");
        };
    }

    private static long id(long id, String what, String name) throws LayerFormatException {
        // 2^32-1 means "unchanged" to chown
        if (id < 0 || id >= 0xffff_ffffL) {
            throw new LayerFormatException(
                    "'" + Quoted.cut(name) + "' has the " + what + " " + id + ", outside 0 to 4294967294");
        }
        return id;
    }

    private void check(String path, String what) throws LayerFormatException {
        if (path.length() > limits.pathBytes()) {
            throw new LayerFormatException(
                    what + " '" + Quoted.cut(path, 60) + "' is longer than " + limits.pathBytes() + " bytes");
        }
        if (path.indexOf('\0') >= 0) {
            throw new LayerFormatException(what + " '" + Quoted.cut(path) + "' has a NUL");
        }
    }

    private void stored(long size) throws LayerFormatException {
        if (size < 0 || size > limits.totalBytes()) {
            throw new LayerFormatException("tar entry with a size of " + size + " bytes");
        }
        remaining = size;
        padding = (int) (-size & (BLOCK - 1));
    }

    private static boolean isPaxSparse(PaxHeader pax) {
        return pax.value("GNU.sparse.map") != null
                || !pax.sparsePairs().isEmpty()
                || "1".equals(pax.value("GNU.sparse.major"))
                || pax.value("GNU.sparse.numblocks") != null;
    }

    private static long paxRealSize(PaxHeader pax, long stored) throws LayerFormatException {
        return pax.number("GNU.sparse.realsize", pax.number("GNU.sparse.size", stored));
    }

    private List<Extent> paxSparse(PaxHeader pax, long size) throws IOException {
        SparseMap map = new SparseMap();
        String pairs = pax.value("GNU.sparse.map");
        if ("1".equals(pax.value("GNU.sparse.major"))) {
            readMap(map);
        } else if (pairs != null) {
            String[] numbers = pairs.split(",", 2 * SparseMap.MOST_EXTENTS + 2);
            addPairs(map, List.of(numbers));
        } else {
            addPairs(map, pax.sparsePairs());
        }
        return map.finish(size, remaining);
    }

    private static void addPairs(SparseMap map, List<String> numbers) throws LayerFormatException {
        if (numbers.size() % 2 != 0) {
            throw new LayerFormatException("sparse map with an odd number of numbers");
        }
        for (int i = 0; i < numbers.size(); i += 2) {
            map.add(
                    PaxHeader.number(numbers.get(i), "sparse offset"),
                    PaxHeader.number(numbers.get(i + 1), "sparse length"));
        }
    }

    /** Sparse 1.0: decimal lines in front of the data, filled up to a whole block. */
    private void readMap(SparseMap map) throws IOException {
        long before = remaining;
        long count = readLine();
        if (count < 0 || count > SparseMap.MOST_EXTENTS) {
            throw new LayerFormatException("sparse file with " + count + " extents");
        }
        for (long i = 0; i < count; i++) {
            long offset = readLine();
            map.add(offset, readLine());
        }
        int fill = (int) (-(before - remaining) & (BLOCK - 1));
        if (fill > remaining) {
            throw new LayerFormatException("sparse map is not filled up to a whole block");
        }
        skip(fill);
        remaining -= fill;
    }

    private long readLine() throws IOException {
        long value = 0;
        for (int digits = 0; digits < 20; digits++) {
            if (remaining == 0 || !fill(1)) {
                throw new LayerFormatException("sparse map ends early");
            }
            byte b = buffer[position++];
            remaining--;
            if (b == '\n' && digits > 0) {
                return value;
            }
            if (b < '0' || b > '9' || value > Long.MAX_VALUE / 10 - 10) {
                break;
            }
            value = value * 10 + (b - '0');
        }
        throw new LayerFormatException("sparse map has something else than numbers");
    }

    private List<Extent> gnuSparse(TarHeader header, long realSize, long stored) throws IOException {
        SparseMap map = new SparseMap();
        boolean more = addExtents(header, SPARSE_IN_HEADER, 4, map) && header.flag(482);
        boolean next = header.flag(482);
        position += BLOCK;
        while (next) {
            if (!fill(BLOCK)) {
                throw new LayerFormatException("tar ends within a sparse map");
            }
            TarHeader extension = new TarHeader(buffer, position);
            if (more) {
                more = addExtents(extension, 0, 21, map);
            }
            next = extension.flag(504);
            position += BLOCK;
            if (next && !more) {
                throw new LayerFormatException("sparse map goes on after its end");
            }
        }
        stored(stored);
        return map.finish(realSize, stored);
    }

    private static boolean addExtents(TarHeader header, int base, int count, SparseMap map)
            throws LayerFormatException {
        for (int i = 0; i < count; i++) {
            if (header.sparseEntryIsEmpty(base, i)) {
                return false;
            }
            map.add(header.sparseOffset(base, i), header.sparseLength(base, i));
        }
        return true;
    }

    private String gnuName(TarHeader header) throws IOException {
        byte[] name = metadata(header, limits.pathBytes() + 1);
        int length = 0;
        while (length < name.length && name[length] != 0) {
            length++;
        }
        return RawName.decode(name, 0, length);
    }

    /** The content of an entry that describes the next one. */
    private byte[] metadata(TarHeader header, int most) throws IOException {
        long size = header.size();
        if (size < 0 || size > most) {
            throw new LayerFormatException("tar has an extended header of " + size + " bytes, the limit is " + most);
        }
        position += BLOCK;
        byte[] content = new byte[(int) size];
        stored(size);
        int done = 0;
        while (done < content.length) {
            int n = read(content, done, content.length - done);
            if (n < 0) {
                throw new LayerFormatException("tar ends within an extended header");
            }
            done += n;
        }
        return content;
    }

    /**
     * Reads stored bytes of the present entry.
     *
     * @return how many, at least 1; -1 at the end of the entry
     */
    public int read(byte[] target, int offset, int length) throws IOException {
        if (remaining == 0) {
            return -1;
        }
        int wanted = (int) Math.min(length, remaining);
        int n;
        if (position < limit) {
            n = Math.min(wanted, limit - position);
            System.arraycopy(buffer, position, target, offset, n);
            position += n;
        } else if (wanted >= buffer.length) {
            n = in.read(target, offset, wanted);
            taken += Math.max(n, 0);
        } else {
            fill(1);
            n = Math.min(wanted, limit - position);
            System.arraycopy(buffer, position, target, offset, n);
            position += n;
        }
        if (n <= 0) {
            throw new LayerFormatException("tar ends within a file, " + remaining + " bytes before its end");
        }
        remaining -= n;
        return n;
    }

    /** Stored bytes of the present entry that were not yet read. */
    public long remaining() {
        return remaining;
    }

    private void skip(long count) throws IOException {
        long left = count;
        while (left > 0) {
            if (position == limit && left > buffer.length) {
                long n = in.skip(left);
                taken += n;
                left -= n;
                if (n > 0) {
                    continue;
                }
            }
            if (position == limit && !fill(1)) {
                throw new LayerFormatException("tar ends within a file, " + left + " bytes before its end");
            }
            int n = (int) Math.min(left, limit - position);
            position += n;
            left -= n;
        }
    }

    /** Has at least {@code count} bytes in the buffer; false at the end of the stream. */
    private boolean fill(int count) throws IOException {
        if (limit - position >= count) {
            return true;
        }
        System.arraycopy(buffer, position, buffer, 0, limit - position);
        limit -= position;
        position = 0;
        while (limit < count) {
            int n = in.read(buffer, limit, buffer.length - limit);
            if (n < 0) {
                return false;
            }
            limit += n;
            taken += n;
        }
        return true;
    }

    /** Where the reader is in the archive, in bytes: after {@link #next}, the first stored byte of the entry. */
    public long offset() {
        return taken - (limit - position);
    }
}
