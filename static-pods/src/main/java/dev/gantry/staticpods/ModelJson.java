package dev.gantry.staticpods;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Quantity;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.reflect.Field;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes objects of the Kubernetes model as JSON, field by field as {@link ModelReader} reads them: fields that are null
 * and lists and maps that are empty are left out. Loads nothing but the classes of the object at hand, so that it is
 * quick at the first use too.
 */
public final class ModelJson {
    private static final JsonFactory JSON = new JsonFactory();

    private ModelJson() {}

    /** The object as JSON without line breaks. */
    public static String write(Object object) {
        StringWriter text = new StringWriter(1024);
        try (JsonGenerator json = JSON.createGenerator(text)) {
            value(object, json);
        } catch (IOException e) {
            throw new IllegalStateException("a string cannot be written: " + e.getMessage(), e);
        }
        return text.toString();
    }

    private static void value(Object value, JsonGenerator json) throws IOException {
        if (value instanceof String text) {
            json.writeString(text);
        } else if (value instanceof Boolean bool) {
            json.writeBoolean(bool);
        } else if (value instanceof Integer || value instanceof Long) {
            json.writeNumber(((Number) value).longValue());
        } else if (value instanceof Number number) {
            json.writeNumber(number.toString());
        } else if (value instanceof Quantity quantity) {
            json.writeString(ResourceValidation.text(quantity));
        } else if (value instanceof IntOrString either) {
            if (either.getIntVal() != null) {
                json.writeNumber(either.getIntVal());
            } else {
                json.writeString(either.getStrVal());
            }
        } else if (value instanceof List<?> list) {
            json.writeStartArray();
            for (Object item : list) {
                value(item, json);
            }
            json.writeEndArray();
        } else if (value instanceof Map<?, ?> map) {
            json.writeStartObject();
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                if (entry.getValue() != null) {
                    json.writeFieldName(String.valueOf(entry.getKey()));
                    value(entry.getValue(), json);
                }
            }
            json.writeEndObject();
        } else {
            object(value, json);
        }
    }

    private static void object(Object object, JsonGenerator json) throws IOException {
        ModelSchema schema = ModelSchema.of(object.getClass());
        json.writeStartObject();
        for (String name : schema.names()) {
            ModelSchema.FieldSchema field = schema.field(name);
            Object value = field == null ? null : get(field.field(), object);
            if (value != null && !isEmpty(value)) {
                json.writeFieldName(name);
                value(value, json);
            }
        }
        json.writeEndObject();
    }

    private static boolean isEmpty(Object value) {
        return value instanceof Collection<?> list ? list.isEmpty() : value instanceof Map<?, ?> map && map.isEmpty();
    }

    private static @Nullable Object get(Field field, Object object) {
        try {
            return field.get(object);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("cannot read the model's " + field, e);
        }
    }
}
