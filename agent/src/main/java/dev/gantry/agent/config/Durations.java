package dev.gantry.agent.config;

/** Spans of time as kubectl reads them. */
public final class Durations {
    private Durations() {}

    /** Reads Go's notation: numbers with ns, us, ms, s, m or h. Returns -1 for anything else and for negative spans. */
    public static long parseMillis(String text) {
        if (text.equals("0")) {
            return 0;
        }
        double millis = 0;
        int at = 0;
        while (at < text.length()) {
            int number = at;
            while (at < text.length() && (Character.isDigit(text.charAt(at)) || text.charAt(at) == '.')) {
                at++;
            }
            int unit = at;
            while (at < text.length() && Character.isLetter(text.charAt(at))) {
                at++;
            }
            double factor = millisOf(text.substring(unit, at));
            if (number == unit || factor < 0) {
                return -1;
            }
            try {
                millis += Double.parseDouble(text.substring(number, unit)) * factor;
            } catch (NumberFormatException e) {
                return -1;
            }
        }
        return text.isEmpty() || millis > Long.MAX_VALUE / 2.0 ? -1 : Math.round(millis);
    }

    private static double millisOf(String unit) {
        return switch (unit) {
            case "ns" -> 1e-6;
            case "us", "µs" -> 1e-3;
            case "ms" -> 1;
            case "s" -> 1_000;
            case "m" -> 60_000;
            case "h" -> 3_600_000;
            default -> -1;
        };
    }
}
