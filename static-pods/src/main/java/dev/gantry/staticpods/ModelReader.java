package dev.gantry.staticpods;

import dev.gantry.staticpods.ModelSchema.FieldSchema;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Quantity;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns a document into an object of the Kubernetes model, strictly, and goes on after an error to find them all. */
final class ModelReader {
    /** No name in the API is longer; comparing all of them with a text of megabytes takes minutes. */
    private static final int MAX_SUGGESTED = 64;

    private final ManifestErrors errors;
    private boolean takesNul;

    ModelReader(ManifestErrors errors) {
        this.errors = errors;
    }

    /** The object; incomplete if this added errors. */
    <T> T read(Node node, Class<T> type) {
        // What a pod says becomes paths, arguments and variables, which end at the first NUL.
        takesNul = type != Pod.class;
        Object result = object(node, type, "");
        return type.cast(result != null ? result : ModelSchema.of(type).newInstance());
    }

    private @Nullable Object object(Node node, Class<?> type, String path) {
        if (!(node instanceof Node.Mapping mapping)) {
            expected(node, path, "a mapping of fields");
            return null;
        }
        ModelSchema schema = ModelSchema.of(type);
        Object result = schema.newInstance();
        for (Node.Entry entry : mapping.entries()) {
            String fieldPath = path.isEmpty() ? entry.key() : path + "." + entry.key();
            FieldSchema field = schema.field(entry.key());
            if (field == null) {
                error(entry.position(), fieldPath, "unknown field" + suggestion(entry.key(), schema.names()));
                continue;
            }
            Object value = value(entry.value(), field.valueType(), fieldPath);
            if (value != null) {
                field.set(result, value);
            }
        }
        return result;
    }

    /** The value, or null if the document says null or something wrong. */
    private @Nullable Object value(Node node, Type type, String path) {
        if (node instanceof Node.Scalar scalar && scalar.value() == null) {
            return null;
        }
        Class<?> raw = ModelSchema.rawType(type);
        if (raw == String.class) {
            return string(node, path);
        }
        if (raw == Boolean.class) {
            return scalarOf(node) instanceof Boolean value ? value : expected(node, path, "true or false");
        }
        if (raw == Integer.class) {
            Long value = integer(node, path, Integer.MIN_VALUE, Integer.MAX_VALUE);
            return value == null ? null : (Object) value.intValue();
        }
        if (raw == Long.class) {
            return integer(node, path, Long.MIN_VALUE, Long.MAX_VALUE);
        }
        if (raw == Double.class) {
            return scalarOf(node) instanceof Number value ? value.doubleValue() : expected(node, path, "a number");
        }
        if (raw == Quantity.class) {
            return quantity(node, path);
        }
        if (raw == IntOrString.class) {
            return intOrString(node, path);
        }
        if (List.class.isAssignableFrom(raw)) {
            return list(node, ModelSchema.elementType(type), path);
        }
        if (Map.class.isAssignableFrom(raw)) {
            return map(node, ModelSchema.elementType(type), path);
        }
        if (raw == Object.class || raw.getName().startsWith("java.")) {
            return free(node);
        }
        return object(node, raw, path);
    }

    private static @Nullable Object scalarOf(Node node) {
        return node instanceof Node.Scalar scalar ? scalar.value() : null;
    }

    private @Nullable String string(Node node, String path) {
        if (scalarOf(node) instanceof String text) {
            if (!takesNul && text.indexOf('\0') >= 0) {
                error(node.position(), path, "must not contain the character NUL; remove it");
                return null;
            }
            if (hasHalfACharacter(text)) {
                error(
                        node.position(),
                        path,
                        "is no Unicode text: it has half of a surrogate pair; write the character");
                return null;
            }
            return text;
        }
        if (node instanceof Node.Scalar scalar) {
            error(
                    node.position(),
                    path,
                    "expected a string, found " + node.describe() + ": quote it, \"" + scalar.text() + "\"");
            return null;
        }
        expected(node, path, "a string");
        return null;
    }

