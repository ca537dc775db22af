package dev.gantry.images;

/** Foreign text in messages: of bounded length and without control characters, so that it cannot forge a log line. */
public final class Quoted {
    private static final int LONGEST = 200;

    private Quoted() {}

    /** The text, cut after 200 characters, control characters replaced by {@code ?}. */
    public static String cut(String text) {
        return cut(text, LONGEST);
    }

    /** The text, cut after {@code longest} characters, control characters replaced by {@code ?}. */
    public static String cut(String text, int longest) {
        StringBuilder result = new StringBuilder(Math.min(text.length(), longest) + 1);
        for (int i = 0; i < text.length() && i < longest; i++) {
            char c = text.charAt(i);
            result.append(Character.isISOControl(c) || Character.isSurrogate(c) ? '?' : c);
        }
        return text.length() > longest ? result.append('…').toString() : result.toString();
    }
}
