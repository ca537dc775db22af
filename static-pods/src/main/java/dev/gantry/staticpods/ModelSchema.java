package dev.gantry.staticpods;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The fields that one class of the Kubernetes model has in a document.
 *
 * <p>Read from the class the first time a document has such an object, from field names and types alone: a manifest
 * uses a dozen of the model's thousand classes, and reading annotations (or letting Jackson build its deserializers for
 * all that a Pod can hold) would cost more than the start of its sandbox. A test compares the names with the model's
 * annotations.
 */
final class ModelSchema {
    /** Where the model keeps what it does not know: not a field of the API. */
    private static final String UNKNOWN_FIELDS = "additionalProperties";

    private static final ConcurrentHashMap<Class<?>, ModelSchema> SCHEMAS = new ConcurrentHashMap<>();

    private final Class<?> type;
    private final Map<String, FieldSchema> fields;

    private ModelSchema(Class<?> type) {
        this.type = type;
        Map<String, FieldSchema> found = new LinkedHashMap<>();
        for (Field field : type.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers()) && !field.getName().equals(UNKNOWN_FIELDS)) {
                field.setAccessible(true);
                found.put(field.getName(), new FieldSchema(field));
            }
        }
        fields = Collections.unmodifiableMap(found);
    }

    static ModelSchema of(Class<?> type) {
        return SCHEMAS.computeIfAbsent(type, ModelSchema::new);
    }

    @Nullable FieldSchema field(String name) {
        return fields.get(name);
    }

    Collection<String> names() {
        return fields.keySet();
    }

    Class<?> type() {
        return type;
    }

    Object newInstance() {
        try {
            return type.getConstructor().newInstance();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("no object of the model's " + type, e);
        }
    }

    /** One field: its name in the document and the type of its value. */
    record FieldSchema(Field field) {
        Type valueType() {
            return field.getGenericType();
        }

        void set(Object target, Object value) {
            try {
                field.set(target, value);
            } catch (IllegalAccessException e) {
                throw new IllegalStateException("cannot set the model's " + field, e);
            }
        }
    }

    /** The type argument of a list, or the value's of a map. */
    static Type elementType(Type type) {
        if (type instanceof ParameterizedType parameterized) {
            Type[] arguments = parameterized.getActualTypeArguments();
            return arguments[arguments.length - 1];
        }
        return Object.class;
    }

    static Class<?> rawType(Type type) {
        if (type instanceof Class<?> plain) {
            return plain;
        }
        return type instanceof ParameterizedType parameterized ? rawType(parameterized.getRawType()) : Object.class;
    }
}
