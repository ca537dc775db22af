package dev.gantry.agent.config;

import java.util.List;

/**
 * One field that a configuration may have.
 *
 * @param path from the top, with dots, such as {@code logging.verbosity}
 * @param use whether this agent acts on it
 * @param values for an enumeration, what is allowed; for numbers, the bounds as two texts; else empty
 */
record Field(String path, Type type, Use use, List<String> values) {
    /** What kind of value it takes. */
    enum Type {
        STRING("a text"),
        BOOLEAN("true or false"),
        INTEGER("a whole number"),
        DECIMAL("a number"),
        DURATION("a duration like 30s or 5m"),
        QUANTITY("an amount like 10Mi"),
        ENUM("one of"),
        PATH("an absolute path"),
        STRINGS("a list of texts"),
        /** Single values by name. */
        MAP("an object like {cpu: 500m}"),
        /** An object or list whose inside belongs to something that is not done yet. */
        ANY("an object or a list");

        private final String expected;

        Type(String expected) {
            this.expected = expected;
        }

        String expected() {
            return expected;
        }
    }

    /** Whether this agent acts on a field. */
    enum Use {
        /** It does. */
        READ,
        /** The kubelet knows it, this agent does not act on it: said in the log if it is set. */
        WITHOUT_EFFECT
    }

    static Field read(String path, Type type) {
        return new Field(path, type, Use.READ, List.of());
    }

    static Field integer(String path, long min, long max) {
        return new Field(path, Type.INTEGER, Use.READ, List.of(String.valueOf(min), String.valueOf(max)));
    }

    static Field oneOf(String path, String... values) {
        return new Field(path, Type.ENUM, Use.READ, List.of(values));
    }

    static Field withoutEffect(String path, Type type) {
        return new Field(path, type, Use.WITHOUT_EFFECT, List.of());
    }

    /** What a value should be, in words. */
    String expected() {
        if (type == Type.ENUM) {
            return "one of " + String.join(", ", values);
        }
        if (type == Type.INTEGER && !values.isEmpty()) {
            return "a whole number from " + values.get(0) + " to " + values.get(1);
        }
        return type.expected();
    }
}
