package dev.gantry.agent.cri;

import java.util.Map;

/** {@code $(VAR)} in commands, arguments and values. */
public final class Expansion {
    private Expansion() {}

    /**
     * Replaces each {@code $(NAME)} whose name is known; what is not known stays as it stands, and {@code $$} is one
     * {@code $}.
     */
    public static String expand(String text, Map<String, String> variables) {
        if (text.indexOf('$') < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        int i = 0;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c != '$' || i + 1 == text.length()) {
                out.append(c);
                i++;
                continue;
            }
            char next = text.charAt(i + 1);
            if (next == '$') {
                out.append('$');
                i += 2;
            } else if (next == '(') {
                int end = text.indexOf(')', i + 2);
                if (end < 0) {
                    out.append("$(");
                    i += 2;
                    continue;
                }
                String value = variables.get(text.substring(i + 2, end));
                out.append(value != null ? value : text.substring(i, end + 1));
                i = end + 1;
            } else {
                out.append(c).append(next);
                i += 2;
            }
        }
        return out.toString();
    }
}
