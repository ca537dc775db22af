package dev.gantry.agent.resource;

import dev.gantry.staticpods.Quantities;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongBinaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Amounts of resources by Kubernetes' names.
 *
 * @param values thousandths for {@code cpu}, bytes or counts for everything else, never negative; what is not there is 0
 */
public record Amounts(Map<String, Long> values) {
    public static final String CPU = "cpu";
    public static final String MEMORY = "memory";
    public static final String EPHEMERAL_STORAGE = "ephemeral-storage";
    public static final String PODS = "pods";
    public static final String PID = "pid";
    public static final String HUGE_PAGES = "hugepages-";

    public static final Amounts NONE = new Amounts(Map.of());

    public Amounts {
        values = Collections.unmodifiableMap(new TreeMap<>(values));
    }

    /** From the model's requests or limits; null is none. */
    public static Amounts of(@Nullable Map<String, Quantity> quantities) {
        if (quantities == null || quantities.isEmpty()) {
            return NONE;
        }
        Map<String, Long> values = new TreeMap<>();
        quantities.forEach((name, quantity) -> values.put(name, Math.max(0, value(name, quantity))));
        return new Amounts(values);
    }

    private static long value(String name, Quantity quantity) {
        return name.equals(CPU) ? Quantities.milli(quantity) : Quantities.units(quantity);
    }

    /** The amount, 0 if it is not there. */
    public long get(String name) {
        return values.getOrDefault(name, 0L);
    }

    public boolean has(String name) {
        return values.containsKey(name);
    }

    /** With one amount replaced or added. */
    public Amounts with(String name, long value) {
        Map<String, Long> changed = new TreeMap<>(values);
        changed.put(name, value);
        return new Amounts(changed);
    }

    /** Name by name; what would be more than a long holds is the most that it holds. */
    public Amounts plus(Amounts other) {
        return merge(other, Amounts::sum);
    }

    /** Name by name the larger. */
    public Amounts max(Amounts other) {
        return merge(other, Math::max);
    }

    /** Name by name, never below 0; what only the other has is left out. */
    public Amounts minus(Amounts other) {
        Map<String, Long> result = new TreeMap<>();
        values.forEach((name, value) -> result.put(name, Math.max(0, value - other.get(name))));
        return new Amounts(result);
    }

    private Amounts merge(Amounts other, LongBinaryOperator operator) {
        Map<String, Long> result = new TreeMap<>(values);
        other.values.forEach((name, value) -> result.merge(name, value, (one, two) -> operator.applyAsLong(one, two)));
        return new Amounts(result);
    }

    private static long sum(long one, long two) {
        long sum = one + two;
        return sum < 0 ? Long.MAX_VALUE : sum;
    }

    /** In the model's form, as an API shows it: {@code 1500m}, {@code 67108864}. */
    public Map<String, Quantity> quantities() {
        Map<String, Quantity> result = new TreeMap<>();
        values.forEach((name, value) -> result.put(name, quantity(name, value)));
        return result;
    }

    private static Quantity quantity(String name, long value) {
        if (name.equals(CPU)) {
            return value % 1000 == 0 ? new Quantity(Long.toString(value / 1000), "") : new Quantity(value + "", "m");
        }
        boolean bytes = name.equals(MEMORY) || name.equals(EPHEMERAL_STORAGE) || name.startsWith(HUGE_PAGES);
        return bytes && value > 0 && value % 1024 == 0
                ? new Quantity(Long.toString(value / 1024), "Ki")
                : new Quantity(Long.toString(value), "");
    }
}
