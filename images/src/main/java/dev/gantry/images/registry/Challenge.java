package dev.gantry.images.registry;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One way to authenticate that a {@code WWW-Authenticate} header offers.
 *
 * @param scheme in lower case: {@code bearer}, {@code basic} …
 * @param parameters by lower-case name
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1">RFC 9110, 11.6.1</a>
 */
record Challenge(String scheme, Map<String, String> parameters) {
    private static final int LONGEST = 16 << 10;

    Challenge {
        parameters = Map.copyOf(parameters);
    }

    String parameter(String name) {
        return parameters.getOrDefault(name, "");
    }

    /** All challenges of all headers. What is malformed ends the reading of its header. */
    static List<Challenge> parse(List<String> headers) {
        List<Challenge> result = new ArrayList<>();
        for (String header : headers) {
            new Parser(header.length() > LONGEST ? header.substring(0, LONGEST) : header).parse(result);
        }
        return result;
    }

    /** A scheme is a token that is not followed by {@code =}; commas separate both parameters and challenges. */
    private static final class Parser {
        private final String text;
        private int at;

        Parser(String text) {
            this.text = text;
        }

        void parse(List<Challenge> result) {
            skip(" ,");
            while (at < text.length()) {
                String scheme = token();
                if (scheme.isEmpty()) {
                    return;
                }
                Map<String, String> parameters = new LinkedHashMap<>();
                skip(" ");
                while (at < text.length() && readParameter(parameters)) {
                    skip(" ,");
                }
                result.add(new Challenge(scheme.toLowerCase(Locale.ROOT), parameters));
                skip(" ,");
            }
        }

        private boolean readParameter(Map<String, String> parameters) {
            int start = at;
            String name = token();
            skip(" ");
            if (name.isEmpty() || at >= text.length() || text.charAt(at) != '=') {
                at = start;
                return false;
            }
            at++;
            skip(" ");
            String value = at < text.length() && text.charAt(at) == '"' ? quoted() : token();
            parameters.putIfAbsent(name.toLowerCase(Locale.ROOT), value);
            return true;
        }

        private String quoted() {
            StringBuilder value = new StringBuilder();
            for (at++; at < text.length(); at++) {
                char c = text.charAt(at);
                if (c == '"') {
                    at++;
                    break;
                }
                if (c == '\\' && at + 1 < text.length()) {
                    c = text.charAt(++at);
                }
                value.append(c);
            }
            return value.toString();
        }

        private String token() {
            int start = at;
            while (at < text.length() && " ,=\"".indexOf(text.charAt(at)) < 0) {
                at++;
            }
            return text.substring(start, at);
        }

        private void skip(String characters) {
            while (at < text.length() && characters.indexOf(text.charAt(at)) >= 0) {
                at++;
            }
        }
    }
}
