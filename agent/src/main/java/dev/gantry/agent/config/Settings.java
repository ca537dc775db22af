package dev.gantry.agent.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Values by field path, each with the place it was written at; later ones replace earlier ones. */
final class Settings {
    /**
     * A value and where it is from.
     *
     * @param value text; for {@link Field.Type#STRINGS} a list of texts joined by line ends, for {@link Field.Type#MAP} of texts {@code name=value}
     * @param origin {@code config.yaml:3:10}, or {@code --max-pods}
     */
    record Setting(Field field, String value, String origin) {}

    private final Map<String, Setting> values = new LinkedHashMap<>();
    private final List<String> errors = new ArrayList<>();
    private final List<String> ignored = new ArrayList<>();

    void error(String origin, String field, String message) {
        errors.add(origin + ": " + (field.isEmpty() ? "" : field + ": ") + message);
    }

    List<String> errors() {
        return errors;
    }

    /** Takes a value if it is of the field's type. */
    void put(Field field, String value, String origin) {
        String wrong = wrong(field, value);
        if (wrong.isEmpty()) {
            values.put(field.path(), new Setting(field, value, origin));
        } else {
            error(origin, origin.startsWith("--") ? "" : field.path(), wrong);
        }
    }

    private static String wrong(Field field, String value) {
        boolean right = switch (field.type()) {
            case STRING, STRINGS, MAP, ANY -> true;
            case BOOLEAN -> value.equals("true") || value.equals("false");
            case INTEGER -> isWholeNumber(field, value);
            case DECIMAL -> value.matches("[0-9]+(\\.[0-9]+)?");
            case DURATION -> Durations.parseMillis(value) >= 0;
            case QUANTITY -> value.matches("[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?");
            case ENUM -> field.values().contains(value);
            case PATH -> value.startsWith("/") || value.isEmpty();
        };
        return right ? "" : "expected " + field.expected() + ", found '" + value + "'";
    }

    private static boolean isWholeNumber(Field field, String value) {
        try {
            long number = Long.parseLong(value);
            return field.values().isEmpty()
                    || (number >= Long.parseLong(field.values().get(0))
                            && number <= Long.parseLong(field.values().get(1)));
        } catch (NumberFormatException e) {
            return false;
        }
    }

    /** The value of a field; an empty text counts as none, as in the kubelet. */
    Optional<String> get(String path) {
        return Optional.ofNullable(values.get(path)).map(Setting::value).filter(value -> !value.isEmpty());
    }

    String origin(String path) {
        Setting setting = values.get(path);
        return setting == null ? "" : setting.origin();
    }

    List<String> list(String path) {
        return get(path).map(value -> List.of(value.split("\n"))).orElse(List.of());
    }

    Map<String, String> map(String path) {
        Map<String, String> result = new LinkedHashMap<>();
        for (String entry : list(path)) {
            int end = entry.indexOf('=');
            result.put(entry.substring(0, end), entry.substring(end + 1));
        }
        return result;
    }

    /** Notes that a part of what was set at a field has no effect. */
    void ignored(String path, String what) {
        ignored.add(origin(path) + ": " + what);
    }

    /** What was set and has no effect, with its place. */
    List<String> withoutEffect() {
        List<String> result = new ArrayList<>(values.values().stream()
                .filter(setting -> setting.field().use() == Field.Use.WITHOUT_EFFECT)
                .map(setting -> setting.origin() + ": " + setting.field().path())
                .toList());
        result.addAll(ignored);
        return result;
    }
}
