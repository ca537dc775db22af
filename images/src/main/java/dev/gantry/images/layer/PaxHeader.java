package dev.gantry.images.layer;

import dev.gantry.images.Quoted;
import dev.gantry.linux.RawName;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The records of a PAX extended header that matter here.
 *
 * @see <a href="https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html#tag_20_92_13_03">pax Extended Header</a>
 */
final class PaxHeader {
    private static final String SCHILY = "SCHILY.xattr.";
    private static final String LIBARCHIVE = "LIBARCHIVE.xattr.";

    private final Map<String, String> values = new LinkedHashMap<>();
    private final Map<String, byte[]> xattrs = new LinkedHashMap<>();
    /** GNU sparse 0.0 repeats its keys: offset, length, offset, length … */
    private final List<String> sparsePairs = new ArrayList<>();

    private int xattrBytes;

    static PaxHeader parse(byte[] data, LayerLimits limits) throws LayerFormatException {
        PaxHeader header = new PaxHeader();
        int at = 0;
        while (at < data.length) {
            at = header.readRecord(data, at, limits);
        }
        return header;
    }

    /** One record: {@code "%d %s=%s\n"}, the length counting itself. */
    private int readRecord(byte[] data, int start, LayerLimits limits) throws LayerFormatException {
        int at = start;
        int length = 0;
        while (at < data.length && data[at] >= '0' && data[at] <= '9' && at - start < 9) {
            length = length * 10 + (data[at++] - '0');
        }
        int end = start + length;
        if (at == start
                || at >= data.length
                || data[at] != ' '
                || end > data.length
                || end <= at + 1
                || data[end - 1] != '\n') {
            if (isPadding(data, start)) {
                return data.length;
            }
            throw new LayerFormatException("PAX header is malformed at byte " + start);
        }
        int keyStart = at + 1;
        int equals = keyStart;
        while (equals < end && data[equals] != '=') {
            equals++;
        }
        if (equals == end || equals == keyStart) {
            throw new LayerFormatException("PAX record without key=value at byte " + start);
        }
        String key = RawName.decode(data, keyStart, equals - keyStart);
        put(key, data, equals + 1, end - 1 - (equals + 1), limits);
        return end;
    }

    private static boolean isPadding(byte[] data, int start) {
        for (int i = start; i < data.length; i++) {
            if (data[i] != 0) {
                return false;
            }
        }
        return true;
    }

    private void put(String key, byte[] data, int offset, int length, LayerLimits limits) throws LayerFormatException {
        if (key.startsWith(SCHILY)) {
            byte[] value = new byte[length];
            System.arraycopy(data, offset, value, 0, length);
            addXattr(key.substring(SCHILY.length()), value, limits);
        } else if (key.startsWith(LIBARCHIVE)) {
            String name = key.substring(LIBARCHIVE.length());
            try {
                String decoded = URLDecoder.decode(name.replace("+", "%2B"), StandardCharsets.UTF_8);
                String text = new String(data, offset, length, StandardCharsets.ISO_8859_1);
                addXattr(decoded, Base64.getDecoder().decode(unpad(text)), limits);
            } catch (IllegalArgumentException e) {
                throw new LayerFormatException(
                        "PAX header: '" + Quoted.cut(key) + "' is not base64, or its name not percent-encoded", e);
            }
        } else if (key.equals("GNU.sparse.offset") || key.equals("GNU.sparse.numbytes")) {
            sparsePairs.add(RawName.decode(data, offset, length));
            if (sparsePairs.size() > 2 * SparseMap.MOST_EXTENTS) {
                throw new LayerFormatException("sparse file with more than " + SparseMap.MOST_EXTENTS + " extents");
            }
        } else {
            values.put(key, RawName.decode(data, offset, length));
        }
    }

    private static String unpad(String base64) {
        int end = base64.length();
        while (end > 0 && base64.charAt(end - 1) == '=') {
            end--;
        }
        return base64.substring(0, end);
    }

    private void addXattr(String name, byte[] value, LayerLimits limits) throws LayerFormatException {
        xattrBytes += name.length() + value.length;
        if (xattrBytes > limits.xattrBytes()) {
            throw new LayerFormatException("extended attributes of one entry exceed " + limits.xattrBytes() + " bytes");
        }
        if (name.isEmpty() || name.length() > 255 || name.indexOf('\0') >= 0) {
            throw new LayerFormatException("extended attribute name '" + Quoted.cut(name) + "' is not possible");
        }
        xattrs.put(name, value);
    }

    /** The value; null if the key is absent or its value empty, which means the same. */
    @Nullable String value(String key) {
        String value = values.get(key);
        return value == null || value.isEmpty() ? null : value;
    }

    Map<String, byte[]> xattrs() {
        return xattrs;
    }

    List<String> sparsePairs() {
        return sparsePairs;
    }

    long number(String key, long otherwise) throws LayerFormatException {
        String value = value(key);
        return value == null ? otherwise : number(value, key);
    }

    static long number(String text, String what) throws LayerFormatException {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new LayerFormatException(
                    "PAX header: " + what + " '" + Quoted.cut(text) + "' is not a number of 64 bits", e);
        }
    }

    /** Seconds with a fraction, as {seconds, nanos}; null if absent. */
    long @Nullable [] time(String key) throws LayerFormatException {
        String text = value(key);
        if (text == null) {
            return null;
        }
        int dot = text.indexOf('.');
        String whole = dot < 0 ? text : text.substring(0, dot);
        boolean negative = whole.startsWith("-");
        long seconds = whole.isEmpty() || whole.equals("-") ? 0 : number(whole, key);
        long nanos = 0;
        if (dot >= 0) {
            String fraction = (text.substring(dot + 1) + "000000000").substring(0, 9);
            for (int i = 0; i < 9; i++) {
                char c = fraction.charAt(i);
                if (c < '0' || c > '9') {
                    throw new LayerFormatException("PAX header: " + key + " '" + Quoted.cut(text) + "' is no time");
                }
                nanos = nanos * 10 + (c - '0');
            }
        }
        if (negative && nanos > 0) {
            seconds -= 1;
            nanos = 1_000_000_000 - nanos;
        }
        return new long[] {seconds, nanos};
    }
}
