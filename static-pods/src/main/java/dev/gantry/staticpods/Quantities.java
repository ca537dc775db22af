package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.Quantity;
import java.math.BigDecimal;
import java.math.RoundingMode;
import org.jspecify.annotations.Nullable;

/**
 * Numbers with the suffixes of Kubernetes: {@code 500m}, {@code 2}, {@code 1.5Gi}, {@code 1e3}.
 *
 * @see <a href="https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/">Quantity</a>
 */
public final class Quantities {
    private static final String BINARY = "KMGTPE";
    private static final String DECIMAL = "num kMGTPE";

    private Quantities() {}

    /** The model's form of a valid quantity, number and suffix apart. */
    public static Quantity quantity(String text) {
        int split = suffixStart(text);
        return new Quantity(text.substring(0, split), text.substring(split));
    }

    /** The exact value of a quantity of the model, which may be invalid. */
    public static @Nullable BigDecimal value(Quantity quantity) {
        return parse(quantity.getAmount() + (quantity.getFormat() == null ? "" : quantity.getFormat()));
    }

    /** Thousandths, rounded up as the kubelet does; at most {@link Long#MAX_VALUE}. */
    public static long milli(Quantity quantity) {
        return ceil(quantity, 3);
    }

    /** Whole units (bytes, counts), rounded up; at most {@link Long#MAX_VALUE}. */
    public static long units(Quantity quantity) {
        return ceil(quantity, 0);
    }

    private static long ceil(Quantity quantity, int power) {
        BigDecimal value = value(quantity);
        if (value == null) {
            throw new IllegalArgumentException("not a quantity: " + quantity.getAmount() + quantity.getFormat());
        }
        BigDecimal scaled = value.scaleByPowerOfTen(power).setScale(0, RoundingMode.CEILING);
        return scaled.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0 ? Long.MAX_VALUE : scaled.longValue();
    }

    /** The exact value; null if {@code text} is not a quantity. */
    public static @Nullable BigDecimal parse(String text) {
        int split = suffixStart(text);
        BigDecimal number = number(text.substring(0, split));
        if (number == null) {
            return null;
        }
        String suffix = text.substring(split);
        if (suffix.isEmpty()) {
            return number;
        }
        char first = suffix.charAt(0);
        if (suffix.length() == 1 && DECIMAL.indexOf(first) >= 0 && first != ' ') {
            return number.scaleByPowerOfTen(3 * (DECIMAL.indexOf(first) - 3));
        }
        if (suffix.length() == 2 && suffix.charAt(1) == 'i' && BINARY.indexOf(first) >= 0) {
            return number.multiply(BigDecimal.valueOf(1024).pow(BINARY.indexOf(first) + 1));
        }
        if (first == 'e' || first == 'E') {
            return exponent(suffix.substring(1), number);
        }
        return null;
    }

    private static @Nullable BigDecimal exponent(String digits, BigDecimal number) {
        int start = digits.startsWith("-") || digits.startsWith("+") ? 1 : 0;
        if (digits.length() == start || digits.length() > start + 3) {
            return null;
        }
        for (int i = start; i < digits.length(); i++) {
            if (!isDigit(digits.charAt(i))) {
                return null;
            }
        }
        return number.scaleByPowerOfTen(Integer.parseInt(digits));
    }

    private static int suffixStart(String text) {
        int i = 0;
        while (i < text.length() && (isDigit(text.charAt(i)) || "+-.".indexOf(text.charAt(i)) >= 0)) {
            i++;
        }
        return i;
    }

    private static @Nullable BigDecimal number(String text) {
        int dots = 0;
        int digits = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (isDigit(c)) {
                digits++;
            } else if (c == '.') {
                dots++;
            } else if (i > 0) {
                return null;
            }
        }
        return digits == 0 || digits > 60 || dots > 1 ? null : new BigDecimal(text);
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
