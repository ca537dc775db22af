package dev.gantry.agent.api;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Label and field selectors as the Kubernetes API writes them. */
final class Selector {
    private static final Pattern SET = Pattern.compile("\\s*([^\\s!=,()]+)\\s+(in|notin)\\s*\\(([^()]*)\\)\\s*");
    private static final Pattern EQUALITY = Pattern.compile("\\s*([^\\s!=,()]+)\\s*(==|=|!=)\\s*([^\\s!=,()]*)\\s*");
    private static final Pattern EXISTENCE = Pattern.compile("\\s*(!?)\\s*([^\\s!=,()]+)\\s*");

    private Selector() {}

    /** Which labels fit: {@code a=b}, {@code a!=b}, {@code a in (b,c)}, {@code a notin (b)}, {@code a}, {@code !a}, joined by commas. */
    static Predicate<Map<String, String>> labels(String text) throws ApiException {
        Predicate<Map<String, String>> all = labels -> true;
        for (String part : split(text)) {
            all = all.and(label(part));
        }
        return all;
    }

    private static Predicate<Map<String, String>> label(String part) throws ApiException {
        Matcher set = SET.matcher(part);
        if (set.matches()) {
            String key = set.group(1);
            List<String> values = new ArrayList<>();
            for (String value : set.group(3).split(",", -1)) {
                values.add(value.trim());
            }
            boolean wanted = set.group(2).equals("in");
            return labels -> wanted
                    ? labels.containsKey(key) && values.contains(labels.get(key))
                    : !values.contains(labels.get(key));
        }
        Matcher equality = EQUALITY.matcher(part);
        if (equality.matches()) {
            String key = equality.group(1);
            String value = equality.group(3);
            boolean wanted = !equality.group(2).equals("!=");
            return labels -> value.equals(labels.get(key)) == wanted;
        }
        Matcher existence = EXISTENCE.matcher(part);
        if (existence.matches()) {
            boolean wanted = existence.group(1).isEmpty();
            return labels -> labels.containsKey(existence.group(2)) == wanted;
        }
        throw ApiException.badRequest("unable to parse requirement '" + part.trim()
                + "' of the label selector: expected key=value, key!=value, key in (a,b), key or !key");
    }

    /** At commas outside of parentheses. */
    private static List<String> split(String text) {
        List<String> parts = new ArrayList<>();
        int depth = 0;
        int start = 0;
        for (int i = 0; i <= text.length(); i++) {
            char c = i < text.length() ? text.charAt(i) : ',';
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (c == ',' && (depth <= 0 || i == text.length())) {
                if (!text.substring(start, i).isBlank()) {
                    parts.add(text.substring(start, i));
                }
                start = i + 1;
            }
        }
        return parts;
    }

    /**
     * Which objects fit {@code field=value,field!=value}.
     *
     * @param known the fields that can be asked for
     * @return a predicate over a function from field to value
     */
    static Predicate<java.util.function.Function<String, String>> fields(String text, Set<String> known)
            throws ApiException {
        Predicate<java.util.function.Function<String, String>> all = values -> true;
        for (String part : split(text)) {
            Matcher equality = EQUALITY.matcher(part);
            if (!equality.matches()) {
                throw ApiException.badRequest(
                        "invalid selector: '" + text + "'; can't understand '" + part.trim() + "'");
            }
            String field = equality.group(1);
            if (!known.contains(field)) {
                throw ApiException.badRequest("field label not supported: " + field);
            }
            String value = equality.group(3);
            boolean wanted = !equality.group(2).equals("!=");
            all = all.and(values -> value.equals(values.apply(field)) == wanted);
        }
        return all;
    }
}
