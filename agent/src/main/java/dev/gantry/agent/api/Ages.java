package dev.gantry.agent.api;

import java.time.Duration;

/** Ages as kubectl shows them. */
public final class Ages {
    private Ages() {}

    /** A span as kubectl shows ages: two units while the larger one is small, {@code 90s}, {@code 5m30s}, {@code 3h12m}, {@code 2d5h}, {@code 1y20d}. */
    public static String human(Duration span) {
        long s = Math.max(0, span.toSeconds());
        long minutes = s / 60;
        long hours = minutes / 60;
        long days = hours / 24;
        if (s < 120) {
            return s + "s";
        }
        if (minutes < 10) {
            return pair(minutes, "m", s % 60, "s");
        }
        if (minutes < 180) {
            return minutes + "m";
        }
        if (hours < 8) {
            return pair(hours, "h", minutes % 60, "m");
        }
        if (hours < 48) {
            return hours + "h";
        }
        if (days < 8) {
            return pair(days, "d", hours % 24, "h");
        }
        if (days < 365 * 2) {
            return days + "d";
        }
        return days < 365 * 8 ? pair(days / 365, "y", days % 365, "d") : days / 365 + "y";
    }

    private static String pair(long first, String firstUnit, long second, String secondUnit) {
        return first + firstUnit + (second == 0 ? "" : second + secondUnit);
    }
}
