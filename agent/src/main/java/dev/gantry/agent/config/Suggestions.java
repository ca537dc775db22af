package dev.gantry.agent.config;

import java.util.List;
import java.util.Optional;

/** Guesses which known word a mistyped one stands for. */
public final class Suggestions {
    private Suggestions() {}

    /** The nearest of {@code known}: one edit away for short words, up to a third of the letters for longer ones; a prefix counts as near. */
    public static Optional<String> nearest(String word, List<String> known) {
        String best = null;
        int bestDistance = Math.max(1, (word.length() + 1) / 3) + 1;
        for (String candidate : known) {
            int distance = candidate.startsWith(word) && word.length() >= 2 ? 1 : distance(word, candidate);
            if (distance < bestDistance) {
                best = candidate;
                bestDistance = distance;
            }
        }
        return Optional.ofNullable(best);
    }

    /** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other. */
    static int distance(String from, String to) {
        int[][] edits = new int[from.length() + 1][to.length() + 1];
        for (int i = 0; i <= from.length(); i++) {
            edits[i][0] = i;
        }
        for (int j = 0; j <= to.length(); j++) {
            edits[0][j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            for (int j = 1; j <= to.length(); j++) {
                int replace = edits[i - 1][j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                int best = Math.min(replace, Math.min(edits[i - 1][j], edits[i][j - 1]) + 1);
                if (i > 1
                        && j > 1
                        && from.charAt(i - 1) == to.charAt(j - 2)
                        && from.charAt(i - 2) == to.charAt(j - 1)) {
                    best = Math.min(best, edits[i - 2][j - 2] + 1);
                }
                edits[i][j] = best;
            }
        }
        return edits[from.length()][to.length()];
    }
}
