package dev.gantry.images.toml;

import dev.gantry.images.Quoted;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads TOML 1.0 without its dates, floating-point numbers and arrays of tables, which no configuration read here has: they are
 * errors that say so. Keys stay in the order of the text. A text of {@link #LARGEST} characters is the most.
 *
 * @see <a href="https://toml.io/en/v1.0.0">TOML 1.0.0</a>
 */
public final class TomlReader {
    /** Characters of a text. */
    public static final int LARGEST = 64 << 10;

    private static final int DEEPEST = 16;

    private final String text;
    private int at;
    private int line = 1;
    /** Tables that have had a header of their own, or were written in one piece: neither can be opened again. */
    private final Set<Object> closed = java.util.Collections.newSetFromMap(new IdentityHashMap<>());

    private TomlReader(String text) {
        this.text = text;
    }

    /** The table that the whole text is. */
    public static TomlValue read(String text) throws TomlFormatException {
        if (text.length() > LARGEST) {
            throw new TomlFormatException(1, "longer than " + LARGEST + " characters");
        }
        return new TomlReader(text).document();
    }

    private TomlValue document() throws TomlFormatException {
        TomlValue root = TomlValue.table(1);
        TomlValue current = root;
        while (true) {
            skipBlank(true);
            if (at >= text.length()) {
                return root;
            }
            if (peek() == '[') {
                current = header(root);
            } else {
                keyAndValue(current, 0);
            }
            endOfLine();
        }
    }

    private TomlValue header(TomlValue root) throws TomlFormatException {
        int start = line;
        expect('[');
        if (peek() == '[') {
            throw error("arrays of tables ([[…]]) mean nothing here");
        }
        List<String> path = key();
        skipBlank(false);
        expect(']');
        TomlValue table = descend(root, path, start);
        if (!closed.add(table.content())) {
            throw new TomlFormatException(start, "table [" + String.join(".", path) + "] is there twice");
        }
        return table;
    }

    private TomlValue descend(TomlValue from, List<String> path, int start) throws TomlFormatException {
        TomlValue table = from;
        for (String name : path) {
            TomlValue next = table.table().get(name);
            if (next == null) {
                next = TomlValue.table(start);
                table.table().put(name, next);
            } else if (!(next.content() instanceof Map)) {
                throw new TomlFormatException(
                        start, "'" + Quoted.cut(name, 60) + "' is a value already, from line " + next.line());
            }
            table = next;
        }
        return table;
    }

    private void keyAndValue(TomlValue table, int depth) throws TomlFormatException {
        int start = line;
        List<String> path = key();
        skipBlank(false);
        expect('=');
        skipBlank(false);
        TomlValue value = value(depth);
        TomlValue target = descend(table, path.subList(0, path.size() - 1), start);
        String name = path.get(path.size() - 1);
        if (path.size() > 1 && closed.contains(target.content())) {
            throw new TomlFormatException(start, "table '" + path.get(0) + "' is complete already");
        }
        if (target.table().putIfAbsent(name, value) != null) {
            throw new TomlFormatException(start, "'" + Quoted.cut(name, 60) + "' is there twice");
        }
    }

    // --- keys

    private List<String> key() throws TomlFormatException {
        List<String> path = new ArrayList<>();
        while (true) {
            skipBlank(false);
            path.add(simpleKey());
            if (path.size() > DEEPEST) {
                throw error("deeper than " + DEEPEST + " tables");
            }
            skipBlank(false);
            if (peek() != '.') {
                return path;
            }
            at++;
        }
    }

    private String simpleKey() throws TomlFormatException {
        char c = peek();
        if (c == '"' || c == '\'') {
            return string();
        }
        int start = at;
        while (at < text.length() && isBare(text.charAt(at))) {
            at++;
        }
        if (at == start) {
            throw error("expected a key, found " + found());
        }
        return text.substring(start, at);
    }

    private static boolean isBare(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    }

    // --- values

    private TomlValue value(int depth) throws TomlFormatException {
        if (depth > DEEPEST) {
            throw error("nested deeper than " + DEEPEST);
        }
        int start = line;
        char c = peek();
        if (c == '"' || c == '\'') {
            return new TomlValue(start, string());
        }
        if (c == '[') {
            return new TomlValue(start, array(depth));
        }
        if (c == '{') {
            return inlineTable(depth);
        }
        return new TomlValue(start, word());
    }

    private Object word() throws TomlFormatException {
        int start = at;
        while (at < text.length() && (isBare(text.charAt(at)) || "+.:".indexOf(text.charAt(at)) >= 0)) {
            at++;
        }
        String word = text.substring(start, at);
        if (word.equals("true") || word.equals("false")) {
            return word.equals("true");
        }
        if (word.matches("[+-]?[0-9]([0-9_]{0,17})") && !word.endsWith("_")) {
            return Long.parseLong(word.replace("_", "").replace("+", ""));
        }
        at = start;
        throw error("expected a value: a text in quotes, true, false, a whole number, an array or a table; found "
                + found());
    }

    private List<TomlValue> array(int depth) throws TomlFormatException {
        expect('[');
        List<TomlValue> elements = new ArrayList<>();
        while (true) {
            skipBlank(true);
            if (peek() == ']') {
                at++;
                return elements;
            }
            elements.add(value(depth + 1));
            skipBlank(true);
            if (peek() != ']') {
                expect(',');
            }
        }
    }

    private TomlValue inlineTable(int depth) throws TomlFormatException {
        TomlValue table = TomlValue.table(line);
        expect('{');
        skipBlank(false);
        if (peek() == '}') {
            at++;
        } else {
            while (true) {
                keyAndValue(table, depth + 1);
                skipBlank(false);
                if (peek() == '}') {
                    at++;
                    break;
                }
                expect(',');
                skipBlank(false);
            }
        }
        closed.add(table.content());
        return table;
    }

    // --- texts

    private String string() throws TomlFormatException {
        char quote = peek();
        String three = String.valueOf(quote).repeat(3);
        if (text.startsWith(three, at)) {
            at += 3;
            if (text.startsWith("\n", at) || text.startsWith("\r\n", at)) {
                at = text.indexOf('\n', at) + 1;
                line++;
            }
            return rest(three, quote == '"');
        }
        at++;
        return rest(String.valueOf(quote), quote == '"');
    }

    private String rest(String end, boolean escapes) throws TomlFormatException {
        int start = line;
        boolean manyLines = end.length() == 3;
        StringBuilder result = new StringBuilder();
        while (true) {
            if (at >= text.length()) {
                throw new TomlFormatException(start, "a text has no end: " + end + " is missing");
            }
            if (text.startsWith(end, at)) {
                at += end.length();
                // up to two quotes may stand before the closing three
                for (int more = 0; manyLines && more < 2 && peek() == end.charAt(0); more++) {
                    result.append(end.charAt(0));
                    at++;
                }
                return result.toString();
            }
            char c = text.charAt(at++);
            if (c == '\n') {
                if (!manyLines) {
                    throw new TomlFormatException(start, "a text has no end on its line: " + end + " is missing");
                }
                line++;
                result.append(c);
            } else if (c == '\\' && escapes) {
                escape(result, manyLines);
            } else if ((c < ' ' && c != '\t' && c != '\r') || c == 0x7f) {
                throw error("a control character in a text");
            } else {
                result.append(c);
            }
        }
    }

    private void escape(StringBuilder result, boolean manyLines) throws TomlFormatException {
        char c = at < text.length() ? text.charAt(at++) : ' ';
        switch (c) {
            case 'b' -> result.append('\b');
            case 't' -> result.append('\t');
            case 'n' -> result.append('\n');
            case 'f' -> result.append('\f');
            case 'r' -> result.append('\r');
            case '"' -> result.append('"');
            case '\\' -> result.append('\\');
            case 'u' -> result.appendCodePoint(hex(4));
            case 'U' -> result.appendCodePoint(hex(8));
            default -> {
                at--;
                if (!manyLines || !skipToNextLine()) {
                    throw error("unknown escape \\" + found());
                }
            }
        }
    }

    /** A backslash at the end of a line takes all blanks up to the next text with it. */
    private boolean skipToNextLine() {
        int end = at;
        int lines = 0;
        while (end < text.length() && " \t\r\n".indexOf(text.charAt(end)) >= 0) {
            lines += text.charAt(end) == '\n' ? 1 : 0;
            end++;
        }
        if (lines == 0) {
            return false;
        }
        at = end;
        line += lines;
        return true;
    }

    private int hex(int digits) throws TomlFormatException {
        String code = text.substring(at, Math.min(text.length(), at + digits));
        if (!code.matches("[0-9a-fA-F]{" + digits + "}")) {
            throw error("expected " + digits + " hexadecimal digits, found " + found());
        }
        long point = Long.parseLong(code, 16);
        if (point > Character.MAX_CODE_POINT || (point >= 0xd800 && point <= 0xdfff)) {
            throw error("there is no character " + code);
        }
        at += digits;
        return (int) point;
    }

    // --- between

    /** Spaces, tabs, and if asked for also ends of lines and comments. */
    private void skipBlank(boolean lines) throws TomlFormatException {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == ' ' || c == '\t') {
                at++;
            } else if (lines && (c == '\n' || text.startsWith("\r\n", at))) {
                at += c == '\n' ? 1 : 2;
                line++;
            } else if (lines && c == '#') {
                comment();
            } else {
                return;
            }
        }
    }

    private void comment() {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end;
    }

    private void endOfLine() throws TomlFormatException {
        skipBlank(false);
        if (peek() == '#') {
            comment();
        }
        if (at < text.length() && text.charAt(at) != '\n' && !text.startsWith("\r\n", at)) {
            throw error("expected the end of the line, found " + found());
        }
    }

    /** The next character; NUL at the end of the text. */
    private char peek() {
        return at < text.length() ? text.charAt(at) : '\0';
    }

    private void expect(char c) throws TomlFormatException {
        if (peek() != c) {
            throw error("expected '" + c + "', found " + found());
        }
        at++;
    }

    private String found() {
        if (at >= text.length()) {
            return "the end of the file";
        }
        int end = text.indexOf('\n', at);
        String rest = text.substring(at, end < 0 ? text.length() : end).strip();
        return rest.isEmpty() ? "the end of the line" : "'" + Quoted.cut(rest, 30) + "'";
    }

    private TomlFormatException error(String message) {
        return new TomlFormatException(line, message);
    }
}
