package dev.gantry.agent.api;

import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;

/** A rotated log that was compressed, as the text that it was. Holds a few kilobytes, however large that is. */
final class CompressedLog implements LogSource {
    private static final int BUFFER = 16 << 10;

    private final LogFile file;
    private final InputStream text;
    private long position;

    /** Takes over the file, and closes it if it is not in the format. */
    CompressedLog(LogFile file) throws IOException {
        this.file = file;
        try {
            this.text = new GZIPInputStream(new Bytes(file), BUFFER);
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    @Override
    public int read(byte[] bytes, long offset) throws IOException {
        if (offset != position) {
            throw new IllegalArgumentException("compressed log is at " + position + ", not at " + offset);
        }
        int count = text.readNBytes(bytes, 0, bytes.length);
        position += count;
        return count;
    }

    @Override
    public void close() throws IOException {
        text.close();
        file.close();
    }

    /** The bytes of a file one after the other. */
    private static final class Bytes extends InputStream {
        private final LogFile file;
        private long at;

        Bytes(LogFile file) {
            this.file = file;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] bytes, int from, int length) throws IOException {
            byte[] block = new byte[length];
            int count = file.read(block, at);
            if (count <= 0) {
                return length == 0 ? 0 : -1;
            }
            System.arraycopy(block, 0, bytes, from, count);
            at += count;
            return count;
        }
    }
}
