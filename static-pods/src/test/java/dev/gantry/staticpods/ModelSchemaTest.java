package dev.gantry.staticpods;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.gantry.staticpods.ModelSchema.FieldSchema;
import io.fabric8.kubernetes.api.model.Pod;
import java.lang.reflect.Type;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ModelSchemaTest {
    @Test
    void everyFieldThatAPodCanHoldIsNamedAsTheModelAnnotatesIt() {
        Set<Class<?>> seen = new HashSet<>();
        Deque<Class<?>> open = new ArrayDeque<>();
        open.add(Pod.class);
        while (!open.isEmpty()) {
            Class<?> type = open.remove();
            if (!seen.add(type)) {
                continue;
            }
            ModelSchema schema = ModelSchema.of(type);
            for (String name : schema.names()) {
                FieldSchema field = requireNonNull(schema.field(name));
                assertThat(field.field().getAnnotation(JsonProperty.class))
                        .as("%s.%s", type, name)
                        .isNotNull()
                        .extracting(JsonProperty::value)
                        .isEqualTo(name);
                Class<?> value = ModelSchema.rawType(leaf(field.valueType()));
                if (value.getName().startsWith("io.fabric8") && !SCALARS.contains(value.getSimpleName())) {
                    open.add(value);
                }
            }
        }
        assertThat(seen).hasSizeGreaterThan(100);
    }

    private static final Set<String> SCALARS = Set.of("Quantity", "IntOrString", "AnyType");

    private static Type leaf(Type type) {
        Class<?> raw = ModelSchema.rawType(type);
        return raw.getName().startsWith("java.util") ? leaf(ModelSchema.elementType(type)) : type;
    }
}
