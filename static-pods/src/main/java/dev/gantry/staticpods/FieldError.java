package dev.gantry.staticpods;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One field that the API refuses, worded as the API server words it.
 *
 * @param field path such as {@code spec.containers[0].image}
 * @param value as the message shows it; null where it shows none
 * @param detail what would be right; may be empty
 */
public record FieldError(Type type, String field, @Nullable String value, String detail) {
    /** What is wrong: the API's words, and the reason in {@code status.details.causes}. */
    public enum Type {
        REQUIRED("Required value", "FieldValueRequired"),
        INVALID("Invalid value", "FieldValueInvalid"),
        NOT_SUPPORTED("Unsupported value", "FieldValueNotSupported"),
        DUPLICATE("Duplicate value", "FieldValueDuplicate"),
        NOT_FOUND("Not found", "FieldValueNotFound"),
        FORBIDDEN("Forbidden", "FieldValueForbidden"),
        TOO_LONG("Too long", "FieldValueTooLong"),
        TOO_MANY("Too many", "FieldValueTooMany");

        private final String text;
        private final String reason;

        Type(String text, String reason) {
            this.text = text;
            this.reason = reason;
        }

        /** The cause's reason. */
        public String reason() {
            return reason;
        }
    }

    /** Longer values are cut: they come from files of megabytes. */
    private static final int MAX_SHOWN = 300;

    static FieldError required(String field, String detail) {
        return new FieldError(Type.REQUIRED, field, null, detail);
    }

    public static FieldError invalid(String field, Object value, String detail) {
        return new FieldError(Type.INVALID, field, show(value), detail);
    }

    static FieldError notSupported(String field, Object value, List<String> supported) {
        return new FieldError(
                Type.NOT_SUPPORTED,
                field,
                show(value),
                supported.stream()
                        .sorted()
                        .map(FieldError::show)
                        .collect(Collectors.joining(", ", "supported values: ", "")));
    }

    static FieldError duplicate(String field, Object value) {
        return new FieldError(Type.DUPLICATE, field, show(value), "");
    }

    static FieldError notFound(String field, Object value) {
        return notFound(field, value, "");
    }

    static FieldError notFound(String field, Object value, String detail) {
        return new FieldError(Type.NOT_FOUND, field, show(value), detail);
    }

    /** A value that the API knows and this cannot have here. */
    public static FieldError forbidden(String field, String detail) {
        return new FieldError(Type.FORBIDDEN, field, null, detail);
    }

    static FieldError tooMany(String field, int count, int max) {
        return new FieldError(Type.TOO_MANY, field, Integer.toString(count), "must have at most " + max + " items");
    }

    static FieldError tooLong(String field, int maxBytes) {
        return new FieldError(Type.TOO_LONG, field, null, "may not be more than " + maxBytes + " bytes");
    }

    private static String show(Object value) {
        return value instanceof String text
                ? '"' + oneLine(text.replace("\\", "\\\\").replace("\"", "\\\""), MAX_SHOWN) + '"'
                : oneLine(value.toString(), MAX_SHOWN);
    }

    /** The text without characters that would break a line of a log or move a terminal's cursor, and not too long. */
    static String oneLine(String text, int max) {
        int end = text.length() <= max ? text.length() : max - 1;
        StringBuilder out = new StringBuilder(end + 1);
        for (int i = 0; i < end; i++) {
            char c = text.charAt(i);
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (Character.isISOControl(c) || c == '\u2028' || c == '\u2029') {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        return end < text.length() ? out.append('…').toString() : out.toString();
    }

    /** Without the field: {@code Invalid value: "x": must be …}. */
    public String message() {
        return type.text + (value == null ? "" : ": " + value) + (detail.isEmpty() ? "" : ": " + detail);
    }

    /** {@code spec.containers[0].image: Required value}. */
    @Override
    public String toString() {
        return field + ": " + message();
    }
}
