package dev.gantry.images.layer;

import java.io.IOException;
import java.io.InputStream;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Uncompressed bytes of a gzip file with any number of members. Unlike the JDK's it reads in large pieces, and leaves
 * the CRC alone: what comes out is verified by SHA-256.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc1952">RFC 1952</a>
 */
final class GzipStream extends InputStream {
    private static final int FHCRC = 2;
    private static final int FEXTRA = 4;
    private static final int FNAME = 8;
    private static final int FCOMMENT = 16;
    private static final int LONGEST_TEXT = 64 << 10;

    private final InputStream in;
    private final Inflater inflater = new Inflater(true);
    private final byte[] input = new byte[64 << 10];
    private int position;
    private int limit;
    private boolean ended;

    GzipStream(InputStream in) throws IOException {
        this.in = in;
        readHeader();
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        try {
            while (!ended) {
                int n = inflater.inflate(target, offset, length);
                if (n > 0) {
                    return n;
                }
                if (inflater.finished()) {
                    nextMember();
                } else if (inflater.needsDictionary()) {
                    throw new LayerFormatException("gzip: asks for a dictionary");
                } else if (inflater.needsInput()) {
                    feed();
                }
            }
            return -1;
        } catch (DataFormatException e) {
            throw new LayerFormatException("gzip: " + e.getMessage(), e);
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public void close() throws IOException {
        ended = true;
        inflater.end();
        in.close();
    }

    private void feed() throws IOException {
        if (position == limit && !fill()) {
            throw new LayerFormatException("gzip: ends early");
        }
        inflater.setInput(input, position, limit - position);
        position = limit;
    }

    private void nextMember() throws IOException {
        position = limit - inflater.getRemaining();
        for (int i = 0; i < 8; i++) {
            readByte(); // CRC-32 and length
        }
        while (true) {
            if (position == limit && !fill()) {
                ended = true;
                inflater.end();
                return;
            }
            if (input[position] != 0) {
                break;
            }
            position++; // padding, as tape drives and some tools leave
        }
        readHeader();
        inflater.reset();
    }

    private void readHeader() throws IOException {
        if (readByte() != 0x1f || readByte() != 0x8b) {
            throw new LayerFormatException("gzip: garbage behind the end of a member");
        }
        if (readByte() != 8) {
            throw new LayerFormatException("gzip: unknown compression method");
        }
        int flags = readByte();
        for (int i = 0; i < 6; i++) {
            readByte(); // time, level, system
        }
        if ((flags & FEXTRA) != 0) {
            int length = readByte() | readByte() << 8;
            for (int i = 0; i < length; i++) {
                readByte();
            }
        }
        if ((flags & FNAME) != 0) {
            skipText();
        }
        if ((flags & FCOMMENT) != 0) {
            skipText();
        }
        if ((flags & FHCRC) != 0) {
            readByte();
            readByte();
        }
    }

    private void skipText() throws IOException {
        for (int i = 0; i < LONGEST_TEXT; i++) {
            if (readByte() == 0) {
                return;
            }
        }
        throw new LayerFormatException("gzip: a name longer than " + LONGEST_TEXT + " bytes");
    }

    private int readByte() throws IOException {
        if (position == limit && !fill()) {
            throw new LayerFormatException("gzip: ends early");
        }
        return input[position++] & 0xff;
    }

    private boolean fill() throws IOException {
        position = 0;
        limit = Math.max(0, in.read(input, 0, input.length));
        return limit > 0;
    }
}
