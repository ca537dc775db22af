package dev.gantry.images.toml;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gantry.images.Quoted;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A value with its place.
 *
 * @param where the field by its path, as {@code host."https://mirror".ca[0]}; empty for the whole text
 */
public record TomlValue(String where, JsonNode node) {
    private static final int LONGEST_SHOWN = 60;

    /** The keys of this table with their values, in the order of the text. */
    public Map<String, TomlValue> table() throws TomlFormatException {
        if (!node.isObject()) {
            throw expected("a table");
        }
        Map<String, TomlValue> entries = new LinkedHashMap<>();
        node.properties()
                .forEach(entry -> entries.put(entry.getKey(), new TomlValue(under(entry.getKey()), entry.getValue())));
        return entries;
    }

    private String under(String key) {
        String shown = key.matches("[A-Za-z0-9_-]{1,60}") ? key : "\"" + Quoted.cut(key, LONGEST_SHOWN) + "\"";
        return where.isEmpty() ? shown : where + "." + shown;
    }

    public String text() throws TomlFormatException {
        if (!node.isTextual()) {
            throw expected("a text in quotes");
        }
        return node.textValue();
    }

    public boolean bool() throws TomlFormatException {
        if (!node.isBoolean()) {
            throw expected("true or false");
        }
        return node.booleanValue();
    }

    /** The elements of this array. */
    public List<TomlValue> list() throws TomlFormatException {
        if (!node.isArray()) {
            throw expected("an array");
        }
        return oneOrMany();
    }

    /** The elements of this array, or this one value. */
    public List<TomlValue> oneOrMany() {
        if (!node.isArray()) {
            return List.of(this);
        }
        List<TomlValue> elements = new ArrayList<>();
        for (JsonNode element : node) {
            elements.add(new TomlValue(where + "[" + elements.size() + "]", element));
        }
        return elements;
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
                        entry.getValue().where(),
                        "unknown field, known are "
                                + String.join(", ", known.stream().sorted().toList()));
            }
        }
    }

    /** That it is something else than expected. */
    private TomlFormatException expected(String what) {
        String found = node.isObject()
                ? "a table"
                : node.isArray()
                        ? "an array"
                        : node.isTextual() ? "'" + Quoted.cut(node.textValue(), LONGEST_SHOWN) + "'" : node.asText();
        return new TomlFormatException(where, "expected " + what + ", found " + found);
    }
}
