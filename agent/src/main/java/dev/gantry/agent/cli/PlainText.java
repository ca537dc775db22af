package dev.gantry.agent.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Text of pods for a person's terminal: what a container wrote into an event or a status must not move the cursor, set the
 * window's title or hide a line (CVE-2021-25743, which kubectl had).
 */
final class PlainText {
    private static final int ESCAPE = 0x1b;
    private static final int DELETE = 0x7f;
    private static final int LAST_CONTROL = 0x9f;

    private PlainText() {}

    /** The text with its control characters shown; line breaks and tabs stay. */
    static String of(String text) {
        if (text.chars().noneMatch(PlainText::isControl)) {
            return text;
        }
        StringBuilder out = new StringBuilder();
        text.chars().forEach(c -> {
            if (!isControl(c)) {
                out.append((char) c);
            } else if (c == '\r') {
                out.append("\\r");
            } else if (c == ESCAPE) {
                out.append("^[");
            } else {
                out.append("\\x%02x".formatted(c));
            }
        });
        return out.toString();
    }

    /** For the cell of a table: of several lines the first, and that there are more, as kubectl has it. */
    static String cell(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\n' || c == '\r' || c == '\f') {
                return of(text.substring(0, i)) + "...";
            }
        }
        return of(text);
    }

    /** A document with all its texts so. */
    static Json of(Json document) {
        return new Json(plain(document.value()));
    }

    private static @Nullable Object plain(@Nullable Object value) {
        if (value instanceof String text) {
            return of(text);
        } else if (value instanceof List<?> list) {
            return list.stream().map(PlainText::plain).toList();
        } else if (value instanceof Map<?, ?> object) {
            Map<String, @Nullable Object> result = new LinkedHashMap<>();
            object.forEach((name, member) -> result.put(of(String.valueOf(name)), plain(member)));
            return result;
        }
        return value;
    }

    private static boolean isControl(int c) {
        return (c < ' ' && c != '\n' && c != '\t') || (c >= DELETE && c <= LAST_CONTROL);
    }
}
