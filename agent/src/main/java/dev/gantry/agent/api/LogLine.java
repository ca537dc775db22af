package dev.gantry.agent.api;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.Optional;

/**
 * One line of a log in CRI's format: {@code TIME STREAM TAG TEXT}. The tag's first part is {@code P} for a piece of a line that goes on, {@code F} for its end.
 *
 * @param time RFC 3339 with nanoseconds, as written
 * @param stream {@code stdout} or {@code stderr}
 * @param partial whether the container's line goes on
 * @param text what the container wrote, without a line end
 */
@SuppressWarnings("ArrayRecordComponent") // passed on, never compared
record LogLine(String time, String stream, boolean partial, byte[] text) {
    /** Reads a line without its end; empty if it is not in the format. */
    static Optional<LogLine> parse(byte[] bytes, int from, int to) {
        int first = indexOf(bytes, ' ', from, to);
        int second = first < 0 ? -1 : indexOf(bytes, ' ', first + 1, to);
        if (second < 0) {
            return Optional.empty();
        }
        int third = indexOf(bytes, ' ', second + 1, to);
        int tagEnd = third < 0 ? to : third;
        if (tagEnd == second + 1) {
            return Optional.empty();
        }
        String tag = new String(bytes, second + 1, tagEnd - second - 1, StandardCharsets.US_ASCII);
        return Optional.of(new LogLine(
                new String(bytes, from, first - from, StandardCharsets.US_ASCII),
                new String(bytes, first + 1, second - first - 1, StandardCharsets.US_ASCII),
                tag.equals("P") || tag.startsWith("P:"),
                third < 0 ? new byte[0] : Arrays.copyOfRange(bytes, third + 1, to)));
    }

    private static int indexOf(byte[] bytes, char c, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] == c) {
                return i;
            }
        }
        return -1;
    }

    /** Whether it was written at or after {@code since}; a time that cannot be read counts as yes. */
    boolean isSince(Instant since) {
        try {
            return !Instant.parse(time).isBefore(since);
        } catch (DateTimeParseException e) {
            return true;
        }
    }
}
