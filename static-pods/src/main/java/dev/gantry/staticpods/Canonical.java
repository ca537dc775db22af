package dev.gantry.staticpods;

import java.util.Comparator;

/** A document without what does not matter: comments, layout, quotes, the order of keys, fields that are null. */
final class Canonical {
    private Canonical() {}

    static String text(Node node) {
        StringBuilder out = new StringBuilder(512);
        write(node, out);
        return out.toString();
    }

    private static void write(Node node, StringBuilder out) {
        if (node instanceof Node.Mapping mapping) {
            out.append('{');
            mapping.entries().stream()
                    .filter(entry -> !(entry.value() instanceof Node.Scalar scalar && scalar.value() == null))
                    .sorted(Comparator.comparing(Node.Entry::key))
                    .forEach(entry -> {
                        string(entry.key(), out);
                        out.append(':');
                        write(entry.value(), out);
                        out.append(',');
                    });
            out.append('}');
        } else if (node instanceof Node.Sequence sequence) {
            out.append('[');
            for (Node item : sequence.items()) {
                write(item, out);
                out.append(',');
            }
            out.append(']');
        } else if (((Node.Scalar) node).value() instanceof String text) {
            string(text, out);
        } else {
            out.append(((Node.Scalar) node).value());
        }
    }

    private static void string(String text, StringBuilder out) {
        out.append('"').append(text.replace("\\", "\\\\").replace("\"", "\\\"")).append('"');
    }
}
