package dev.gantry.agent.cli;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Prints objects as kubectl does with {@code -o json} and {@code -o yaml}: members sorted by name. */
final class Documents {
    private Documents() {}

    static String json(Json document) {
        StringBuilder out = new StringBuilder();
        json(out, document.value(), "");
        return out.append('\n').toString();
    }

    private static void json(StringBuilder out, @Nullable Object value, String indent) {
        String inner = indent + "    ";
        if (value instanceof Map<?, ?> object) {
            if (object.isEmpty()) {
                out.append("{}");
                return;
            }
            char separator = '{';
            for (Map.Entry<String, Object> member : sorted(object).entrySet()) {
                out.append(separator).append('\n').append(inner);
                quote(out, member.getKey());
                out.append(": ");
                json(out, member.getValue(), inner);
                separator = ',';
            }
            out.append('\n').append(indent).append('}');
        } else if (value instanceof List<?> list) {
            if (list.isEmpty()) {
                out.append("[]");
                return;
            }
            char separator = '[';
            for (Object item : list) {
                out.append(separator).append('\n').append(inner);
                json(out, item, inner);
                separator = ',';
            }
            out.append('\n').append(indent).append(']');
        } else if (value instanceof String text) {
            quote(out, text);
        } else {
            out.append(value);
        }
    }

    static void quote(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c < ' ' || c == 0x7f || (c >= 0x80 && c < 0xa0)) {
                        out.append(String.format("\\u%04x", (int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    static String yaml(Json document) {
        StringBuilder out = new StringBuilder();
        yaml(out, document.value(), "", false);
        return out.toString();
    }

    /** Writes a value and a line end. {@code inline} says that something stands before it on the line. */
    private static void yaml(StringBuilder out, @Nullable Object value, String indent, boolean inline) {
        if (value instanceof Map<?, ?> object && !object.isEmpty()) {
            boolean first = inline;
            for (Map.Entry<String, Object> member : sorted(object).entrySet()) {
                out.append(first ? "" : indent)
                        .append(scalar(member.getKey(), indent))
                        .append(':');
                member(out, member.getValue(), indent);
                first = false;
            }
        } else if (value instanceof List<?> list && !list.isEmpty()) {
            boolean first = inline;
            for (Object item : list) {
                out.append(first ? "" : indent).append("- ");
                yaml(out, item, indent + "  ", true);
                first = false;
            }
        } else {
            out.append(leaf(value, indent)).append('\n');
        }
    }

    private static void member(StringBuilder out, @Nullable Object value, String indent) {
        boolean nestedMap = value instanceof Map<?, ?> object && !object.isEmpty();
        boolean nestedList = value instanceof List<?> list && !list.isEmpty();
        if (nestedMap || nestedList) {
            out.append('\n');
            // As kubectl: a list stands at its parent's own indentation.
            yaml(out, value, nestedMap ? indent + "  " : indent, false);
        } else {
            out.append(' ').append(leaf(value, indent + "  ")).append('\n');
        }
    }

    private static String leaf(@Nullable Object value, String indent) {
        if (value instanceof Map) {
            return "{}";
        }
        if (value instanceof List) {
            return "[]";
        }
        return value instanceof String text ? scalar(text, indent) : String.valueOf(value);
    }

    private static String scalar(String text, String indent) {
        if (text.indexOf('\n') >= 0 && isPrintable(text) && !text.startsWith(" ") && !text.startsWith("\n")) {
            String body = text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
            StringBuilder block = new StringBuilder(!text.endsWith("\n") ? "|-" : body.endsWith("\n") ? "|+" : "|");
            for (String line : body.split("\n", -1)) {
                block.append('\n').append(line.isEmpty() ? "" : indent).append(line);
            }
            return block.toString();
        }
        if (!needsQuotes(text)) {
            return text;
        }
        StringBuilder quoted = new StringBuilder();
        quote(quoted, text);
        return quoted.toString();
    }

    private static boolean isPrintable(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if ((c < ' ' && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0)) {
                return false;
            }
        }
        return true;
    }

    /** Whether a plain scalar would be read back as something else than this string. */
    static boolean needsQuotes(String text) {
        if (text.isEmpty() || text.endsWith(":") || text.endsWith(" ") || text.startsWith(" ") || !isPrintable(text)) {
            return true;
        }
        if (text.contains(": ") || text.contains(" #") || text.indexOf('\n') >= 0 || text.indexOf('\t') >= 0) {
            return true;
        }
        char first = text.charAt(0);
        if ("!&*{}[],#|>@`\"'%".indexOf(first) >= 0) {
            return true;
        }
        if ((first == '-' || first == '?' || first == ':') && (text.length() == 1 || text.charAt(1) == ' ')) {
            return true;
        }
        if (text.startsWith("---") || text.equals("...") || text.equals("=")) {
            return true;
        }
        return isKeyword(text) || looksLikeNumberOrDate(text);
    }

    /** YAML 1.1's words too: readers of that version are still about. */
    private static boolean isKeyword(String text) {
        return switch (text.toLowerCase(java.util.Locale.ROOT)) {
            case "null",
                    "~",
                    "true",
                    "false",
                    "yes",
                    "no",
                    "on",
                    "off",
                    "y",
                    "n",
                    ".nan",
                    ".inf",
                    "-.inf",
                    "+.inf",
                    "<<" -> true;
            default -> false;
        };
    }

    private static boolean looksLikeNumberOrDate(String text) {
        char first = text.charAt(0);
        boolean signed = first == '-' || first == '+' || first == '.';
        char digit = signed && text.length() > 1 ? text.charAt(1) : first;
        if (!Character.isDigit(digit) && !(digit == '.' && text.length() > 2)) {
            return false;
        }
        return text.matches("[-+]?[0-9][0-9_]*(:[0-5]?[0-9])*(\\.[0-9_]*)?")
                || text.matches("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?")
                || text.matches("[-+]?0[xXoObB][0-9a-fA-F_]+")
                || text.matches("[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?");
    }

    private static Map<String, Object> sorted(Map<?, ?> object) {
        Map<String, Object> sorted = new TreeMap<>();
        for (Map.Entry<?, ?> member : object.entrySet()) {
            Object value = member.getValue();
            sorted.put(String.valueOf(member.getKey()), value == null ? Nothing.NULL : value);
        }
        return sorted;
    }

    /** Stands for JSON's null where a map may not hold it. */
    private enum Nothing {
        NULL;

        @Override
        public String toString() {
            return "null";
        }
    }
}
