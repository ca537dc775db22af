package dev.gantry.staticpods;

import java.math.BigInteger;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What the readers of YAML and JSON have in common: bounds, their error, and the types of plain scalars. */
final class Syntax {
    /**
     * How much a file may hold.
     *
     * @param bytes of it
     * @param nodes of its documents once aliases are resolved
     */
    record Bounds(int bytes, int nodes) {
        /** As the kubelet bounds a manifest ({@code maxConfigLength}); a pod of the API's 1.5 MB limit has far fewer nodes. */
        static final Bounds MANIFEST = new Bounds(10 << 20, 200_000);

        /** What becomes of a manifest with all defaults and a status. */
        static final Bounds RECORD = new Bounds(100 << 20, 4_000_000);
    }

    /** Deeper than any API object, shallow enough for a recursive reader. */
    static final int MAX_DEPTH = 64;

    /** Far more than any field takes; longer ones are slow to compute with. */
    private static final int MAX_DIGITS = 64;

    private static final Set<String> NULLS = Set.of("", "~", "null", "Null", "NULL");
    private static final Set<String> TRUE = Set.of("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON");
    private static final Set<String> FALSE = Set.of("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF");
    private static final Pattern FLOAT = Pattern.compile("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");

    private Syntax() {}

    /** A document that cannot be read on. */
    static final class SyntaxException extends Exception {
        private static final long serialVersionUID = 1L;
        private final transient Position position;

        SyntaxException(Position position, String message) {
            super(message);
            this.position = position;
        }

        Position position() {
            return position;
        }
    }

    /**
     * The value of an unquoted scalar, by the YAML 1.1 rules that Kubernetes' own tools follow: {@code 0644} is octal,
     * {@code yes} is a boolean.
     */
    static @Nullable Object plain(String text) {
        if (NULLS.contains(text)) {
            return null;
        }
        char first = text.charAt(0);
        if (Character.isDigit(first) || first == '-' || first == '+' || first == '.') {
            Object number = number(text);
            return number != null ? number : text;
        }
        if (TRUE.contains(text)) {
            return true;
        }
        if (FALSE.contains(text)) {
            return false;
        }
        return text;
    }

    private static @Nullable Object number(String text) {
        String digits = text.replace("_", "");
        boolean negative = digits.startsWith("-");
        if (negative || digits.startsWith("+")) {
            digits = digits.substring(1);
        }
        int radix = 10;
        String body = digits;
        if (digits.startsWith("0x") || digits.startsWith("0X")) {
            radix = 16;
            body = digits.substring(2);
        } else if (digits.startsWith("0o") || digits.startsWith("0O")) {
            radix = 8;
            body = digits.substring(2);
        } else if (digits.startsWith("0b") || digits.startsWith("0B")) {
            radix = 2;
            body = digits.substring(2);
        } else if (digits.length() > 1 && digits.charAt(0) == '0' && allDigits(digits, 8)) {
            radix = 8;
        }
        if (!body.isEmpty() && allDigits(body, radix)) {
            if (body.length() > MAX_DIGITS) {
                return Double.POSITIVE_INFINITY;
            }
            BigInteger value = new BigInteger(body, radix);
            value = negative ? value.negate() : value;
            return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
        }
        return FLOAT.matcher(text).matches() ? Double.valueOf(text) : null;
    }

    private static boolean allDigits(String text, int radix) {
        for (int i = 0; i < text.length(); i++) {
            if (Character.digit(text.charAt(i), radix) < 0) {
                return false;
            }
        }
        return true;
    }
}
