package dev.gantry.images.toml;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A value, with the line at which it stands.
 *
 * @param line from 1
 * @param content a {@code String}, {@code Boolean}, {@code Long}, {@code List<TomlValue>} or, for tables in the order of the text,
 *     {@code Map<String, TomlValue>}
 */
public record TomlValue(int line, Object content) {
    static TomlValue table(int line) {
        return new TomlValue(line, new LinkedHashMap<String, TomlValue>());
    }

    /** The keys of this table with their values, in the order of the text. */
    @SuppressWarnings("unchecked")
    public Map<String, TomlValue> table() throws TomlFormatException {
        if (content instanceof Map<?, ?>) {
            return (Map<String, TomlValue>) content;
        }
        throw expected("a table");
    }

    public String text() throws TomlFormatException {
        if (content instanceof String text) {
            return text;
        }
        throw expected("a text in quotes");
    }

    public boolean bool() throws TomlFormatException {
        if (content instanceof Boolean bool) {
            return bool;
        }
        throw expected("true or false");
    }

    /** The elements of this array. */
    @SuppressWarnings("unchecked")
    public List<TomlValue> list() throws TomlFormatException {
        if (content instanceof List<?>) {
            return (List<TomlValue>) content;
        }
        throw expected("an array");
    }

    /** The elements of this array, or this one value. */
    public List<TomlValue> oneOrMany() {
        return content instanceof List<?> ? elements() : List.of(this);
    }

    @SuppressWarnings("unchecked")
    private List<TomlValue> elements() {
        return (List<TomlValue>) content;
    }

    /** Texts of an array, or one text. */
    public List<String> texts() throws TomlFormatException {
        List<String> texts = new ArrayList<>();
        for (TomlValue each : oneOrMany()) {
            texts.add(each.text());
        }
        return texts;
    }

    /** Refuses a table that has other keys than these. */
    public void onlyKeys(Set<String> known) throws TomlFormatException {
        for (Map.Entry<String, TomlValue> entry : table().entrySet()) {
            if (!known.contains(entry.getKey())) {
                throw new TomlFormatException(
                        entry.getValue().line(),
                        "unknown field '" + dev.gantry.images.Quoted.cut(entry.getKey(), 60) + "', known are "
                                + String.join(", ", known.stream().sorted().toList()));
            }
        }
    }

    private TomlFormatException expected(String what) {
        String found = content instanceof Map
                ? "a table"
                : content instanceof List
                        ? "an array"
                        : content instanceof String text
                                ? "'" + dev.gantry.images.Quoted.cut(text, 60) + "'"
                                : content.toString();
        return new TomlFormatException(line, "expected " + what + ", found " + found);
    }
}
