package dev.gantry.agent.cli;

import dev.gantry.agent.config.Durations;
import dev.gantry.agent.config.Suggestions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A command line after parsing: options by their long names, operands, and what followed {@code --}. */
final class Arguments {
    private final CommandSpec spec;
    private final Map<String, List<String>> options = new HashMap<>();
    private final List<String> operands = new ArrayList<>();
    private final List<String> rest = new ArrayList<>();

    private Arguments(CommandSpec spec) {
        this.spec = spec;
    }

    /**
     * Parses the words after the command's own: {@code --name value}, {@code --name=value}, {@code -n value}, {@code -nvalue}, {@code -n=value},
     * clusters of switches such as {@code -it}, and {@code --switch=false}.
     */
    static Arguments parse(CommandSpec spec, List<String> words) throws UsageException {
        Arguments arguments = new Arguments(spec);
        int next = 0;
        while (next < words.size()) {
            String word = words.get(next++);
            if (word.equals("--")) {
                (spec.passesRest() ? arguments.rest : arguments.operands).addAll(words.subList(next, words.size()));
                break;
            }
            if (word.startsWith("--")) {
                next = arguments.parseLong(word, words, next);
            } else if (word.length() > 1 && word.charAt(0) == '-') {
                next = arguments.parseLetters(word, words, next);
            } else {
                arguments.operands.add(word);
            }
        }
        return arguments;
    }

    private int parseLong(String word, List<String> words, int next) throws UsageException {
        int equals = word.indexOf('=');
        String name = equals < 0 ? word.substring(2) : word.substring(2, equals);
        Option option = byName(name);
        if (option == null) {
            throw unknown("--" + name, Suggestions.nearest(name, names()).map(near -> "--" + near));
        }
        if (equals >= 0) {
            add(option, word.substring(equals + 1), word);
        } else if (option.isFlag()) {
            add(option, "true", word);
        } else {
            add(option, following(option, "--" + name, words, next), word);
            return next + 1;
        }
        return next;
    }

    private int parseLetters(String word, List<String> words, int next) throws UsageException {
        for (int i = 1; i < word.length(); i++) {
            Option option = byLetter(word.charAt(i));
            if (option == null) {
                throw unknown("-" + word.charAt(i) + (word.length() > 2 ? " in " + word : ""), Optional.empty());
            }
            boolean assigned = i + 1 < word.length() && word.charAt(i + 1) == '=';
            if (option.isFlag() && !assigned) {
                add(option, "true", word);
                continue;
            }
            String value = word.substring(assigned ? i + 2 : i + 1);
            if (assigned || !value.isEmpty()) {
                add(option, value, word);
                return next;
            }
            add(option, following(option, "-" + option.letter(), words, next), word);
            return next + 1;
        }
        return next;
    }

    private static String following(Option option, String word, List<String> words, int next) throws UsageException {
        if (next >= words.size()) {
            throw new UsageException(word + " needs a value: " + word + " " + option.label());
        }
        return words.get(next);
    }

    private void add(Option option, String value, String word) throws UsageException {
        if (option.isFlag() && !value.equals("true") && !value.equals("false")) {
            throw new UsageException(word + ": --" + option.name() + " is a switch, it takes only true or false");
        }
        List<String> values = options.get(option.name());
        if (values == null) {
            values = new ArrayList<>(1);
            options.put(option.name(), values);
        }
        values.add(value);
    }

    private UsageException unknown(String word, Optional<String> meant) {
        return new UsageException(
                "unknown option " + word + (meant.isPresent() ? "; did you mean " + meant.get() + "?" : ""));
    }

    private @Nullable Option byName(String name) {
        for (Option option : spec.options()) {
            if (option.name().equals(name)) {
                return option;
            }
        }
        return name.equals("help") ? CommandSpec.HELP : name.equals("root") ? CommandSpec.ROOT : null;
    }

    private @Nullable Option byLetter(char letter) {
        for (Option option : spec.options()) {
            if (option.letter() == letter) {
                return option;
            }
        }
        return letter == 'h' ? CommandSpec.HELP : null;
    }

    private List<String> names() {
        List<String> names = new ArrayList<>();
        for (Option option : spec.options()) {
            names.add(option.name());
        }
        names.add("help");
        names.add("root");
        return names;
    }

    CommandSpec spec() {
        return spec;
    }

    List<String> operands() {
        return operands;
    }

    /** What followed {@code --}, for a command that passes it on. */
    List<String> rest() {
        return rest;
    }

    boolean has(String name) {
        return options.containsKey(name);
    }

    /** Whether a switch was given and not {@code =false}. */
    boolean flag(String name) {
        return value(name).equals("true");
    }

    /** The last value given, or empty. */
    String value(String name) {
        List<String> values = options.get(name);
        return values == null ? "" : values.get(values.size() - 1);
    }

    String value(String name, String otherwise) {
        return has(name) ? value(name) : otherwise;
    }

    List<String> values(String name) {
        List<String> values = options.get(name);
        return values == null ? List.of() : values;
    }

    /** A whole number between the bounds. */
    long number(String name, long min, long max) throws UsageException {
        String value = value(name);
        try {
            long number = Long.parseLong(value);
            if (number >= min && number <= max) {
                return number;
            }
        } catch (NumberFormatException e) {
            // said below, together with the bounds
        }
        throw new UsageException("--" + name + " takes a whole number"
                + (max == Long.MAX_VALUE ? " of at least " + min : " from " + min + " to " + max) + ", not '" + value
                + "'");
    }

    /** A span of time in Go's notation, such as {@code 90s}, {@code 1h30m} or {@code 250ms}; in milliseconds. */
    long durationMillis(String name) throws UsageException {
        String value = value(name);
        long millis = Durations.parseMillis(value);
        if (millis < 0) {
            throw new UsageException("--" + name + " takes a duration like 30s, 5m or 1h30m, not '" + value + "'");
        }
        return millis;
    }

    /** The only operand. */
    String operand(String what) throws UsageException {
        if (operands.isEmpty()) {
            throw new UsageException(what + " is missing");
        }
        atMost(1);
        return operands.get(0);
    }

    void atMost(int count) throws UsageException {
        if (operands.size() > count) {
            throw new UsageException("unexpected '" + operands.get(count) + "'");
        }
    }
}
