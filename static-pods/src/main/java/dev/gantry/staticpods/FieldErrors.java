package dev.gantry.staticpods;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Collects what is wrong with the fields of one object. */
final class FieldErrors {
    static final String NOT_NEGATIVE = "must be greater than or equal to 0";
    /** Whoever has more of them mends these first. */
    static final int MAX = 100;

    private static final int MAX_NAMES = 10;
    private static final String PORT_RANGE = "must be between 1 and 65535, inclusive";

    private final List<FieldError> found = new ArrayList<>();

    List<FieldError> found() {
        return List.copyOf(found);
    }

    void add(FieldError error) {
        if (found.size() < MAX) {
            found.add(error);
        }
    }

    /** A few of many names, sorted. */
    static String some(Collection<String> names) {
        List<String> sorted = names.stream().sorted().toList();
        return sorted.size() <= MAX_NAMES
                ? sorted.toString()
                : sorted.subList(0, MAX_NAMES) + " and " + (sorted.size() - MAX_NAMES) + " more";
    }

    /** True if {@code text} is there; else notes that it is required. */
    boolean required(String field, @Nullable String text) {
        return required(field, text, "");
    }

    boolean required(String field, @Nullable String text, String detail) {
        if (text != null && !text.isEmpty()) {
            return true;
        }
        add(FieldError.required(field, detail));
        return false;
    }

    void invalid(String field, Object value, String detail) {
        add(FieldError.invalid(field, value, detail));
    }

    /** Notes the broken rule, if one is. */
    void rule(String field, String value, Optional<String> broken) {
        broken.ifPresent(detail -> invalid(field, value, detail));
    }

    void oneOf(String field, @Nullable String value, List<String> supported) {
        if (value != null && !supported.contains(value)) {
            add(FieldError.notSupported(field, value, supported));
        }
    }

    void notNegative(String field, @Nullable Number value) {
        if (value != null && value.longValue() < 0) {
            invalid(field, value, NOT_NEGATIVE);
        }
    }

    void port(String field, int value) {
        if (value < 1 || value > 65535) {
            invalid(field, value, PORT_RANGE);
        }
    }

    /** A user or group id as the kernel has it. */
    void id(String field, @Nullable Long value) {
        if (value != null && (value < 0 || value > Integer.MAX_VALUE)) {
            invalid(field, value, "must be between 0 and 2147483647, inclusive");
        }
    }
}
