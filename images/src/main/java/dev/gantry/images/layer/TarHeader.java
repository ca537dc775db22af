package dev.gantry.images.layer;

import dev.gantry.images.Quoted;
import dev.gantry.linux.RawName;
import java.util.Arrays;

/**
 * The fields of one 512-byte header block.
 *
 * @see <a href="https://www.gnu.org/software/tar/manual/html_node/Standard.html">the layout</a>
 */
final class TarHeader {
    static final int BLOCK = 512;

    private static final byte[] MAGIC_GNU = {'u', 's', 't', 'a', 'r', ' ', ' ', 0};
    private static final byte[] MAGIC_USTAR = {'u', 's', 't', 'a', 'r'};

    private final byte[] block;
    private final int at;

    /** Looks at {@code buffer[at … at+512)}, which must not change meanwhile. */
    TarHeader(byte[] buffer, int at) {
        this.block = buffer;
        this.at = at;
    }

    static boolean isZero(byte[] buffer, int at) {
        for (int i = at; i < at + BLOCK; i++) {
            if (buffer[i] != 0) {
                return false;
            }
        }
        return true;
    }

    /** Old programs summed signed bytes; both sums count. */
    void verifyChecksum() throws LayerFormatException {
        long expected = number(148, 8, "checksum");
        long unsigned = 0;
        long signed = 0;
        for (int i = 0; i < BLOCK; i++) {
            byte b = i >= 148 && i < 156 ? (byte) ' ' : block[at + i];
            unsigned += b & 0xff;
            signed += b;
        }
        if (expected != unsigned && expected != signed) {
            throw new LayerFormatException("tar header has a wrong checksum: " + expected + ", computed " + unsigned);
        }
    }

    char type() {
        return (char) (block[at + 156] & 0xff);
    }

    boolean isGnu() {
        return Arrays.equals(block, at + 257, at + 265, MAGIC_GNU, 0, 8);
    }

    private boolean isUstar() {
        return !isGnu() && Arrays.equals(block, at + 257, at + 262, MAGIC_USTAR, 0, 5);
    }

    String name() {
        String name = text(0, 100);
        if (isUstar() && block[at + 345] != 0) {
            return text(345, 155) + "/" + name;
        }
        return name;
    }

    String linkName() {
        return text(157, 100);
    }

    int mode() throws LayerFormatException {
        return (int) (number(100, 8, "mode") & 07777);
    }

    long uid() throws LayerFormatException {
        return number(108, 8, "uid");
    }

    long gid() throws LayerFormatException {
        return number(116, 8, "gid");
    }

    long size() throws LayerFormatException {
        return number(124, 12, "size");
    }

    long mtime() throws LayerFormatException {
        return number(136, 12, "mtime");
    }

    int deviceMajor() throws LayerFormatException {
        return device(329);
    }

    int deviceMinor() throws LayerFormatException {
        return device(337);
    }

    private int device(int offset) throws LayerFormatException {
        if (!isGnu() && !isUstar()) {
            return 0;
        }
        long number = number(offset, 8, "device number");
        if (number < 0 || number > 0xfffff) {
            throw new LayerFormatException("tar header has a device number outside 0 to 1048575: " + number);
        }
        return (int) number;
    }

    /** GNU sparse: where the nth of the entries at this offset begins. */
    long sparseOffset(int base, int n) throws LayerFormatException {
        return number(base + 24 * n, 12, "sparse offset");
    }

    long sparseLength(int base, int n) throws LayerFormatException {
        return number(base + 24 * n + 12, 12, "sparse length");
    }

    boolean sparseEntryIsEmpty(int base, int n) {
        return block[at + base + 24 * n + 12] == 0;
    }

    boolean flag(int offset) {
        return block[at + offset] != 0;
    }

    long realSize() throws LayerFormatException {
        return number(483, 12, "real size");
    }

    String text(int offset, int length) {
        int end = offset;
        while (end < offset + length && block[at + end] != 0) {
            end++;
        }
        return RawName.decode(block, at + offset, end - offset);
    }

    /** Octal digits with blanks or NULs around, or base-256 when the first bit is set. */
    private long number(int offset, int length, String what) throws LayerFormatException {
        int first = block[at + offset];
        if ((first & 0x80) != 0) {
            return base256(offset, length, what);
        }
        int i = at + offset;
        int end = at + offset + length;
        while (i < end && (block[i] == ' ' || block[i] == 0)) {
            i++;
        }
        long value = 0;
        for (; i < end && block[i] >= '0' && block[i] <= '7'; i++) {
            value = value << 3 | (block[i] - '0');
        }
        for (; i < end; i++) {
            if (block[i] != ' ' && block[i] != 0) {
                throw new LayerFormatException(
                        "tar header: " + what + " '" + Quoted.cut(text(offset, length)) + "' is not an octal number");
            }
        }
        return value;
    }

    private long base256(int offset, int length, String what) throws LayerFormatException {
        boolean negative = (block[at + offset] & 0x40) != 0;
        long value = negative ? -1 : 0;
        for (int i = 0; i < length; i++) {
            int b = block[at + offset + i] & 0xff;
            if (i == 0) {
                b = negative ? b | 0x80 : b & 0x7f;
                b = negative ? b : b & 0x3f;
            }
            long top = value >> 55;
            if (top != 0 && top != -1) {
                throw new LayerFormatException("tar header: " + what + " does not fit 64 bits");
            }
            value = i == 0 && negative ? (byte) b : value << 8 | b;
        }
        return value;
    }
}
