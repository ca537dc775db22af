package dev.gantry.agent.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A JSON value without a schema. Asking a value for something it does not have gives an empty one, so that a description reads like the document.
 *
 * @param value a {@code Map}, {@code List}, {@code String}, {@code Number}, {@code Boolean} or null
 */
record Json(@Nullable Object value) {
    static final Json EMPTY = new Json(null);
    private static final JsonFactory FACTORY = new JsonFactory();

    static Json parse(byte[] bytes) throws IOException {
        try (JsonParser parser = FACTORY.createParser(bytes)) {
            if (parser.nextToken() == null) {
                throw new IOException("the agent's answer is empty");
            }
            return new Json(read(parser));
        }
    }

    static Json parse(String text) throws IOException {
        try (JsonParser parser = FACTORY.createParser(text)) {
            if (parser.nextToken() == null) {
                throw new IOException("the agent's answer is empty");
            }
            return new Json(read(parser));
        }
    }

    private static @Nullable Object read(JsonParser parser) throws IOException {
        JsonToken token = parser.currentToken();
        switch (token) {
            case START_OBJECT -> {
                Map<String, @Nullable Object> object = new LinkedHashMap<>();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    String name = parser.currentName();
                    parser.nextToken();
                    object.put(name, read(parser));
                }
                return object;
            }
            case START_ARRAY -> {
                List<@Nullable Object> array = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    array.add(read(parser));
                }
                return array;
            }
            case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> {
                return parser.getNumberValue();
            }
            case VALUE_TRUE -> {
                return true;
            }
            case VALUE_FALSE -> {
                return false;
            }
            case VALUE_NULL -> {
                return null;
            }
            default -> {
                return parser.getText();
            }
        }
    }

    /** The member at a path of names. */
    Json at(String... names) {
        Object current = value;
        for (String name : names) {
            if (!(current instanceof Map<?, ?> object)) {
                return EMPTY;
            }
            current = object.get(name);
        }
        return current == null ? EMPTY : new Json(current);
    }

    /** The member as it would be printed; empty if there is none. */
    String text(String... names) {
        Object found = at(names).value;
        return found == null ? "" : found.toString();
    }

    long number(String name) {
        return at(name).value instanceof Number number ? number.longValue() : 0;
    }

    boolean isTrue(String... names) {
        return Boolean.TRUE.equals(at(names).value);
    }

    boolean isPresent() {
        return value != null;
    }

    /** The members of an array. */
    List<Json> items(String... names) {
        List<Json> items = new ArrayList<>();
        if (at(names).value instanceof List<?> list) {
            for (Object item : list) {
                items.add(new Json(item));
            }
        }
        return items;
    }

    /** The members of an object, in the document's order. */
    Map<String, Json> members(String... names) {
        Map<String, Json> members = new LinkedHashMap<>();
        if (at(names).value instanceof Map<?, ?> object) {
            for (Map.Entry<?, ?> entry : object.entrySet()) {
                members.put(String.valueOf(entry.getKey()), new Json(entry.getValue()));
            }
        }
        return members;
    }

    /** The first member of an array that has {@code name} equal to {@code wanted}. */
    Optional<Json> first(String array, String name, String wanted) {
        for (Json item : items(array)) {
            if (item.text(name).equals(wanted)) {
                return Optional.of(item);
            }
        }
        return Optional.empty();
    }
}
