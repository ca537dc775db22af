package dev.gantry.packaging;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Builds a tar archive in memory, in the ustar format. The bytes depend on the entries only: owner 0:0, time 0. */
public final class TarBuilder {
    private static final int BLOCK = 512;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** Adds a directory; the name has no slash at its end. */
    public TarBuilder directory(String name, int mode) {
        header(name + "/", mode, 0, '5', "");
        return this;
    }

    /** Adds a regular file. */
    public TarBuilder file(String name, int mode, byte[] content) {
        header(name, mode, content.length, '0', "");
        out.writeBytes(content);
        pad(content.length);
        return this;
    }

    /** Adds another name of a file that was added before. */
    public TarBuilder hardLink(String name, String target) {
        header(name, 0755, 0, '1', target);
        return this;
    }

    /** Adds a symbolic link. */
    public TarBuilder symbolicLink(String name, String target) {
        header(name, 0777, 0, '2', target);
        return this;
    }

    /** The archive so far, with its end mark. */
    public byte[] build() {
        byte[] content = out.toByteArray();
        return Arrays.copyOf(content, content.length + 2 * BLOCK);
    }

    private void header(String name, int mode, int size, char type, String linkName) {
        byte[] header = new byte[BLOCK];
        text(header, 0, 100, name);
        octal(header, 100, 8, mode);
        octal(header, 108, 8, 0);
        octal(header, 116, 8, 0);
        octal(header, 124, 12, size);
        octal(header, 136, 12, 0);
        header[156] = (byte) type;
        text(header, 157, 100, linkName);
        text(header, 257, 6, "ustar");
        text(header, 263, 2, "00");
        Arrays.fill(header, 148, 156, (byte) ' ');
        int checksum = 0;
        for (byte b : header) {
            checksum += b & 0xff;
        }
        text(header, 148, 7, String.format("%06o", checksum));
        out.writeBytes(header);
    }

    private void pad(int size) {
        out.writeBytes(new byte[Math.floorMod(-size, BLOCK)]);
    }

    private static void octal(byte[] header, int offset, int length, int value) {
        text(header, offset, length, String.format("%0" + (length - 1) + "o", value));
    }

    private static void text(byte[] header, int offset, int length, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > length) {
            throw new IllegalArgumentException("tar entry: '" + value + "' is longer than " + length + " bytes");
        }
        System.arraycopy(bytes, 0, header, offset, bytes.length);
    }
}
