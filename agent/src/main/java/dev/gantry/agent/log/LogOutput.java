package dev.gantry.agent.log;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.event.KeyValuePair;
import org.slf4j.event.Level;

/**
 * Where log lines go, and how they look. Under systemd each begins with its priority ({@code sd-daemon(3)}) and has no time, because the journal has one; elsewhere
 * with level and time as klog writes them: {@code I1121 01:02:03.123456 Started container pod=default/web}.
 */
public final class LogOutput {
    private static volatile Level level = Level.INFO;
    private static volatile LogOutput current = ofProcess(System.getenv());

    private final OutputStream out;
    private final boolean journal;
    private final Clock clock;

    LogOutput(OutputStream out, boolean journal, Clock clock) {
        this.out = out;
        this.journal = journal;
        this.clock = clock;
    }

    private static LogOutput ofProcess(Map<String, String> environment) {
        boolean journal = environment.containsKey("JOURNAL_STREAM");
        return new LogOutput(new FileOutputStream(FileDescriptor.err), journal, Clock.systemUTC());
    }

    /** For tests. */
    static void replace(LogOutput output) {
        current = output;
    }

    /**
     * Sets the least level that is written.
     *
     * @param name {@code error}, {@code warn}, {@code info}, {@code debug} or {@code trace}
     */
    public static void setLevel(String name) {
        level = Level.valueOf(name.toUpperCase(Locale.ROOT));
    }

    static Level level() {
        return level;
    }

    static void write(Level level, String message, List<KeyValuePair> pairs, @Nullable Throwable cause) {
        current.writeLine(level, message, pairs, cause);
    }

    private void writeLine(Level level, String message, List<KeyValuePair> pairs, @Nullable Throwable cause) {
        StringBuilder line = new StringBuilder(128);
        if (!journal) {
            LocalDateTime now = LocalDateTime.ofInstant(clock.instant(), ZoneId.systemDefault());
            line.append(letter(level));
            two(line, now.getMonthValue());
            two(line, now.getDayOfMonth());
            line.append(' ');
            two(line, now.getHour());
            line.append(':');
            two(line, now.getMinute());
            line.append(':');
            two(line, now.getSecond());
            line.append('.')
                    .append(String.valueOf(1_000_000 + now.getNano() / 1_000), 1, 7)
                    .append(' ');
        }
        line.append(message);
        for (KeyValuePair pair : pairs) {
            line.append(' ').append(pair.key).append('=');
            value(line, String.valueOf(pair.value));
        }
        if (cause != null) {
            line.append(" err=");
            value(line, ErrorText.of(cause));
        }
        StringBuilder text = new StringBuilder(line.length() + 8);
        append(text, level, line.toString());
        // An error that was foreseen explains itself; the stack of one that was not is needed.
        if (cause != null && (cause instanceof RuntimeException || cause instanceof Error || isDebug())) {
            stack(text, level, cause);
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        synchronized (out) {
            try {
                out.write(bytes);
                out.flush();
            } catch (IOException e) {
                // Nobody listens any more, and there is no other place to complain to.
            }
        }
    }

    private static boolean isDebug() {
        return level.toInt() <= Level.DEBUG.toInt();
    }

    private void append(StringBuilder text, Level level, String line) {
        if (journal) {
            text.append('<').append(priority(level)).append('>');
        }
        text.append(line.replace("\n", "\\n")).append('\n');
    }

    private void stack(StringBuilder text, Level level, Throwable cause) {
        for (Throwable at = cause; at != null; at = at.getCause()) {
            append(text, level, "    " + at);
            for (StackTraceElement element : at.getStackTrace()) {
                append(text, level, "        at " + element);
            }
        }
    }

    private static void value(StringBuilder line, String value) {
        if (!value.isEmpty() && value.chars().allMatch(c -> c > ' ' && c != '"' && c != '=' && c != 0x7f)) {
            line.append(value);
            return;
        }
        line.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '"' -> line.append("\\\"");
                case '\\' -> line.append("\\\\");
                case '\n' -> line.append("\\n");
                case '\r' -> line.append("\\r");
                case '\t' -> line.append("\\t");
                default -> {
                    if (c < ' ' || c == 0x7f) {
                        line.append(String.format(Locale.ROOT, "\\x%02x", (int) c));
                    } else {
                        line.append(c);
                    }
                }
            }
        }
        line.append('"');
    }

    private static void two(StringBuilder line, int number) {
        line.append((char) ('0' + number / 10)).append((char) ('0' + number % 10));
    }

    private static char letter(Level level) {
        return switch (level) {
            case ERROR -> 'E';
            case WARN -> 'W';
            case INFO -> 'I';
            case DEBUG -> 'D';
            case TRACE -> 'T';
        };
    }

    /** syslog(3)'s. */
    private static int priority(Level level) {
        return switch (level) {
            case ERROR -> 3;
            case WARN -> 4;
            case INFO -> 6;
            case DEBUG, TRACE -> 7;
        };
    }
}
