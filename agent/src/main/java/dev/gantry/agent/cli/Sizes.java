package dev.gantry.agent.cli;

import java.util.Locale;

/** Amounts of bytes for people. */
final class Sizes {
    private Sizes() {}

    /** In decimal units with three significant digits, as registries and {@code docker images} show them: {@code 4.27MB}. */
    static String human(long bytes) {
        String[] units = {"B", "kB", "MB", "GB", "TB"};
        double value = bytes;
        int unit = 0;
        while (value >= 999.5 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        String digits = unit == 0 || value >= 99.95
                ? String.format(Locale.ROOT, "%.0f", value)
                : String.format(Locale.ROOT, value >= 9.995 ? "%.1f" : "%.2f", value);
        return digits + units[unit];
    }
}
