package dev.gantry.images.layer;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;

/** How a tar was compressed: the first bytes tell, not the media type. */
public enum Compression {
    NONE,
    GZIP,
    ZSTD;

    private static final int MAGIC_BYTES = 6;
    /** A window of 128 MiB is what zstd itself allows without being asked, and the memory it costs. */
    private static final int ZSTD_WINDOW_LOG = 27;

    /** The uncompressed bytes of {@code in}, whichever of the three it is. */
    public static InputStream decompress(InputStream in) throws IOException {
        PushbackInputStream pushback = new PushbackInputStream(in, MAGIC_BYTES);
        byte[] magic = new byte[MAGIC_BYTES];
        int length = pushback.readNBytes(magic, 0, MAGIC_BYTES);
        pushback.unread(magic, 0, length);
        return switch (detect(magic, length)) {
            case NONE -> pushback;
            case GZIP -> new GzipStream(pushback);
            case ZSTD -> zstd(pushback);
        };
    }

    /** Whether {@link #decompress} found nothing to decompress. */
    public static boolean isPlain(InputStream decompressed) {
        return decompressed instanceof PushbackInputStream;
    }

    private static InputStream zstd(InputStream in) throws IOException {
        ZstdInputStreamNoFinalizer stream = new ZstdInputStreamNoFinalizer(in);
        stream.setLongMax(ZSTD_WINDOW_LOG);
        return stream;
    }

    static Compression detect(byte[] magic, int length) throws LayerFormatException {
        if (length >= 2 && is(magic, 0, 0x1f, 0x8b)) {
            return GZIP;
        }
        if (length >= 4 && is(magic, 0, 0x28, 0xb5, 0x2f, 0xfd)) {
            return ZSTD;
        }
        // a skippable frame: the first of zstd:chunked
        if (length >= 4 && (magic[0] & 0xf0) == 0x50 && is(magic, 1, 0x2a, 0x4d, 0x18)) {
            return ZSTD;
        }
        if (length >= 6 && is(magic, 0, 0xfd, '7', 'z', 'X', 'Z', 0)) {
            throw new LayerFormatException("compressed by xz, which images do not use: gzip, zstd and plain are read");
        }
        if (length >= 3 && is(magic, 0, 'B', 'Z', 'h')) {
            throw new LayerFormatException(
                    "compressed by bzip2, which images do not use: gzip, zstd and plain are read");
        }
        return NONE;
    }

    private static boolean is(byte[] magic, int from, int... expected) {
        for (int i = 0; i < expected.length; i++) {
            if ((magic[from + i] & 0xff) != expected[i]) {
                return false;
            }
        }
        return true;
    }
}