    /** JSON and YAML can write half of a surrogate pair, which no encoding has. */
    private static boolean hasHalfACharacter(String text) {
        boolean open = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isLowSurrogate(c) != open) {
                return true;
            }
            open = Character.isHighSurrogate(c);
        }
        return open;
    }

    private @Nullable Long integer(Node node, String path, long min, long max) {
        Object value = scalarOf(node);
        if (value instanceof Long number) {
            if (number >= min && number <= max) {
                return number;
            }
            error(node.position(), path, "expected an integer from " + min + " to " + max + ", found " + number);
            return null;
        }
        if (value instanceof String text && Syntax.plain(text) instanceof Long) {
            error(node.position(), path, "expected an integer, found " + node.describe() + ": remove the quotes");
            return null;
        }
        expected(node, path, "an integer");
        return null;
    }

    private @Nullable Quantity quantity(Node node, String path) {
        Object value = scalarOf(node);
        if (!(value instanceof String) && !(value instanceof Number)) {
            expected(node, path, "a quantity such as 500m, 2, 128Mi");
            return null;
        }
        String text = ((Node.Scalar) node).text();
        if (Quantities.parse(text) == null) {
            error(
                    node.position(),
                    path,
                    "expected a quantity such as 500m, 2, 128Mi, found \"" + text + "\""
                            + (text.endsWith("MB") || text.endsWith("GB") || text.endsWith("KB")
                                    ? ": write "
                                            + text.substring(0, text.length() - 1)
                                                    .replace("K", "k") + " or " + text.substring(0, text.length() - 1)
                                            + "i"
                                    : ""));
            return null;
        }
        return Quantities.quantity(text);
    }

    private @Nullable IntOrString intOrString(Node node, String path) {
        Object value = scalarOf(node);
        if (value instanceof Long) {
            Long number = integer(node, path, Integer.MIN_VALUE, Integer.MAX_VALUE);
            return number == null ? null : new IntOrString(number.intValue());
        }
        if (value instanceof String text) {
            return new IntOrString(text);
        }
        expected(node, path, "an integer or a string");
        return null;
    }

    private @Nullable List<?> list(Node node, Type element, String path) {
        if (!(node instanceof Node.Sequence sequence)) {
            error(
                    node.position(),
                    path,
                    "expected a list, found " + node.describe()
                            + (node instanceof Node.Mapping ? ": begin its items with '- '" : ""));
            return null;
        }
        List<Object> result = new ArrayList<>(sequence.items().size());
        for (int i = 0; i < sequence.items().size(); i++) {
            Node item = sequence.items().get(i);
            String itemPath = path + "[" + i + "]";
            if (item instanceof Node.Scalar scalar && scalar.value() == null) {
                error(item.position(), itemPath, "expected " + name(element) + ", found null");
                continue;
            }
            Object value = value(item, element, itemPath);
            if (value != null) {
                result.add(value);
            }
        }
        return result;
    }

    private static String name(Type element) {
        return element == String.class ? "a string" : "a value";
    }

    private @Nullable Map<String, ?> map(Node node, Type element, String path) {
        if (!(node instanceof Node.Mapping mapping)) {
            expected(node, path, "a mapping");
            return null;
        }
        Map<String, Object> result = new LinkedHashMap<>();
        for (Node.Entry entry : mapping.entries()) {
            Object value = value(entry.value(), element, path + "[" + entry.key() + "]");
            if (value != null) {
                result.put(entry.key(), value);
            } else if (element == String.class && isNull(entry.value())) {
                // As the API: a null string is the empty one.
                result.put(entry.key(), "");
            }
        }
        return result;
    }

    private static boolean isNull(Node node) {
        return node instanceof Node.Scalar scalar && scalar.value() == null;
    }

    /** A value whose fields the API does not name. */
    private static @Nullable Object free(Node node) {
        if (node instanceof Node.Mapping mapping) {
            Map<String, Object> result = new LinkedHashMap<>();
            mapping.entries().forEach(entry -> {
                Object value = free(entry.value());
                if (value != null) {
                    result.put(entry.key(), value);
                }
            });
            return result;
        }
        if (node instanceof Node.Sequence sequence) {
            List<Object> result = new ArrayList<>();
            sequence.items().forEach(item -> {
                Object value = free(item);
                if (value != null) {
                    result.add(value);
                }
            });
            return result;
        }
        return ((Node.Scalar) node).value();
    }

    private @Nullable Object expected(Node node, String path, String what) {
        error(node.position(), path, "expected " + what + ", found " + node.describe());
        return null;
    }

    private void error(Position position, String path, String message) {
        errors.add(position, path, message);
    }

    /** {@code , did you mean 'image'?} if a known name is near. */
    static String suggestion(String name, Collection<String> known) {
        if (name.length() > MAX_SUGGESTED) {
            return "";
        }
        String best = null;
        int bestDistance = Math.max(1, name.length() / 3) + 1;
        for (String candidate : known) {
            int distance = distance(name.toLowerCase(Locale.ROOT), candidate.toLowerCase(Locale.ROOT));
            if (distance < bestDistance) {
                best = candidate;
                bestDistance = distance;
            }
        }
        return best == null ? "" : ", did you mean '" + best + "'?";
    }

    /** Edits between two words, where two letters swapped count as one (optimal string alignment). */
    private static int distance(String a, String b) {
        int[][] cost = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    cost[i][j] = i + j;
                    continue;
                }
                int same = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                cost[i][j] = Math.min(cost[i - 1][j - 1] + same, Math.min(cost[i - 1][j], cost[i][j - 1]) + 1);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    cost[i][j] = Math.min(cost[i][j], cost[i - 2][j - 2] + 1);
                }
            }
        }
        return cost[a.length()][b.length()];
    }
}
