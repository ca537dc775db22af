package dev.gantry.agent.api;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;

/**
 * Turns the lines of one run of a container into what the container wrote. Keeps its place in the file, so that it can be asked again when the file has grown, and
 * can go on in the next file after a rotation.
 */
final class LogReader {
    /** A line in CRI's format has at most 16 KiB of text; anything much longer is not a log. */
    private static final int MAX_LINE = 1024 * 1024;

    private static final int BLOCK = 64 * 1024;

    /**
     * What is asked for.
     *
     * @param tailLines -1 for all
     * @param limitBytes -1 for no limit
     * @param stream {@code stdout}, {@code stderr}, or empty for both
     */
    record Options(long tailLines, Optional<Instant> since, boolean timestamps, long limitBytes, String stream) {}

    /** Takes what is read. */
    interface Sink {
        void write(byte[] bytes, int length) throws IOException;
    }

    private final Options options;
    private final Sink sink;
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private long offset;
    private long left;
    private long skipped;
    private boolean inLine;

    LogReader(Options options, Sink sink) {
        this.options = options;
        this.sink = sink;
        this.left = options.limitBytes() < 0 ? Long.MAX_VALUE : options.limitBytes();
    }

    Options options() {
        return options;
    }

    /** Goes on in the next file, at this offset. */
    void nextFile(long start) {
        offset = start;
        pending.reset();
    }

    /** Leaves out so many whole lines of what is read next. */
    void skipLines(long count) {
        skipped = count;
    }

    /** Whether the limit is reached. */
    boolean isFull() {
        return left <= 0;
    }

    /**
     * Reads to the end of the file as it is now.
     *
     * @return whether there was anything
     */
    boolean readOn(LogSource file) throws IOException {
        byte[] block = new byte[BLOCK];
        boolean any = false;
        while (!isFull()) {
            int count = file.read(block, offset);
            if (count <= 0) {
                break;
            }
            any = true;
            offset += count;
            lines(block, count);
            flush();
        }
        return any;
    }

    private void lines(byte[] block, int count) throws IOException {
        int start = 0;
        for (int i = 0; i < count; i++) {
            if (block[i] == '\n') {
                pending.write(block, start, i - start);
                start = i + 1;
                byte[] line = pending.toByteArray();
                pending.reset();
                line(line);
            }
        }
        pending.write(block, start, count - start);
        if (pending.size() > MAX_LINE) {
            throw new IOException("the log has a line of more than " + MAX_LINE + " bytes; it is not in CRI's format");
        }
    }

    private void line(byte[] bytes) {
        Optional<LogLine> parsed = LogLine.parse(bytes, 0, bytes.length);
        if (parsed.isEmpty()) {
            return;
        }
        LogLine line = parsed.get();
        if (skipped > 0) {
            skipped -= line.partial() ? 0 : 1;
            return;
        }
        boolean wanted = options.stream().isEmpty() || options.stream().equals(line.stream());
        if (!wanted
                || (options.since().isPresent() && !line.isSince(options.since().get()))) {
            return;
        }
        if (options.timestamps() && !inLine) {
            out.writeBytes(line.time().getBytes(StandardCharsets.US_ASCII));
            out.write(' ');
        }
        out.writeBytes(line.text());
        inLine = line.partial();
        if (!inLine) {
            out.write('\n');
        }
    }

    private void flush() throws IOException {
        int length = (int) Math.min(out.size(), left);
        if (length > 0) {
            sink.write(out.toByteArray(), length);
            left -= length;
        }
        out.reset();
    }

    /**
     * Where the last lines of a file begin.
     *
     * @param lines how many whole lines follow; pieces of a line count as one
     */
    record Tail(long offset, long lines) {}

    /** Finds the last {@code count} whole lines, or all if there are fewer. Reads backwards, as little as it can. */
    static Tail tail(LogFile file, long count) throws IOException {
        long end = file.size();
        if (count == 0 || end == 0) {
            return new Tail(end, 0);
        }
        long found = 0;
        long firstOfLine = end;
        boolean counted = false;
        byte[] block = new byte[BLOCK];
        long blockStart = end;
        while (blockStart > 0) {
            long previous = Math.max(0, blockStart - BLOCK);
            int length = (int) (blockStart - previous);
            byte[] bytes = length == BLOCK ? block : new byte[length];
            if (file.read(bytes, previous) < length) {
                throw new IOException("the log got shorter while it was read");
            }
            for (int i = length - 1; i >= 0; i--) {
                if (bytes[i] != '\n') {
                    continue;
                }
                long start = previous + i + 1;
                if (start == end) {
                    // the end of the last line, not the beginning of one
                    continue;
                }
                boolean whole = !isPartial(file, start);
                if (whole && counted && found == count) {
                    return new Tail(firstOfLine, found);
                }
                if (whole || !counted) {
                    found++;
                    counted = true;
                }
                firstOfLine = start;
            }
            blockStart = previous;
        }
        boolean startsLine = !counted || !isPartial(file, 0);
        if (counted && found == count && startsLine) {
            return new Tail(firstOfLine, found);
        }
        return new Tail(0, startsLine ? found + 1 : found);
    }

    private static boolean isPartial(LogFile file, long start) throws IOException {
        byte[] head = new byte[64];
        int count = file.read(head, start);
        return LogLine.parse(head, 0, Math.max(0, count)).map(LogLine::partial).orElse(false);
    }
}
