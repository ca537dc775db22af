package dev.gantry.staticpods;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A value of a YAML or JSON document that knows where it stands. */
sealed interface Node {
    Position position();

    /** What a reader of an error calls it: {@code a mapping}, {@code the string "x"}. */
    String describe();

    /** Keys in the order of the document; no key occurs twice. */
    record Mapping(Position position, List<Entry> entries) implements Node {
        public Mapping {
            entries = List.copyOf(entries);
        }

        Optional<Node> get(String key) {
            return entries.stream()
                    .filter(entry -> entry.key().equals(key))
                    .map(Entry::value)
                    .findFirst();
        }

        @Override
        public String describe() {
            return "a mapping";
        }
    }

    record Entry(String key, Position position, Node value) {}

    record Sequence(Position position, List<Node> items) implements Node {
        public Sequence {
            items = List.copyOf(items);
        }

        @Override
        public String describe() {
            return "a list";
        }
    }

    /**
     * A scalar with the type that Kubernetes' YAML (1.1 with JSON's types) gives it.
     *
     * @param value {@link String}, {@link Long}, {@link Double}, {@link Boolean}, {@link java.math.BigInteger} or null
     * @param text as written
     */
    record Scalar(Position position, @Nullable Object value, String text) implements Node {
        @Override
        public String describe() {
            if (value == null) {
                return "null";
            }
            if (value instanceof String) {
                return "the string \"" + shortened() + "\"";
            }
            if (value instanceof Boolean) {
                return "the boolean " + text;
            }
            return "the number " + shortened();
        }

        private String shortened() {
            return text.length() <= 60 ? text : text.substring(0, 57) + "…";
        }
    }

    /** The position of the value at {@code path} such as {@code spec.containers[0].image}, or of its nearest parent. */
    default Position find(String path) {
        Node node = this;
        Position best = position();
        int at = 0;
        while (at < path.length()) {
            if (node instanceof Sequence sequence && path.charAt(at) == '[') {
                int end = path.indexOf(']', at);
                int index = indexIn(path, at + 1, end);
                if (index < 0 || index >= sequence.items().size()) {
                    return best;
                }
                node = sequence.items().get(index);
                best = node.position();
                at = end + 1;
            } else if (node instanceof Mapping mapping) {
                int start = path.charAt(at) == '.' || path.charAt(at) == '[' ? at + 1 : at;
                Entry longest = null;
                for (Entry entry : mapping.entries()) {
                    if (path.startsWith(entry.key(), start)
                            && (longest == null
                                    || entry.key().length() > longest.key().length())) {
                        longest = entry;
                    }
                }
                if (longest == null) {
                    return best;
                }
                best = longest.position();
                node = longest.value();
                at = start + longest.key().length();
                if (at < path.length() && path.charAt(at) == ']') {
                    at++;
                }
            } else {
                return best;
            }
        }
        return best;
    }

    private static int indexIn(String path, int start, int end) {
        if (end <= start) {
            return -1;
        }
        for (int i = start; i < end; i++) {
            if (!Character.isDigit(path.charAt(i))) {
                return -1;
            }
        }
        return end - start > 9 ? -1 : Integer.parseInt(path.substring(start, end));
    }
}
