package dev.gantry.images.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.gantry.images.Quoted;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object that was read whole. A field that is {@code null} counts as absent: Go programs write empty lists so.
 */
public final class JsonObject {
    private static final int DEEPEST = 32;
    private static final int LONGEST_STRING = 4 << 20;
    private static final int MOST_VALUES = 500_000;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEEPEST)
                    .maxStringLength(LONGEST_STRING)
                    .maxNumberLength(40)
                    .maxNameLength(64 << 10)
                    .build())
            .build();

    private final String path;
    private final Map<String, Object> fields;

    private JsonObject(String path, Map<String, Object> fields) {
        this.path = path;
        this.fields = fields;
    }

    /**
     * Reads a text that is one object.
     *
     * @param what names the text in errors, e.g. {@code manifest sha256:…}
     */
    public static JsonObject parse(byte[] text, String what) throws JsonFormatException {
        Object value = parseAny(text, what);
        if (value instanceof Map<?, ?> map) {
            return new JsonObject(what, cast(map));
        }
        throw new JsonFormatException(what + ": expected an object");
    }

    /** Reads a text that is a list of objects. */
    public static List<JsonObject> parseList(byte[] text, String what) throws JsonFormatException {
        Object value = parseAny(text, what);
        if (value instanceof List<?> list) {
            return objects(list, what);
        }
        throw new JsonFormatException(what + ": expected a list");
    }

    private static Object parseAny(byte[] text, String what) throws JsonFormatException {
        try (JsonParser parser = FACTORY.createParser(text)) {
            int[] budget = {MOST_VALUES};
            parser.nextToken();
            Object value = read(parser, budget, what);
            if (parser.nextToken() != null) {
                throw new JsonFormatException(what + ": more text after the end of the JSON");
            }
            return value;
        } catch (JsonFormatException e) {
            throw e;
        } catch (JsonProcessingException e) {
            throw new JsonFormatException(
                    what + ": not JSON, line " + line(e) + ": " + Quoted.cut(e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new JsonFormatException(what + ": not JSON: " + e.getMessage(), e);
        }
    }

    private static int line(JsonProcessingException e) {
        return e.getLocation() == null ? 1 : e.getLocation().getLineNr();
    }

    private static Object read(JsonParser parser, int[] budget, String what) throws IOException {
        if (--budget[0] < 0) {
            throw new JsonFormatException(what + ": more than " + MOST_VALUES + " values");
        }
        JsonToken token = parser.currentToken();
        if (token == null) {
            throw new JsonFormatException(what + ": empty");
        }
        return switch (token) {
            case START_OBJECT -> {
                Map<String, Object> map = new LinkedHashMap<>();
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String name = parser.currentName();
                    parser.nextToken();
                    Object value = read(parser, budget, what);
                    if (value != Null.NULL) {
                        map.put(name, value);
                    }
                }
                yield map;
            }
            case START_ARRAY -> {
                List<Object> list = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    list.add(read(parser, budget, what));
                }
                yield list;
            }
            case VALUE_STRING -> parser.getText();
            case VALUE_NUMBER_INT ->
                parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                        ? (Object) parser.getDoubleValue()
                        : (Object) parser.getLongValue();
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case VALUE_NULL -> Null.NULL;
            case NOT_AVAILABLE, END_OBJECT, END_ARRAY, FIELD_NAME, VALUE_EMBEDDED_OBJECT ->
                throw new JsonFormatException(what + ": unexpected " + token);
        };
    }

    private enum Null {
        NULL
    }

    /** Where this object is: the name of the text and the path in it. */
    public String path() {
        return path;
    }

    public boolean has(String name) {
        return fields.containsKey(name);
    }

    public Set<String> names() {
        return Collections.unmodifiableSet(fields.keySet());
    }

    public String string(String name) throws JsonFormatException {
        return optionalString(name).orElseThrow(() -> missing(name));
    }

    /** The text of the field, or {@code ""}. */
    public String stringOrEmpty(String name) throws JsonFormatException {
        return optionalString(name).orElse("");
    }

    public Optional<String> optionalString(String name) throws JsonFormatException {
        Object value = fields.get(name);
        if (value == null || value instanceof String) {
            return Optional.ofNullable((String) value);
        }
        throw wrongType(name, "a string", value);
    }

    public long integer(String name) throws JsonFormatException {
        Object value = fields.get(name);
        if (value instanceof Long number) {
            return number;
        }
        throw value == null ? missing(name) : wrongType(name, "an integer of 64 bits", value);
    }

    /** The number in the field, or {@code otherwise} if there is none. */
    public long integer(String name, long otherwise) throws JsonFormatException {
        return has(name) ? integer(name) : otherwise;
    }

    public boolean bool(String name) throws JsonFormatException {
        Object value = fields.get(name);
        if (value == null || value instanceof Boolean) {
            return Boolean.TRUE.equals(value);
        }
        throw wrongType(name, "true or false", value);
    }

    public JsonObject object(String name) throws JsonFormatException {
        return optionalObject(name).orElseThrow(() -> missing(name));
    }

    public Optional<JsonObject> optionalObject(String name) throws JsonFormatException {
        Object value = fields.get(name);
        if (value == null) {
            return Optional.empty();
        }
        if (value instanceof Map<?, ?> map) {
            return Optional.of(new JsonObject(path + "." + Quoted.cut(name), cast(map)));
        }
        throw wrongType(name, "an object", value);
    }

    /** The objects of the list, none if the field is absent. */
    public List<JsonObject> objects(String name) throws JsonFormatException {
        Object value = fields.get(name);
        if (value == null) {
            return List.of();
        }
        if (value instanceof List<?> list) {
            return objects(list, path + "." + name);
        }
        throw wrongType(name, "a list", value);
    }

    /** The strings of the list, none if the field is absent. */
    public List<String> strings(String name) throws JsonFormatException {
        Object value = fields.get(name);
        if (value == null) {
            return List.of();
        }
        if (!(value instanceof List<?> list)) {
            throw wrongType(name, "a list", value);
        }
        List<String> result = new ArrayList<>(list.size());
        for (Object element : list) {
            if (!(element instanceof String text)) {
                throw wrongType(name + "[" + result.size() + "]", "a string", element);
            }
            result.add(text);
        }
        return result;
    }

    /** The names and texts of an object of strings, none if the field is absent. */
    public Map<String, String> stringMap(String name) throws JsonFormatException {
        Optional<JsonObject> object = optionalObject(name);
        Map<String, String> result = new LinkedHashMap<>();
        if (object.isPresent()) {
            for (String key : object.get().names()) {
                result.put(key, object.get().string(key));
            }
        }
        return result;
    }

    private static List<JsonObject> objects(List<?> list, String path) throws JsonFormatException {
        List<JsonObject> result = new ArrayList<>(list.size());
        for (Object element : list) {
            String place = path + "[" + result.size() + "]";
            if (!(element instanceof Map<?, ?> map)) {
                throw new JsonFormatException(place + ": expected an object");
            }
            result.add(new JsonObject(place, cast(map)));
        }
        return result;
    }

    @SuppressWarnings("unchecked") // read() puts nothing else into it
    private static Map<String, Object> cast(Map<?, ?> map) {
        return (Map<String, Object>) map;
    }

    private JsonFormatException missing(String name) {
        return new JsonFormatException(path + ": field '" + name + "' is missing");
    }

    private JsonFormatException wrongType(String name, String expected, @Nullable Object found) {
        String kind = found instanceof String
                ? "a string"
                : found instanceof Map ? "an object" : found instanceof List ? "a list" : String.valueOf(found);
        return new JsonFormatException(path + "." + Quoted.cut(name) + ": expected " + expected + ", found " + kind);
    }
}
