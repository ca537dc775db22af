package dev.gantry.staticpods;

import java.util.Optional;

/** The API's rules for names; each answers with the API's explanation if the name breaks it. */
final class Names {
    private static final String LABEL_RULE =
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end"
                    + " with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is"
                    + " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    private static final String SUBDOMAIN_RULE =
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start"
                    + " and end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
                    + " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    private static final String KEY_RULE =
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an"
                    + " alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is"
                    + " '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    private static final String VALUE_RULE =
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start"
                    + " and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used"
                    + " for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

    private Names() {}

    /** RFC 1123 label: at most 63 characters. */
    static Optional<String> label(String name) {
        if (name.length() > 63) {
            return Optional.of("must be no more than 63 characters");
        }
        return isLabel(name) ? Optional.empty() : Optional.of(LABEL_RULE);
    }

    /** RFC 1123 subdomain: at most 253 characters. Its labels may be longer than DNS has them, as the API has it. */
    static Optional<String> subdomain(String name) {
        if (name.length() > 253) {
            return Optional.of("must be no more than 253 characters");
        }
        for (String label : name.split("\\.", -1)) {
            if (!isLabel(label)) {
                return Optional.of(SUBDOMAIN_RULE);
            }
        }
        return Optional.empty();
    }

    /** A key of labels, annotations, node selectors: {@code [prefix/]name}. */
    static Optional<String> qualifiedKey(String key) {
        int slash = key.indexOf('/');
        if (slash != key.lastIndexOf('/')) {
            return Optional.of("a qualified name must consist of alphanumeric characters, '-', '_' or '.', with an"
                    + " optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
        }
        if (slash == 0) {
            return Optional.of("prefix part must be non-empty");
        }
        if (slash > 0) {
            Optional<String> prefix = subdomain(key.substring(0, slash));
            if (prefix.isPresent()) {
                return prefix.map(rule -> "prefix part " + rule);
            }
        }
        String name = key.substring(slash + 1);
        if (name.isEmpty()) {
            return Optional.of("name part must be non-empty");
        }
        if (name.length() > 63) {
            return Optional.of("name part must be no more than 63 characters");
        }
        return isName(name) ? Optional.empty() : Optional.of(KEY_RULE);
    }

    static Optional<String> labelValue(String value) {
        if (value.length() > 63) {
            return Optional.of("must be no more than 63 characters");
        }
        return value.isEmpty() || isName(value) ? Optional.empty() : Optional.of(VALUE_RULE);
    }

    /** An IANA service name, as ports have. */
    static Optional<String> portName(String name) {
        if (name.length() > 15) {
            return Optional.of("must be no more than 15 characters");
        }
        if (!name.chars().allMatch(c -> isLower(c) || isDigit(c) || c == '-')) {
            return Optional.of("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
        }
        if (name.chars().noneMatch(Names::isLower)) {
            return Optional.of("must contain at least one letter (a-z)");
        }
        if (name.contains("--")) {
            return Optional.of("must not contain consecutive hyphens");
        }
        if (name.startsWith("-") || name.endsWith("-")) {
            return Optional.of("must not begin or end with a hyphen");
        }
        return Optional.empty();
    }

    /** The name of an HTTP header, by the API's rule. */
    static Optional<String> httpHeader(String name) {
        return name.chars().allMatch(c -> isAlphanumeric(c) || c == '-')
                ? Optional.empty()
                : Optional.of(
                        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name',"
                                + " regex used for validation is '[-A-Za-z0-9]+')");
    }

    /** A uid that was given: part of paths, cgroups and labels. */
    static Optional<String> uid(String uid) {
        return uid.length() <= 63 && isName(uid)
                ? Optional.empty()
                : Optional.of(
                        "must be no more than 63 alphanumeric characters, '-', '_' or '.', starting and ending with"
                                + " an alphanumeric character; leave it out to have one made");
    }

    /** As relaxed in Kubernetes 1.34: any printable ASCII but {@code =}. */
    static Optional<String> environmentVariable(String name) {
        return name.chars().allMatch(c -> c >= ' ' && c <= '~' && c != '=')
                ? Optional.empty()
                : Optional.of("a valid environment variable name must consist only of printable ASCII characters other"
                        + " than '='");
    }

    /** A key of a ConfigMap or Secret, which becomes the name of a file. */
    static Optional<String> configKey(String key) {
        if (key.length() > 253) {
            return Optional.of("must be no more than 253 characters");
        }
        if (key.isEmpty() || !key.chars().allMatch(c -> isAlphanumeric(c) || c == '-' || c == '_' || c == '.')) {
            return Optional.of("a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g."
                    + " 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
        }
        if (key.equals(".")) {
            return Optional.of("must not be '.'");
        }
        if (key.equals("..")) {
            return Optional.of("must not be '..'");
        }
        return key.startsWith("..") ? Optional.of("must not start with '..'") : Optional.empty();
    }

    private static boolean isLabel(String name) {
        return !name.isEmpty()
                && name.chars().allMatch(c -> isLower(c) || isDigit(c) || c == '-')
                && !name.startsWith("-")
                && !name.endsWith("-");
    }

    private static boolean isName(String name) {
        return name.chars().allMatch(c -> isAlphanumeric(c) || c == '-' || c == '_' || c == '.')
                && isAlphanumeric(name.charAt(0))
                && isAlphanumeric(name.charAt(name.length() - 1));
    }

    private static boolean isAlphanumeric(int c) {
        return isLower(c) || isDigit(c) || (c >= 'A' && c <= 'Z');
    }

    private static boolean isLower(int c) {
        return c >= 'a' && c <= 'z';
    }

    private static boolean isDigit(int c) {
        return c >= '0' && c <= '9';
    }
}
